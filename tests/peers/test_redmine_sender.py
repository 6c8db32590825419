"""The sender alone against a real Redmine 5, by each way: what it makes, says, checks, sees later and closes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from router import clock
from router.errors import Declined, TryLater
from router.failpoints import FailPoint, on_reach
from router.model import Proof, Referral, Seen
from router.vocabulary import Awaited, Notice, Proven, Severity
from tests.peers.redminepeer import Peer
from tests.peers.redmineways import Desk
from workers.channels.ticketing import NOTHING_THERE

pytestmark = pytest.mark.peers


@pytest.fixture
def desk(way: str, redmine: Peer, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("REDMINE_KEY", redmine.key)
    return Desk(way, redmine)


def a_case() -> Referral:
    return Referral(reference=clock.new_reference(), category="fraud", severity=Severity.HIGH)


def a_reminder(case: Referral) -> Referral:
    return Referral(reference=case.reference, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)


def a_recall(case: Referral) -> Referral:
    return Referral(reference=case.reference, revision=3, notice=Notice.RECALLED)


def test_a_case_is_one_private_issue_with_fields_and_priority_and_a_neutral_title(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    proofs = [desk.send(case), desk.send(case)]
    (issue,) = redmine.tickets(case.reference)
    number = str(issue["id"])

    assert proofs == [Proof(number, Proven.VISIBLE), Proof(number, Proven.VISIBLE, repeated=True)]
    assert redmine.filled(number) == {"reference": case.reference, "category": "fraud", "severity": "high"}
    assert issue["subject"] == f"{case.reference} confidential referral"
    assert issue["priority"]["id"] == redmine.priorities["high"]
    assert not redmine.outsider_sees(number)


def test_a_reminder_is_one_private_note_though_it_is_repeated(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = desk.send(case).remote_id
    proofs = [desk.send(a_reminder(case)), desk.send(a_reminder(case))]
    ((private, said),) = redmine.said(str(number))

    assert proofs == [Proof(number, Proven.VISIBLE), Proof(number, Proven.VISIBLE, repeated=True)]
    assert private
    assert f"Reminder: a person should have taken {case.reference}." in said


def test_a_withdrawn_issue_is_told_emptied_and_closed(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    proofs = [desk.send(a_recall(case)), desk.send(a_recall(case))]
    issue = redmine.shown(number)

    assert proofs == [Proof(number, Proven.VISIBLE), Proof(number, Proven.VISIBLE, repeated=True)]
    assert redmine.filled(number) == {"reference": case.reference}
    assert "fraud" not in issue["description"]
    assert issue["status"]["is_closed"]
    assert [private for private, _ in redmine.said(number)] == [True]


def test_a_withdrawal_without_an_issue_makes_none(redmine: Peer, desk: Desk) -> None:
    case = a_case()

    with pytest.raises(TryLater, match=NOTHING_THERE):
        desk.send(a_recall(case))
    assert redmine.tickets(case.reference) == []


def test_a_drill_is_an_issue_that_says_so(redmine: Peer, desk: Desk) -> None:
    reference = clock.new_reference("DRILL")
    desk.send(Referral(reference=reference, notice=Notice.DRILL))
    (issue,) = redmine.tickets(reference)

    assert issue["subject"] == f"{reference} drill, not a case"
    assert issue["description"].startswith("This is a drill, not a case")


def test_an_issue_that_staff_closed_or_moved_is_found_and_not_made_again(redmine: Peer, desk: Desk) -> None:
    case, moved = a_case(), a_case()
    redmine.put(str(desk.send(case).remote_id), "closed")
    redmine.move(str(desk.send(moved).remote_id), "elsewhere")
    proofs = [desk.send(case), desk.send(moved), desk.send(a_reminder(moved))]

    assert [proof.repeated for proof in proofs] == [True, True, False]
    assert len(redmine.tickets(case.reference)) == len(redmine.tickets(moved.reference)) == 1


def test_another_desk_of_the_same_redmine_gets_an_issue_of_its_own(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    first = desk.send(case)
    second = Desk(desk.way, redmine, project="elsewhere").send(case)

    assert (first.repeated, second.repeated) == (False, False)
    assert [issue["project"]["name"] for issue in redmine.tickets(case.reference)] == ["Safeguarding", "Elsewhere"]


def test_an_issue_is_taken_by_an_owner_or_by_who_changes_its_state(redmine: Peer, desk: Desk) -> None:
    seen = []
    for act in (
        lambda _: None,
        redmine.take,
        lambda n: redmine.put(n, "in_progress"),
        lambda n: redmine.put(n, "closed"),
    ):
        case = a_case()
        number = str(desk.send(case).remote_id)
        act(number)
        seen.append(desk.look(case, number))

    assert [one.proven for one in seen] == [Proven.VISIBLE, *[Proven.ACKNOWLEDGED] * 3]
    assert [one.resolved for one in seen] == [False, False, False, True]


def test_an_issue_that_was_closed_too_early_is_opened_again(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    redmine.put(number, "closed")

    assert desk.reopen(case, number)
    assert not redmine.shown(number)["status"]["is_closed"]
    assert [private for private, _ in redmine.said(number)] == [True]


def test_an_issue_is_closed_with_the_case(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    closed = Referral(reference=case.reference, revision=2, notice=Notice.CLOSED)
    proofs = [desk.send(closed), desk.send(closed)]

    assert [proof.repeated for proof in proofs] == [False, True]
    assert redmine.shown(number)["status"]["is_closed"]
    assert redmine.filled(number)["category"] == "fraud"


def test_a_second_issue_is_told_where_to_go_on_and_closed(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    second = redmine.again(case.reference)
    seen = [desk.look(case, number) for _ in range(2)]

    assert [one.closed for one in seen] == [(second,), ()]
    assert not redmine.shown(number)["status"]["is_closed"]
    assert redmine.shown(second)["status"]["is_closed"]
    ((private, said),) = redmine.said(second)
    assert private
    assert f"go on in ticket {number}" in said


def test_two_workers_that_create_at_once_leave_one_open_issue(redmine: Peer, desk: Desk) -> None:
    """The window that the guarantee `found` names: both have looked before either wrote."""
    case, both = a_case(), Barrier(2)

    def meet(point: FailPoint) -> None:
        if point is FailPoint.AFTER_LOOK_UP:
            both.wait(30)

    on_reach(meet)
    try:
        with ThreadPoolExecutor(2) as workers:
            made = {str(proof.remote_id) for proof in workers.map(lambda _: desk.send(case), range(2))}
    finally:
        on_reach(None)
    first, second = redmine.numbers(case.reference)
    seen = desk.look(case, first)

    assert made == {first, second}
    assert (seen.remote_id, seen.closed) == (first, (second,))
    assert desk.send(case) == Proof(first, Proven.VISIBLE, repeated=True)


def test_a_second_issue_that_is_worked_in_is_left_and_said(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    second = redmine.again(case.reference)
    redmine.take(second)

    assert desk.look(case, number) == Seen(number, Proven.VISIBLE, left=(second,), resolved=False)
    assert not redmine.shown(second)["status"]["is_closed"]


def test_what_staff_made_is_no_second_issue(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    theirs = redmine.again(case.reference, by_staff=True)

    assert desk.look(case, number) == Seen(number, Proven.VISIBLE, resolved=False)
    assert not redmine.shown(theirs)["status"]["is_closed"]


def test_the_open_issue_is_kept_when_the_ledger_s_is_closed_or_gone(redmine: Peer, desk: Desk) -> None:
    for end in (lambda number: redmine.put(number, "rejected"), redmine.delete):
        case = a_case()
        number = str(desk.send(case).remote_id)
        second = redmine.again(case.reference)
        end(number)

        assert desk.look(case, number) == Seen(second, Proven.VISIBLE, resolved=False)


def test_an_issue_that_was_deleted_is_gone(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    redmine.delete(number)

    assert desk.look(case, number) == Seen(None)


def test_a_poll_names_what_changed_since_and_nothing_else(redmine: Peer, desk: Desk) -> None:
    quiet, taken = a_case(), a_case()
    numbers = [str(desk.send(case).remote_id) for case in (quiet, taken)]
    redmine.put(numbers[1], "closed")

    assert list(desk.changed(clock.now() - timedelta(minutes=1)))[-1] == numbers[1]
    assert desk.changed(clock.now() + timedelta(minutes=1)) == []


def test_a_good_desk_has_no_findings(desk: Desk) -> None:
    desk.send(a_case())

    assert desk.check() == []


@pytest.mark.parametrize(
    ("project", "code"), [("facilities", "field_dropped"), ("open", "field_dropped"), ("archive", "not_authorised")]
)
def test_what_lacks_a_field_privacy_or_a_right_is_no_success(
    desk: Desk, redmine: Peer, project: str, code: str
) -> None:
    """Where a check does not find it before."""
    with pytest.raises((Declined, TryLater)) as refused:
        Desk(desk.way, redmine, project=project).send(a_case())

    assert refused.value.code == code


def test_the_kind_s_check_says_what_is_missing(desk: Desk, redmine: Peer) -> None:
    if desk.way != "redmine":
        pytest.skip("a recipe cannot ask all that")
    redmine.again(clock.new_reference(), by_staff=True, project="facilities")
    desk.send(a_case())
    wanted: dict[str, dict[str, Any]] = {
        "field": {"project": "facilities"},
        "unknown field": {"fields": {"link": 99}},
        "project": {"project": "closed-to-us"},
        "rights": {"project": "archive"},
        "privacy": {"project": "open"},
    }
    found = {name: Desk("redmine", redmine, **what).check() for name, what in wanted.items()}

    assert found == {
        "field": [("field_missing", "severity")],
        "unknown field": [("field_missing", "link")],
        "project": [("project_missing", "closed-to-us")],
        "rights": [
            ("right_missing", right)
            for right in (
                "add_issues",
                "edit_issues",
                "set_issues_private",
                "add_issue_notes",
                "set_notes_private",
                "view_private_notes",
            )
        ],
        "privacy": [("right_missing", "set_issues_private"), ("right_missing", "set_notes_private")],
    }


@pytest.mark.usefixtures("desk")
def test_a_check_says_that_the_key_is_wrong(way: str, redmine: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDMINE_KEY", "0" * 40)
    refused = Desk(way, redmine).check()

    assert [code for code, _ in refused] == ["not_authorised"]


def test_the_kind_s_check_says_that_the_address_is_wrong(desk: Desk, redmine: Peer) -> None:
    if desk.way != "redmine":
        pytest.skip("a recipe does not know what should answer")

    assert Desk("redmine", redmine, url=f"{redmine.url}/elsewhere").check() == [("not_redmine", "url")]


def test_a_server_that_is_down_is_waited_for_and_holds_the_issue_once(redmine: Peer, desk: Desk) -> None:
    case = a_case()
    redmine.stop()
    with pytest.raises(TryLater) as down:
        desk.send(case)
    Peer.start()
    desk.send(case)

    assert (down.value.code, down.value.ambiguous) == ("unreachable", False)
    assert len(redmine.tickets(case.reference)) == 1
