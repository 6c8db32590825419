"""Promise 5: nothing goes outside the organisation until enough different people approved it, byte for byte."""

import json

import pytest

from router.console import approving, drafting
from router.errors import StoreFailed
from router.model import Referral
from router.store import drafts, policies
from router.store.engine import transaction
from router.store.posting import referral_id
from tests.makers import change
from tests.router.console.approvers import POLICE, Border, person, refused
from tests.router.console.deployments import CHANNELS
from tests.router.console.rerouting import re_route


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
