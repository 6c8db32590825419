"""Ticket and case end together, where the channel says so; whatever rules and staff do over there, no loop."""

from collections.abc import Iterator
from typing import Any

import pytest

from router.console.endings import end_tickets
from router.model import NewCase
from router.store import policies
from router.store.engine import connect, transaction
from router.store.looks import MOST_REOPENS
from router.vocabulary import Login
from tests.conftest import Database
from tests.servers import Answer, Received, StandInRT
from tests.standinrt import ROUTER
from tests.workers.rooms import Room
from tests.workers.rtdesk import RECALLED, Desk, desk, hint, there
from workers.looking import REOPEN_AFTER_S

__all__ = ["desk", "there"]  # fixtures
REOPENING, CLOSING = ", closed_there: reopen", ", closed_here: close"


def later(desk: Desk, seconds: float) -> None:
    """Let the ticket have been as it is for so long."""
    desk.room.run("update referrals set ticket_at = ticket_at - make_interval(secs => :s)", s=seconds)


def close_case(console: Any, case: NewCase) -> tuple[str, ...]:
    with transaction(console) as connection:
        return end_tickets(connection, case.reference, by="ana")


@pytest.fixture
def console(database: Database) -> Iterator[Any]:
    engine = connect(database.dsn(Login.CONSOLE), process="test-console")
    yield engine
    engine.dispose()


def with_choice(room: Room, there: StandInRT, more: str) -> Desk:
    """Return a desk of which more is said, in force for the console too."""
    desk = Desk(room, there, more)
    room.put_in_force(desk.text)
    return desk


def test_closed_too_early_is_opened_again_with_a_note_after_ten_minutes(room: Room, there: StandInRT) -> None:
    desk = with_choice(room, there, REOPENING)
    desk.send()
    there.put(1, "resolved")
    early = desk.look()
    still = there.tickets[0]["Status"]
    later(desk, REOPEN_AFTER_S)
    late = desk.look()

    assert (early.ticket, still) == ("resolved", "resolved")
    assert 0 < early.look_in_s <= REOPEN_AFTER_S
    assert (late.ticket, late.reopens, there.tickets[0]["Status"]) == ("reopened", 1, "open")
    assert "It is open again" in there.comments(1)[-1]
    assert desk.audited()[1:] == [("ticket_resolved", "desk staff"), ("ticket_reopened", "desk router")]


def test_our_own_opening_is_no_news_and_makes_no_loop(room: Room, there: StandInRT) -> None:
    desk = with_choice(room, there, REOPENING)
    desk.send()
    there.put(1, "resolved")
    desk.look()
    later(desk, REOPEN_AFTER_S)
    desk.look()
    said, told = len(there.spoken), len(desk.audited())
    for number in range(5):  # the hooks of what we did, and of those looks
        hint(room, seal=str(number).encode())
        desk.deliverer.deliver("desk")

    assert (len(there.spoken), len(desk.audited())) == (said, told)
    assert desk.row().ticket == "reopened"


def test_a_rule_over_there_that_closes_it_each_time_wins_and_is_told(room: Room, there: StandInRT) -> None:
    desk = with_choice(room, there, REOPENING)
    desk.send()
    for _ in range(MOST_REOPENS + 3):
        there.put(1, "resolved")
        desk.look()
        later(desk, REOPEN_AFTER_S)
        desk.look()

    assert (desk.row().reopens, desk.row().ticket) == (MOST_REOPENS, "resolved")
    assert desk.row().look_in_s > REOPEN_AFTER_S
    assert len([said for said in there.comments(1) if "open again" in said]) == MOST_REOPENS


@pytest.mark.parametrize(
    "why_not",
    [
        "update referrals set case_closed_at = now()",
        RECALLED,
    ],
    ids=["the case is closed", "it was recalled"],
)
def test_what_should_be_closed_is_not_opened(room: Room, there: StandInRT, why_not: str) -> None:
    desk = with_choice(room, there, REOPENING)
    desk.send()
    desk.look()
    room.run(why_not)
    there.put(1, "resolved")
    desk.look()
    later(desk, REOPEN_AFTER_S)
    desk.look()

    assert there.tickets[0]["Status"] == "resolved"


def test_without_the_choice_a_closed_ticket_stays_closed(desk: Desk) -> None:
    desk.send()
    desk.there.put(1, "resolved")
    desk.look()
    later(desk, REOPEN_AFTER_S)
    desk.look()

    assert desk.there.tickets[0]["Status"] == "resolved"


def test_a_closed_case_closes_its_ticket_once_and_after_what_was_to_be_said_before(
    room: Room, there: StandInRT, console: Any
) -> None:
    desk = with_choice(room, there, CLOSING)
    [case] = room.post()
    rung = close_case(console, case)
    desk.deliverer.deliver("desk")
    desk.deliverer.deliver("desk")
    again = close_case(console, case)
    rows = room.rows("revision, notice, state, ticket")

    assert (rung, again) == (("desk",), ())
    assert sorted(map(tuple, rows)) == [(1, None, "sent", "resolved"), (2, "closed", "sent", None)]
    assert [ticket["Status"] for ticket in there.tickets] == ["rejected"]
    assert [said for said in there.comments(1) if "is closed by those who decide" in said] == [there.comments(1)[-1]]
    assert ("ticket_resolved", "desk router") in desk.audited()


def test_our_own_closing_is_no_disagreement_and_what_staff_do_then_is_not_undone(
    room: Room, there: StandInRT, console: Any
) -> None:
    desk = with_choice(room, there, CLOSING + REOPENING)
    [case] = desk.send()
    close_case(console, case)
    for _ in range(3):
        desk.deliverer.deliver("desk")
        hint(room, seal=str(len(there.everything)).encode())
    settled = len(there.spoken)
    there.put(1, "open")
    hint(room, seal=b"opened")
    desk.deliverer.deliver("desk")
    close_case(console, case)
    desk.deliverer.deliver("desk")

    assert there.tickets[0]["Status"] == "open"
    assert len(there.spoken) == settled
    assert [tuple(row) for row in room.rows("ticket", "revision = 1")] == [("reopened",)]


@pytest.mark.parametrize(
    "instead",
    [
        "update referrals set ticket = 'resolved'",
        "update referrals set state = 'dead'",
        "update referrals set outcome = 'gone'",
        "update referrals set notice = 'recalled'",
    ],
)
def test_where_no_ticket_is_open_none_is_closed(room: Room, there: StandInRT, console: Any, instead: str) -> None:
    desk = with_choice(room, there, CLOSING)
    [case] = desk.send()
    room.run(instead)

    assert close_case(console, case) == ()
    assert len(room.rows()) == 1


def test_without_the_choice_the_ticket_of_a_closed_case_stays_and_disagrees(desk: Desk, console: Any) -> None:
    desk.room.put_in_force(desk.text)
    [case] = desk.send()
    desk.look()

    assert close_case(console, case) == ()
    assert desk.there.tickets[0]["Status"] != "resolved"
    assert desk.row().case_closed_at is not None


def test_a_case_can_be_closed_though_another_version_wrote_the_channels(room: Room, console: Any) -> None:
    [case] = room.post()
    with transaction(room.owner) as connection:
        policies.keep(connection, "b" * 64, "", "desk: {kind: of-a-later-version}")
        policies.activate(connection, "b" * 64)
    with transaction(console) as connection:
        assert end_tickets(connection, case.reference, by="ana") == ()

    assert room.rows("case_closed_at is not null as closed")[0].closed


def test_a_rule_that_closes_it_wins_though_we_may_not_say_why_it_is_open(room: Room, there: StandInRT) -> None:
    desk = with_choice(room, there, REOPENING)
    desk.send()
    there.lacking.add(("Safeguarding", "CommentOnTicket"))
    for _ in range(MOST_REOPENS + 3):
        there.put(1, "resolved")
        desk.look()
        later(desk, REOPEN_AFTER_S)
        desk.look()

    ours = [done for done in there.history if done["Type"] == "Status" and done["Creator"]["id"] == ROUTER]
    assert len(ours) == MOST_REOPENS
    assert desk.audited().count(("ticket_reopened", "desk router")) == MOST_REOPENS


def test_a_rule_that_closes_it_wins_though_our_opening_is_never_answered(room: Room, there: StandInRT) -> None:
    desk = with_choice(room, there, REOPENING)
    desk.send()
    reply = there.reply

    def losing(request: Received) -> Answer:
        answer = reply(request)
        return Answer(200, cut=True) if request.method == "PUT" else answer

    there.reply = losing  # type: ignore[method-assign]
    for _ in range(MOST_REOPENS + 3):
        there.put(1, "resolved")
        desk.look()
        later(desk, REOPEN_AFTER_S)
        desk.look()

    ours = [done for done in there.history if done["Type"] == "Status" and done["Creator"]["id"] == ROUTER]
    assert len(ours) == MOST_REOPENS


def test_what_staff_close_after_we_did_is_their_doing(room: Room, there: StandInRT, console: Any) -> None:
    desk = with_choice(room, there, CLOSING)
    [case] = desk.send()
    desk.look()
    close_case(console, case)
    desk.deliverer.deliver("desk")
    desk.deliverer.deliver("desk")
    for status in ("open", "resolved"):
        there.put(1, status)
        desk.look()

    assert [entry for entry in desk.audited() if entry[0].startswith("ticket_")] == [
        ("ticket_resolved", "desk router"),
        ("ticket_reopened", "desk staff"),
        ("ticket_resolved", "desk staff"),
    ]
