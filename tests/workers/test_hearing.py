"""What becomes of tickets over there: heard by hints and by asking, read there, written to the ledger, and no loop."""

from collections.abc import Iterator
from typing import Any

import pytest

from router.console.endings import end_tickets
from router.model import NewCase
from router.store import hints, policies
from router.store.engine import connect, transaction
from router.store.looks import MOST_REOPENS
from router.vocabulary import Login
from tests.conftest import Database
from tests.servers import Answer, Received, StandInRT
from tests.standinrt import ROUTER
from tests.workers.rooms import Room
from tests.workers.rtdesk import Desk, desk, there
from workers.looking import REOPEN_AFTER_S
from workers.sweep import sweep

__all__ = ["desk", "there"]  # fixtures
RECALLED = """
    insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice, remote_id)
    select 'two', reference, channel, kind, 2, policy, 'sent', fields, 'recalled', remote_id from referrals
"""
REOPENING, CLOSING = ", closed_there: reopen", ", closed_here: close"


def hint(room: Room, remote_id: str = "1", *, seal: bytes = b"s", channel: str = "desk") -> bool:
    """Keep a hint, as the public part does."""
    with transaction(room.owner) as connection:
        return hints.keep(connection, channel, seal=seal, delivery=None, remote_id=remote_id)


def quiet(room: Room) -> None:
    """Let no look be due for now."""
    room.run("update referrals set look_at = clock_timestamp() + interval '1 h' where look_at is not null")


def calls(there: StandInRT) -> list[str]:
    return [f"{received.method} {received.path.split('?')[0]}" for received in there.everything]


def later(desk: Desk, seconds: float) -> None:
    """Let the ticket have been as it is for so long."""
    desk.room.run("update referrals set ticket_at = ticket_at - make_interval(secs => :s)", s=seconds)


def close_case(console: Any, case: NewCase) -> tuple[str, ...]:
    with transaction(console) as connection:
        return end_tickets(connection, case.reference)


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


def test_a_hint_has_its_channel_rung_and_the_ticket_read_now(desk: Desk) -> None:
    desk.send()
    quiet(desk.room)
    desk.there.put(1, "resolved")
    hint(desk.room)
    rung = sweep(desk.room.engine, lease_s=30)
    desk.deliverer.deliver("desk")
    row = desk.row()

    assert rung == ["desk"]
    assert (row.state, row.ticket, row.looks) == ("acknowledged", "resolved", 1)
    assert desk.audited() == [("referral_acknowledged", "desk"), ("ticket_resolved", "desk staff")]
    assert sweep(desk.room.engine, lease_s=30) == []


def test_a_hint_says_nothing_by_itself(desk: Desk) -> None:
    desk.send()
    quiet(desk.room)
    hint(desk.room)
    desk.deliverer.deliver("desk")

    assert (desk.row().state, desk.row().ticket) == ("sent", "open")
    assert desk.audited() == []


@pytest.mark.parametrize(("remote_id", "channel"), [("2", "desk"), ("1", "other"), ("01", "desk"), ("1%", "desk")])
def test_a_hint_of_a_ticket_that_is_not_ours_does_nothing(desk: Desk, remote_id: str, channel: str) -> None:
    desk.send()
    desk.there.tickets.append({**desk.there.tickets[0], "id": 2, "Status": "resolved"})
    quiet(desk.room)
    before, asked = desk.row(), len(calls(desk.there))
    hint(desk.room, remote_id, channel=channel)
    for name in ("desk", "other"):
        desk.deliverer.deliver(name)
    after = desk.row()

    assert (after.looks, after.ticket, after.look_at) == (before.looks, before.ticket, before.look_at)
    assert len(calls(desk.there)) == asked
    assert sweep(desk.room.engine, lease_s=30) == []


def test_a_hint_of_a_ticket_that_was_withdrawn_does_nothing(desk: Desk) -> None:
    desk.send()
    quiet(desk.room)
    desk.room.run(RECALLED)
    hint(desk.room)
    desk.deliverer.deliver("desk")

    assert [row.looks for row in desk.room.rows("looks")] == [0, 0]


def test_many_hints_of_one_ticket_are_one_look(desk: Desk) -> None:
    desk.send()
    quiet(desk.room)
    for number in range(50):
        hint(desk.room, seal=str(number).encode())
    desk.deliverer.deliver("desk")

    assert desk.row().looks == 1


def test_hints_are_forgotten_once_nobody_could_send_them_again(room: Room) -> None:
    hint(room, seal=b"old")
    hint(room, seal=b"new")
    with transaction(room.owner) as connection:
        hints.heed(connection, "desk")
    room.run("update hints set received_at = clock_timestamp() - interval '3 days 1 min' where seal = 'old'")
    sweep(room.engine, lease_s=30)

    assert not hint(room, seal=b"new")
    assert hint(room, seal=b"old")


def test_without_hooks_a_change_is_heard_by_asking_and_no_sooner_than_the_file_says(
    room: Room, there: StandInRT
) -> None:
    desk = Desk(room, there, poll="10m")
    desk.send()
    quiet(room)
    there.put(1, "resolved")
    desk.deliverer.deliver("desk")
    asked_before_time = desk.row().ticket
    room.run("update channel_states set poll_at = clock_timestamp()")
    rung = sweep(room.engine, lease_s=30)
    desk.deliverer.deliver("desk")

    assert asked_before_time == "open"
    assert rung == ["desk"]
    assert desk.row().ticket == "resolved"


def test_what_could_not_be_asked_is_asked_again_about_all_of_the_time(
    room: Room, there: StandInRT, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(room, there, poll="10m")
    desk.send()
    first = room.channel_state()
    monkeypatch.setattr(StandInRT, "_search", lambda *_: Answer(503, b""))
    room.run("update channel_states set poll_at = clock_timestamp()")
    desk.deliverer.deliver("desk")
    failed = room.channel_state()

    assert failed.polled_to == first.polled_to
    assert failed.poll_at > first.poll_at


def test_nobody_is_rung_to_ask_a_channel_that_is_not_asked_any_more(room: Room, there: StandInRT) -> None:
    Desk(room, there, poll="1s").send()
    Desk(room, there).send()

    assert room.channel_state().poll_at is None


def test_closed_opened_and_closed_again_is_told_each_time_and_once(desk: Desk) -> None:
    desk.send()
    seen = []
    for status in ("open", "resolved", "resolved", "open", "open", "rejected"):
        desk.there.put(1, status)
        seen.append(desk.look().ticket)

    assert seen == ["open", "resolved", "resolved", "reopened", "reopened", "resolved"]
    assert desk.audited()[1:] == [
        ("ticket_resolved", "desk staff"),
        ("ticket_reopened", "desk staff"),
        ("ticket_resolved", "desk staff"),
    ]


def test_a_reminders_look_writes_nothing_of_the_ticket(desk: Desk) -> None:
    [case] = desk.send()
    desk.room.run(
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
           select 'two', reference, channel, kind, 2, policy, 'due', fields || '{"revision": 2, "notice": "overdue",
             "awaited": "claim"}', 'overdue' from referrals"""
    )
    desk.deliverer.deliver("desk")
    desk.there.put(1, "resolved")
    desk.room.run("update referrals set look_at = clock_timestamp()")
    desk.deliverer.deliver("desk")

    assert desk.room.rows("revision, ticket, state") == [(1, "resolved", "acknowledged"), (2, None, "acknowledged")]
    assert [entry for entry in desk.audited() if entry[0] == "ticket_resolved"] == [("ticket_resolved", "desk staff")]
    assert case.reference


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
        assert end_tickets(connection, case.reference) == ()

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


def test_a_hint_that_comes_during_a_look_is_looked_at_too(desk: Desk) -> None:
    desk.send()
    quiet(desk.room)
    hint(desk.room)

    reply = desk.there.reply

    def closing(request: Received) -> Answer:
        answer = reply(request)
        if "/transactions" in request.path and desk.there.tickets[0]["Status"] == "new":
            desk.there.put(1, "resolved")
            hint(desk.room, seal=b"meanwhile")
            with transaction(desk.room.owner) as connection:  # another worker's turn
                hints.heed(connection, "desk")
        return answer

    desk.there.reply = closing  # type: ignore[method-assign]
    desk.deliverer.deliver("desk")
    rung = sweep(desk.room.engine, lease_s=30)
    desk.deliverer.deliver("desk")

    assert rung == ["desk"]
    assert desk.row().ticket == "resolved"


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


def test_hints_for_a_channel_that_is_shut_for_days_are_kept(room: Room) -> None:
    hint(room)
    room.run("update hints set received_at = clock_timestamp() - interval '4 days'")
    sweep(room.engine, lease_s=30)

    with room.owner.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from hints").scalar_one() == 1
