"""A case whose facts were wrong is decided anew: it goes to others, and those who need not know lose it."""

from typing import Any

import pytest

from router.console import progress
from router.console.reroute import ACTION, Prospect, foresee
from router.errors import Broken, Forbidden, RouterError, Taken
from router.model import NewCase
from router.store import conflicts, decisions, policies
from router.store.engine import transaction
from tests.router.console.deployments import POLICY, WRITTEN, Deployment
from tests.router.console.rerouting import REASON, at, re_route, rows, shape, the_policy, wanted


def foreseen(deployment: Deployment, case: NewCase, **corrected: Any) -> Prospect:
    with transaction(deployment.console) as connection:
        return foresee(connection, case.reference, wanted(deployment, case, **corrected))


def test_whoever_must_know_gets_the_key_and_who_need_not_loses_it(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    assert deployment.open(case.reference, "lena") == WRITTEN

    became = re_route(deployment, case, category="other")

    assert deployment.open(case.reference, "sven") == WRITTEN
    with pytest.raises(Forbidden, match=r"^not_a_member$"):
        deployment.open(case.reference, "lena")
    assert (became.prospect.staying, became.prospect.joining, became.prospect.leaving) == (
        ("security",),
        (),
        ("legal",),
    )
    re_route(deployment, case, category="fraud")
    assert deployment.open(case.reference, "lena") == WRITTEN


def test_recovery_still_opens_it(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    re_route(deployment, case, category="other")

    owners = deployment.rows(
        "select r.owner from case_key_wraps w join recipient_keys r on r.key_id = w.key_id order by 1"
    )
    assert owners == [("recovery",), ("security",)]


def test_a_team_that_is_involved_by_the_new_facts_knows_nothing_more(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    deployment.sent(case.reference, "security-desk")
    became = re_route(deployment, case, by="lena", involves=["security_team"])

    assert became.prospect.leaving == ("security",)
    assert became.prospect.decision.avoided == ("security",)
    assert ("security-desk", "due", "recalled") in shape(became.prospect.change.posted)
    assert at(deployment, case, "security-desk", "standby") == []
    kept_from = deployment.rows("select distinct kept_from from referrals where state in ('standby', 'due')")
    assert (["security"],) in kept_from


def test_a_member_of_a_team_that_is_involved_by_it_alone_cannot(deployment: Deployment) -> None:
    case = deployment.file("fraud")

    with pytest.raises(Forbidden, match=r"^in_conflict$"):
        re_route(deployment, case, by="sven", involves=["security_team"])
    assert deployment.open(case.reference, "sven") == WRITTEN


def test_a_conflict_that_was_found_stays(deployment: Deployment) -> None:
    case = deployment.file("other")
    deployment.run("insert into case_conflicts (reference, team, found_by) select reference, 'legal', 'x' from cases")
    became = re_route(deployment, case, category="fraud")

    assert became.prospect.joining == ()
    assert became.prospect.decision.avoided == ("legal",)


def test_a_holder_who_may_not_open_it_any_more_has_it_no_more(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    progress.claim(deployment.console, reference=case.reference, handle="lena", login="login:x")
    became = re_route(deployment, case, by="lena", category="other")

    assert became.released_from == "lena"
    assert not became.still_open_to
    assert deployment.rows("select claimed_by from cases") == [(None,)]
    assert ("standby", "overdue", "claim") in [row[2:5] for row in rows(deployment, case)]


def test_what_waits_for_a_claim_is_held_back_while_somebody_has_it_and_comes_back_new(deployment: Deployment) -> None:
    case = deployment.file("other")
    progress.claim(deployment.console, reference=case.reference, handle="ana", login="login:x")
    re_route(deployment, case, category="fraud")
    waiting = {row[4] for row in rows(deployment, case) if row[2] == "standby"}
    progress.release(deployment.console, reference=case.reference, handle="ana", login="login:x")
    ((claim_by,),) = deployment.rows("select claim_by from cases")
    overdue = deployment.rows(
        "select due_at from referrals where awaited = 'claim' and notice = 'overdue' and state = 'standby'"
    )

    assert "claim" not in waiting
    assert overdue == [(claim_by,)]


def test_who_has_it_claimed_is_not_overruled(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    progress.claim(deployment.console, reference=case.reference, handle="lena", login="login:x")

    with pytest.raises(Taken):
        re_route(deployment, case, by="sven", category="other")
    assert deployment.rows("select route from cases") == [("fraud",)]


@pytest.mark.parametrize(
    ("by", "corrected", "code"),
    [
        ("ana", {}, "nothing_changed"),
        ("ana", {"category": "no_such"}, "unknown_value"),
        ("lena", {"category": "fraud"}, "not_a_member"),
    ],
)
def test_a_refusal_changes_nothing_and_is_noted(
    deployment: Deployment, by: str, corrected: dict[str, Any], code: str
) -> None:
    case = deployment.file("other")
    before = rows(deployment, case)
    with pytest.raises(RouterError) as refused:
        re_route(deployment, case, by=by, **corrected)

    assert refused.value.code == code
    assert rows(deployment, case) == before
    assert deployment.rows("select * from earlier_decisions") == []
    assert deployment.rows("select outcome from audit where action = :action", action=ACTION) == [(f"refused_{code}",)]


def test_a_closed_case_is_not_re_routed(deployment: Deployment) -> None:
    case = deployment.file("other")
    deployment.run("update cases set state = 'closed', closed_at = now(), outcome = 'acted'")

    with pytest.raises(Forbidden, match=r"^case_closed$"):
        re_route(deployment, case, category="fraud")


def test_somebody_must_be_left_to_tell(deployment: Deployment) -> None:
    case = deployment.file("other")
    for team in ("legal", "ombuds"):
        deployment.run(
            "insert into case_conflicts (reference, team, found_by) select reference, :team, 'x' from cases", team=team
        )

    with pytest.raises(Broken, match="nobody_left"):
        re_route(deployment, case, involves=["security_team"])


def test_the_policy_in_force_may_decide_instead_of_the_case_s_own(deployment: Deployment) -> None:
    case = deployment.file("other")
    text = POLICY.replace("{id: rest, teams: security, to: security-desk}", "{id: rest, teams: legal, to: legal-desk}")
    mended = the_policy(deployment, text)
    with transaction(deployment.intake) as connection:
        policies.keep(connection, mended.digest, text, deployment.channels)
    became = re_route(deployment, case, policy=mended)

    assert (became.prospect.joining, became.prospect.leaving) == (("legal",), ("security",))
    assert deployment.rows("select policy from cases") == [(mended.digest,)]
    assert deployment.open(case.reference, "lena") == WRITTEN


def test_what_is_foreseen_is_what_happens_and_changes_nothing(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    before = rows(deployment, case)
    seen = foreseen(deployment, case, category="other")
    assert rows(deployment, case) == before

    did = re_route(deployment, case, category="other").prospect

    assert shape(did.change.posted) == shape(seen.change.posted)
    assert [row[:3] for row in did.change.stopped] == [row[:3] for row in seen.change.stopped]
    assert (did.joining, did.leaving, did.decision) == (seen.joining, seen.leaving, seen.decision)


def test_the_earlier_decision_is_kept_and_the_audit_has_its_digest(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    deployment.sent(case.reference, "legal-desk")
    with transaction(deployment.console) as connection:
        stood = conflicts.decided_case(connection, case.reference)
    assert stood is not None
    digest = decisions.digest(stood)
    re_route(deployment, case, category="other")
    with transaction(deployment.console) as connection:
        (earlier,) = decisions.earlier(connection, case.reference)
    lines = deployment.rows(
        "select action, outcome, detail from audit where actor = 'person:ana' and object = :reference order by id",
        reference=case.reference,
    )

    assert (earlier.route, earlier.facts.category, earlier.replaced_by) == ("fraud", "fraud", "person:ana")
    assert lines[0] == (ACTION, "ok", f"was:fraud:{digest} now:rest corrected:category {REASON}")
    assert ("case_key_taken", "ok", "team:legal") in lines
    assert ("case_recalled", "ok", "legal-desk") in lines
    assert deployment.rows("select category, route, severity, decision ->> 'route' from cases") == [
        ("other", "rest", 0, "rest")
    ]


def test_the_queue_shows_it_to_who_may_open_it_now(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    re_route(deployment, case, category="other")
    keys = deployment.rows("select a.keys from case_queue q join case_audiences a on a.id = q.audience")
    held = deployment.rows("select array_agg(key_id order by key_id) from case_key_wraps")

    assert keys == held
    assert deployment.rows("select category from case_queue") == [("other",)]
