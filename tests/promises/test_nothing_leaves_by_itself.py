"""Promise 5: nothing goes outside the organisation until enough different people approved it, byte for byte."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from router.console import approving, drafting, progress
from router.console.acting import By
from router.console.conflict import Who, conflict
from router.errors import Forbidden, StoreFailed
from router.model import Referral
from router.store import drafts, policies
from router.store.casehead import head
from router.store.drafts import Draft
from router.store.engine import transaction
from router.store.posting import referral_id
from router.vocabulary import CaseOutcome
from tests.conftest import Database
from tests.makers import change
from tests.router.console.approvers import Border, a_border, person
from tests.router.console.deployments import CHANNELS, CONSOLE
from tests.router.console.test_reroute import re_route

RT_OUTSIDE = """\
police:
  {kind: rt, scope: external, readable_by: [security], carries: [category], token: 'env:RT_TOKEN',
  url: 'https://rt.example.org', queue: Q, custom_fields: {reference: Reference id}, closed_here: close}"""
POLICE = "police: {kind: folder, scope: external, carries: [category], readable_by: [security], path: d}"


@pytest.fixture
def border(database: Database, tmp_path: Path) -> Iterator[Border]:
    with a_border(database, tmp_path) as made:
        yield made


def refused(border: Border, draft: Draft, handle: str, *, digest: str | None = None) -> str:
    """Return the code by which somebody's approval is refused, which must be in the audit."""
    with pytest.raises(Forbidden) as caught:
        border.approve(draft, handle, digest=digest)
    code = caught.value.code
    last = border.deployment.rows("select actor, action, object, outcome from audit order by id desc limit 1")
    assert last == [(f"person:{handle.strip().lower()}", "draft_approved", draft.reference, f"refused_{code}")]
    return code


def test_what_two_approved_leaves_as_they_saw_it_and_nothing_before(border: Border) -> None:
    draft = border.file()
    shown = approving.look(border.desk, draft.id)
    assert shown is not None
    assert shown.sends is not None
    assert border.send() == {}
    border.approve(draft, "tom")
    assert border.send() == {}

    verdict = border.approve(draft, "una")

    assert (verdict.released, verdict.approved_by) == (True, ("tom", "una"))
    assert border.send() == {f"{draft.reference}.1.json": shown.sends.payload.body}
    assert border.state_of(draft) == ("sent", "sent", "approved")


def test_nobody_counts_twice(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")

    assert refused(border, draft, "tom") == "already_approved"
    assert refused(border, draft, " TOM") == "already_approved"
    assert border.send() == {}


def test_who_drafted_it_does_not_approve_it(border: Border) -> None:
    case = border.deployment.file("grave")
    border.deployment.run("update referrals set state = 'recalled' where state = 'draft'")
    person(border.deployment, "sven")
    made = draft_again(border, case.reference, "sven")

    assert [refused(border, made, handle) for handle in ("sven", "Sven ")] == ["drafted_it"] * 2
    border.approve(made, "tom")
    assert border.send() == {}
    border.approve(made, "una")
    assert list(border.send()) == [f"{case.reference}.2.json"]


def draft_again(border: Border, reference: str, handle: str) -> Draft:
    by = By(reference, handle, "")
    with transaction(border.deployment.console) as connection:
        case = head(connection, reference)
        assert case is not None
        to = drafting.way(border.desk, case.policy, "police")
        shown = drafting.preview(connection, case, to, console_url="http://127.0.0.1:8001")
    assert shown.sends is not None
    made = drafting.draft(
        border.desk,
        by,
        channel="police",
        digest=shown.sends.digest,
        reason="asked for by the police",
        console_url="http://127.0.0.1:8001",
    )
    with transaction(border.deployment.console) as connection:
        found = drafts.find(connection, made)
    assert found is not None
    return found


def test_who_corrected_the_facts_that_would_leave_does_not_approve_them(border: Border) -> None:
    person(border.deployment, "ana")
    case = border.deployment.file("other")
    re_route(border.deployment, case, category="grave")
    [made] = border.drafts(case.reference)

    assert refused(border, made, "ana") == "drafted_it"
    drafting.tend(border.desk)
    assert refused(border, made, "ana") == "drafted_it"
    border.approve(made, "tom")
    assert border.approve(made, "una").approved_by == ("tom", "una")
    assert list(border.send()) == [f"{case.reference}.1.json"]


def test_who_found_a_conflict_does_not_approve_the_recall(border: Border) -> None:
    person(border.deployment, "ana")
    draft = border.file()
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    border.send()
    deployment = border.deployment
    conflict(
        deployment.console,
        reference=draft.reference,
        team="security",
        who=Who("ana", deployment.passphrases["ana"], recovery=False),
        reason="a member is named",
        console_url=CONSOLE,
    )
    [recall] = [one for one in border.drafts(draft.reference) if one.open]

    assert (recall.drafted_by, recall.reason) == ("person:ana", "a member is named")
    assert refused(border, recall, "ana") == "drafted_it"


def test_who_closes_a_case_does_not_approve_that_the_police_are_told(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    border.send()
    border.put_in_force(CHANNELS.replace(POLICE, RT_OUTSIDE))
    console, reference = border.deployment.console, draft.reference
    progress.claim(console, reference=reference, handle="ana", login="", lasts_s=900)
    progress.close(console, reference=reference, handle="ana", login="", outcome=CaseOutcome.UNFOUNDED, told=False)

    [note] = [one for one in border.drafts(draft.reference) if one.open]
    assert note.drafted_by == "person:ana"
    person(border.deployment, "ana")
    assert refused(border, note, "ana") == "drafted_it"


def test_a_recall_to_what_leads_outside_by_now_waits_for_approvals(border: Border) -> None:
    deployment = border.deployment
    case = deployment.file("fraud")
    deployment.sent(case.reference, "legal-desk")
    outside = CHANNELS.replace(
        "legal-desk: {kind: folder, scope: internal", "legal-desk: {kind: folder, scope: external"
    )
    with transaction(deployment.intake) as connection:
        policies.keep(connection, "a" * 64, "", outside)
        policies.activate(connection, "a" * 64)
    re_route(deployment, case, category="other")

    assert deployment.rows("select state from referrals where channel = 'legal-desk' and notice = 'recalled'") == [
        ("draft",)
    ]


@pytest.mark.parametrize(
    ("handle", "arranged", "code"),
    [
        ("rita", "", "role_missing"),
        ("tom", "update people set disabled_at = now() where handle = 'tom'", "disabled_person"),
        ("tom", "insert into recusals (reference, handle) select reference, 'tom' from cases", "recused"),
        ("nobody", "", "unknown_person"),
        ("lena", "", "in_conflict"),
        ("una", "", "person_named"),
    ],
)
def test_who_is_involved_or_may_not_has_no_say(border: Border, handle: str, arranged: str, code: str) -> None:
    person(border.deployment, "rita", role="reviewer")
    person(border.deployment, "lena")
    draft = border.file(involves=["legal"], subject_handle="CORP\\Una")
    if arranged:
        border.deployment.run(arranged)

    assert refused(border, draft, handle) == code
    with pytest.raises(Forbidden, match=code):
        border.refuse(draft, handle)

    assert border.state_of(draft)[0] == "draft"
    assert border.deployment.rows("select * from approvals") == []


def test_somebody_whose_team_is_found_in_conflict_counts_no_more(border: Border) -> None:
    person(border.deployment, "lena")
    draft = border.file()
    border.approve(draft, "lena")
    border.deployment.run(
        "insert into case_conflicts (reference, team, found_by) values (:r, 'legal', 'person:ana')", r=draft.reference
    )

    assert not border.approve(draft, "tom").released
    assert border.send() == {}
    assert border.approve(draft, "vera").approved_by == ("tom", "vera")


@pytest.mark.parametrize(
    "lost",
    [
        "delete from people_roles where handle = 'tom'",
        "update people set disabled_at = now() where handle = 'tom'",
        "insert into recusals (reference, handle) select reference, 'tom' from cases",
    ],
)
def test_who_lost_the_right_meanwhile_counts_no_more(border: Border, lost: str) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.deployment.run(lost)

    assert not border.approve(draft, "una").released
    assert border.send() == {}


def test_of_many_at_once_each_counts_once_and_it_leaves_once(border: Border) -> None:
    draft = border.file()
    people = [f"p{n}" for n in range(8)]
    person(border.deployment, *people)
    digest, gate = border.digest(draft), Barrier(8)

    def attempt(handle: str) -> str:
        gate.wait()
        try:
            return "released" if border.approve(draft, handle, digest=digest).released else "approved"
        except Forbidden as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        ended = sorted(pool.map(attempt, people))

    assert ended == ["approved", *["draft_approved"] * 6, "released"]
    assert len(border.deployment.rows("select * from approvals")) == 2
    assert list(border.send()) == [f"{draft.reference}.1.json"]


def test_one_person_in_many_windows_counts_once(border: Border) -> None:
    draft = border.file()
    digest = border.digest(draft)

    def attempt(_n: int) -> str:
        try:
            return str(border.approve(draft, "tom", digest=digest).released)
        except Forbidden as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        ended = sorted(pool.map(attempt, range(6)))

    assert ended == ["False", *["already_approved"] * 5]
    assert border.send() == {}


@pytest.mark.parametrize(
    "changed",
    [
        POLICE.replace("path: d", "path: elsewhere"),
        POLICE.replace("[category]", "[category, severity]"),
        POLICE.replace("[category]", "[category], approvals: 3"),
        POLICE.replace("[security]", "[security, ombuds]"),
    ],
    ids=["another way", "other words", "more people", "other readers"],
)
def test_what_changed_after_one_approved_it_must_be_approved_anew(border: Border, changed: str) -> None:
    draft = border.file(urgency=["ongoing"])
    before = border.digest(draft)
    border.approve(draft, "tom")
    if "severity" in changed:
        # A channel may carry less at once; more only in what is drafted anew.
        changed = POLICE.replace("[category]", "[]")
    border.put_in_force(CHANNELS.replace(POLICE, changed))

    assert refused(border, draft, "una", digest=before) == "changed_since"
    assert not border.approve(draft, "una").released
    assert border.send() == {}


def test_what_changed_between_the_last_approval_and_the_sending_is_a_draft_again(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    border.put_in_force(CHANNELS.replace("path: d", "path: elsewhere"))

    assert border.send() == {}
    assert border.state_of(draft) == ("draft", "not_approved", "approved")

    drafting.tend(border.desk)
    assert border.state_of(draft)[2] is None
    border.approve(draft, "tom")
    assert border.send() == {}
    border.approve(draft, "una")
    assert list(border.send()) == [f"{draft.reference}.1.json"]


def test_what_is_as_it_was_approved_again_leaves_when_somebody_says_so(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    border.put_in_force(CHANNELS.replace("path: d", "path: elsewhere"))
    assert border.send() == {}
    border.put_in_force(CHANNELS)
    assert border.send() == {}

    assert border.approve(draft, "tom").released
    assert list(border.send()) == [f"{draft.reference}.1.json"]


def test_a_row_that_somebody_changed_behind_our_back_does_not_leave(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    other = Referral(reference=draft.reference, category="fraud")
    border.deployment.run(
        "update referrals set fields = cast(:fields as jsonb) where id = :id",
        fields=other.model_dump_json(exclude_none=True),
        id=draft.id,
    )

    assert border.send() == {}
    assert border.state_of(draft)[0] == "draft"


@pytest.mark.parametrize("state", ["due", "standby", "sent", "dead"])
def test_no_program_takes_a_row_out_of_its_draft_by_itself(border: Border, state: str) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    for engine in (border.deployment.console, border.deployment.owner, border.worker):
        with pytest.raises(StoreFailed, match=r"23514|42501"), transaction(engine) as connection:
            change(connection, "update referrals set state = :state where id = :id", state=state, id=draft.id)

    assert border.send() == {}


def test_a_row_that_never_was_a_draft_does_not_leave_either(border: Border) -> None:
    draft = border.file()
    fields = {"reference": draft.reference, "revision": 9, "category": "grave"}
    key = referral_id(draft.reference, "police", 9)
    border.deployment.run(
        "insert into referrals (id, reference, channel, kind, revision, policy, state, fields)"
        " values (:id, :r, 'police', 'folder', 9, 'x', 'due', cast(:f as jsonb))",
        id=key,
        r=draft.reference,
        f=json.dumps(fields),
    )

    assert border.send() == {}
    assert border.deployment.rows("select state, outcome from referrals where id = :id", id=key) == [
        ("dead", "not_approved")
    ]


@pytest.mark.parametrize(
    "forged",
    [
        "insert into approvals (referral, digest, handle, verdict, reason) values (:id, 'x', 'una', 'approved', 'y')",
        "update drafts set needed = 1 where referral = :id",
        "update drafts set ended = 'approved', ended_at = now() where referral = :id",
    ],
)
def test_a_worker_can_approve_nothing(border: Border, forged: str) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    with pytest.raises(StoreFailed, match="42501"), transaction(border.worker) as connection:
        change(connection, forged, id=draft.id)

    assert border.send() == {}


@pytest.mark.parametrize(
    "votes",
    [
        [("vera", "approved"), ("una", "refused")],
        [("vera", "approved"), ("tom", "refused")],
        [("sven", "approved")],
        [],
    ],
    ids=["somebody refused", "somebody took it back", "the drafter", "too few"],
)
def test_a_worker_counts_again_though_the_row_says_that_it_may_leave(
    border: Border, votes: list[tuple[str, str]]
) -> None:
    """Even where somebody who owns the database took the guard away."""
    person(border.deployment, "sven")
    draft = border.file()
    border.approve(draft, "tom")
    for handle, verdict in votes:
        border.deployment.run(
            "insert into approvals (referral, digest, reason, handle, verdict)"
            " select referral, digest, 'x', :handle, :verdict from drafts",
            handle=handle,
            verdict=verdict,
        )
    for statement in (
        "alter table referrals disable trigger approved",
        "update drafts set ended = 'approved', ended_at = now(), drafted_by = 'person:sven'",
        "update referrals set state = 'due' where state = 'draft'",
    ):
        border.deployment.run(statement)

    assert border.send() == {}
    assert border.state_of(draft)[0] == "draft"


def test_approvals_of_one_draft_are_worth_nothing_for_another(border: Border) -> None:
    one, other = border.file(), border.file()
    for handle in ("tom", "una"):
        border.approve(one, handle)
    border.deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at, ended, ended_at)"
        " select :other, drafted_by, digest, needed, expires_at, ended, ended_at from drafts where referral = :one",
        one=one.id,
        other=other.id,
    )
    border.deployment.run(
        "insert into approvals select :other, digest, handle, verdict, reason, at from approvals where referral = :one",
        one=one.id,
        other=other.id,
    )
    border.deployment.run("update referrals set state = 'due' where id = :id", id=other.id)

    assert list(border.send()) == [f"{one.reference}.1.json"]
    assert border.state_of(other)[0] == "draft"


def test_a_refusal_ends_it_whoever_had_approved_before(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.refuse(draft, "tom")

    assert border.state_of(draft) == ("recalled", "refused", "refused")
    assert refused(border, draft, "una") == "draft_refused"
    assert border.send() == {}


def test_nobody_approves_what_has_expired_and_it_ends_by_itself(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.deployment.run("update drafts set expires_at = now() - interval '1 s'")

    assert refused(border, draft, "una") == "draft_expired"
    drafting.tend(border.desk)
    assert border.state_of(draft) == ("recalled", "expired", "expired")
    assert border.deployment.rows("select actor, object from audit where action = 'draft_expired'") == [
        ("clock", draft.reference)
    ]
    assert border.send() == {}


def test_what_one_approved_while_one_was_enough_waits_for_the_second_again(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.put_in_force(CHANNELS.replace(POLICE, POLICE.replace("path: d", "path: d, approvals: 1")))
    assert border.approve(draft, "tom").released
    border.put_in_force(CHANNELS)

    assert border.send() == {}
    assert border.state_of(draft)[:2] == ("draft", "not_approved")


def test_what_the_policy_asks_more_people_for_waits_for_them(border: Border) -> None:
    border.put_in_force(CHANNELS.replace(POLICE, POLICE.replace("path: d", "path: d, approvals: 3")))
    draft = border.file()
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    assert border.send() == {}

    assert border.approve(draft, "vera").released
    assert len(border.send()) == 1


def test_an_act_that_breaks_off_leaves_nothing_half_approved(border: Border, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = border.file()
    border.approve(draft, "tom")

    def fails(*_: object) -> None:
        raise OSError

    # As if the process were killed between the last approval and the commit.
    monkeypatch.setattr(drafts, "end", fails)
    with pytest.raises(OSError, match=r"^$"):
        border.approve(draft, "una")
    monkeypatch.undo()

    assert border.state_of(draft) == ("draft", None, None)
    assert [row[0] for row in border.deployment.rows("select handle from approvals")] == ["tom"]
    assert border.send() == {}
