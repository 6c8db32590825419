"""A case whose facts were wrong is decided anew: it goes to others, and those who need not know lose it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest

from router import clock
from router.console import progress
from router.console.attempt import attempted
from router.console.opening import identify
from router.console.reroute import ACTION, Prospect, Rerouted, Wanted, foresee, reroute
from router.errors import Broken, Forbidden, RouterError, Taken
from router.model import NewCase
from router.store import conflicts, decisions, policies
from router.store.engine import transaction
from router.store.referrals import Ended, lease, settle
from router.triage.policy import Policy, parse_policy
from tests.router.console.deployments import CONSOLE, POLICY, WRITTEN, Deployment

REASON = "it is about money after all"


def the_policy(deployment: Deployment, text: str = POLICY) -> Policy:
    return parse_policy(text, deployment.channels)


def wanted(deployment: Deployment, case: NewCase, policy: Policy | None = None, **corrected: Any) -> Wanted:
    before = the_policy(deployment)
    with transaction(deployment.console) as connection:
        stands = conflicts.decided_case(connection, case.reference)
    assert stands is not None
    facts = type(stands.facts).model_validate({**stands.facts.model_dump(), **corrected})
    return Wanted(facts, policy or before, before, CONSOLE)


def re_route(
    deployment: Deployment, case: NewCase, *, by: str = "ana", policy: Policy | None = None, **corrected: Any
) -> Rerouted:
    attempt = attempted(deployment.console, ACTION, kind="person", handle=by, reference=case.reference)
    reader = identify(attempt, by, deployment.passphrases[by])
    return reroute(attempt, reader, wanted(deployment, case, policy, **corrected), reason=REASON)


def foreseen(deployment: Deployment, case: NewCase, **corrected: Any) -> Prospect:
    with transaction(deployment.console) as connection:
        return foresee(connection, case.reference, wanted(deployment, case, **corrected))


Row = tuple[str, int, str, str | None, str | None, str | None]


def rows(deployment: Deployment, case: NewCase) -> list[Row]:
    return deployment.rows(
        "select channel, revision, state, notice, awaited, outcome from referrals where reference = :reference"
        " order by channel, revision",
        reference=case.reference,
    )


def at(deployment: Deployment, case: NewCase, channel: str, *states: str) -> list[Row]:
    return [row for row in rows(deployment, case) if row[0] == channel and (not states or row[2] in states)]


def shape(plans: Any) -> list[tuple[str, str, str | None]]:
    return [(plan.channel, plan.state.value, plan.fields.notice) for plan in plans]


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


def test_what_they_were_sent_is_recalled_and_what_waited_for_them_is_stopped(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    re_route(deployment, case, category="other")

    legal = at(deployment, case, "legal-desk")
    assert legal[0][2] == "sent"
    assert legal[-1][2:4] == ("due", "recalled")
    assert {row[2] for row in legal[1:-1]} <= {"recalled"}
    assert at(deployment, case, "ombuds-desk", "standby", "due") == []


def test_what_was_never_tried_is_not_recalled(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    became = re_route(deployment, case, category="other")

    assert became.prospect.change.recalled == ()
    assert {row[2] for row in at(deployment, case, "legal-desk")} == {"recalled"}


def test_who_holds_something_of_it_is_told_what_counts_now(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    re_route(deployment, case, category="other")
    ((fields, revision),) = deployment.rows(
        "select fields, revision from referrals where channel = 'security-desk' and state = 'due'"
    )

    assert (fields["notice"], fields["category"], fields["severity"], fields["revision"]) == (
        *("corrected", "other", "low"),
        revision,
    )


def test_who_is_told_nothing_that_changed_is_not_told_again(deployment: Deployment) -> None:
    case = deployment.file("other")
    deployment.sent(case.reference, "security-desk")
    became = re_route(deployment, case, where_found="laptop")

    assert became.prospect.change.posted == ()
    assert became.prospect.change.stopped == ()
    assert became.prospect.corrected == ("where_found",)


def test_what_is_not_sent_yet_is_sent_as_it_is_now(deployment: Deployment) -> None:
    case = deployment.file("other")
    re_route(deployment, case, category="fraud")
    due = deployment.rows("select channel, notice, fields ->> 'category' from referrals where state = 'due' order by 1")

    assert due == [("legal-desk", None, "fraud"), ("security-desk", None, "fraud")]


def test_nothing_that_waits_speaks_of_a_time_that_counts_no_more(deployment: Deployment) -> None:
    case = deployment.file("other")
    re_route(deployment, case, category="fraud")
    waiting = deployment.rows(
        "select distinct due_at from referrals where state = 'standby' and awaited = 'claim' and notice = 'overdue'"
    )
    ((claim_by, decide_by),) = deployment.rows("select claim_by, decide_by from cases")

    assert waiting == [(claim_by,)]
    assert (claim_by, decide_by) == (
        case.received_at + timedelta(hours=4),
        case.received_at + timedelta(days=3),
    )


def test_a_reminder_that_was_sent_is_not_sent_a_second_time(deployment: Deployment) -> None:
    case = deployment.file("fraud", ago=timedelta(hours=3, minutes=30))
    deployment.sent(case.reference, "security-desk")
    deployment.run(
        "update referrals set state = 'sent', attempts = 1, first_due_at = due_at, due_at = now(), settled_at = now()"
        " where notice = 'reminder' and awaited = 'claim'"
    )
    re_route(deployment, case, involves=["legal"])
    reminders = [row for row in rows(deployment, case) if (row[3], row[4]) == ("reminder", "claim")]

    assert [row[2] for row in reminders if row[0] == "security-desk"] == ["sent"]


def test_what_a_worker_takes_at_that_moment_is_recalled_as_well(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    blocked = "select count(*) from pg_locks where not granted"
    with ThreadPoolExecutor(1) as staff, transaction(deployment.owner) as worker:
        assert lease(worker, "legal-desk", limit=9, lease_s=30)
        going = staff.submit(re_route, deployment, case, category="other")
        while deployment.rows(blocked) == [(0,)] and not going.done():
            sleep(0.01)
        worker.commit()
        became = going.result()

    assert [plan.channel for plan in became.prospect.change.recalled] == ["legal-desk"]
    assert at(deployment, case, "legal-desk")[0][2:] == ("leased", None, None, "rerouted")


def test_what_a_worker_tries_again_at_that_moment_is_not_tried_once_more(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    with transaction(deployment.owner) as worker:
        held = lease(worker, "legal-desk", limit=9, lease_s=30)
        settle(worker, [Ended(one, "due", "timed_out", clock.now()) for one in held])
    with transaction(deployment.owner) as worker:
        held = lease(worker, "legal-desk", limit=9, lease_s=30)
    re_route(deployment, case, category="other")
    with transaction(deployment.owner) as worker:
        settle(worker, [Ended(one, "due", "timed_out", clock.now()) for one in held])

    assert at(deployment, case, "legal-desk")[0][2:] == ("recalled", None, None, "rerouted")


def test_nobody_approves_any_more_what_it_withdrew(deployment: Deployment) -> None:
    case = deployment.file("grave")
    deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at)"
        " select id, 'policy', 'd', 2, now() + interval '1 d' from referrals where channel = 'police'"
    )
    re_route(deployment, case, category="other")

    assert deployment.rows("select ended, ended_at is not null from drafts") == [("replaced", True)]


def test_a_draft_that_still_counts_stays_and_another_is_replaced(deployment: Deployment) -> None:
    case = deployment.file("grave")
    re_route(deployment, case, where_found="laptop")
    assert [row[1:3] for row in at(deployment, case, "police")] == [(1, "draft")]

    re_route(deployment, case, category="other")

    assert [row[1:3] for row in at(deployment, case, "police")] == [(1, "recalled")]


def test_nothing_goes_outside_by_it_a_recall_neither(deployment: Deployment) -> None:
    case = deployment.file("grave")
    deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at, ended, ended_at)"
        " select id, 'policy', 'd', 1, now(), 'approved', now() from referrals where channel = 'police'"
    )
    deployment.run(
        "insert into approvals (referral, digest, handle, verdict, reason)"
        " select referral, 'd', 'lena', 'approved', 'a test' from drafts"
    )
    deployment.run("update referrals set state = 'sent', attempts = 1 where channel = 'police'")
    became = re_route(deployment, case, category="other")

    assert ("police", "draft", "recalled") in shape(became.prospect.change.posted)
    assert "police" not in became.to_ring
    assert at(deployment, case, "police", "due") == []


def outside(deployment: Deployment) -> NewCase:
    """Return a case that the police hold something of, and that was re-routed so that they should not."""
    case = deployment.file("grave")
    deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at, ended, ended_at)"
        " select id, 'policy', 'd', 1, now(), 'approved', now() from referrals where channel = 'police'"
    )
    deployment.run(
        "insert into approvals (referral, digest, handle, verdict, reason)"
        " select referral, 'd', 'lena', 'approved', 'a test' from drafts"
    )
    deployment.run("update referrals set state = 'sent', attempts = 1 where channel = 'police'")
    re_route(deployment, case, category="other")
    return case


def test_a_recall_that_nobody_approved_goes_when_the_case_comes_back(deployment: Deployment) -> None:
    case = outside(deployment)
    re_route(deployment, case, category="grave")

    assert [row[1:4] for row in at(deployment, case, "police")] == [(1, "sent", None), (2, "recalled", "recalled")]


def test_a_recall_that_waits_for_approvals_is_not_asked_for_twice(deployment: Deployment) -> None:
    case = outside(deployment)
    re_route(deployment, case, where_found="laptop")

    assert [row[1:4] for row in at(deployment, case, "police")] == [(1, "sent", None), (2, "draft", "recalled")]


def test_a_recall_that_was_refused_is_asked_for_again(deployment: Deployment) -> None:
    case = outside(deployment)
    deployment.run("update referrals set state = 'recalled', outcome = 'refused' where state = 'draft'")
    re_route(deployment, case, where_found="laptop")

    assert [row[1:4] for row in at(deployment, case, "police")][1:] == [
        (2, "recalled", "recalled"),
        (3, "draft", "recalled"),
    ]


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


def test_whoever_comes_back_is_told_in_the_same_place(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    re_route(deployment, case, category="other")
    deployment.sent(case.reference, "legal-desk")
    became = re_route(deployment, case, category="fraud")

    assert ("legal-desk", "due", "corrected") in shape(became.prospect.change.added)
    assert at(deployment, case, "legal-desk", "due")[-1][3] == "corrected"


def test_there_and_back_waits_for_the_same_as_at_first(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    first = [row[:1] + row[2:5] for row in rows(deployment, case)]
    for category in ("other", "grave", "fraud"):
        re_route(deployment, case, category=category)
    now = [row[:1] + row[2:5] for row in rows(deployment, case) if row[2] != "recalled"]

    assert sorted(now, key=str) == sorted(first, key=str)


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
