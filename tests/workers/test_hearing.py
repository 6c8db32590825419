"""What becomes of tickets over there: heard by hints and by asking, read there, written to the ledger."""

import pytest

from router.store import hints
from router.store.engine import transaction
from tests.servers import Answer, Received, StandInRT
from tests.workers.rooms import Room
from tests.workers.rtdesk import RECALLED, Desk, desk, hint, there
from workers.sweep import sweep

__all__ = ["desk", "there"]  # fixtures


def quiet(room: Room) -> None:
    """Let no look be due for now."""
    room.run("update referrals set look_at = clock_timestamp() + interval '1 h' where look_at is not null")


def calls(there: StandInRT) -> list[str]:
    return [f"{received.method} {received.path.split('?')[0]}" for received in there.everything]


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


def test_hints_for_a_channel_that_is_shut_for_days_are_kept(room: Room) -> None:
    hint(room)
    room.run("update hints set received_at = clock_timestamp() - interval '4 days'")
    sweep(room.engine, lease_s=30)

    with room.owner.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from hints").scalar_one() == 1
