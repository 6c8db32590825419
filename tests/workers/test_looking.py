"""What was sent is looked at again: taken, gone, doubled; and where tickets show late, none is made twice."""

from router.model import NewCase
from router.store.looks import OPEN_AGAIN_S
from tests.servers import Answer, Received, StandInRT
from tests.workers.rooms import Room
from tests.workers.rtdesk import Desk, desk, there
from workers.looking import LOOKS_S, MOST_LOOKS
from workers.sweep import sweep

__all__ = ["desk", "there"]  # fixtures


def again(there: StandInRT, case: NewCase) -> None:
    """Make a second ticket for the case, as two workers could."""
    there._create({"Queue": "Safeguarding", "CustomFields": {"Reference id": case.reference}})


def test_a_sent_ticket_is_visible_and_looked_at_in_two_minutes(desk: Desk) -> None:
    desk.send()
    row = desk.row()

    assert (row.state, row.proof, row.looks) == ("sent", "visible", 0)
    assert LOOKS_S[0] - 60 < row.look_in_s <= LOOKS_S[0]
    assert sweep(desk.room.engine, lease_s=30) == []


def test_looks_become_rarer_and_go_on_once_a_day_until_ticket_and_case_are_closed(desk: Desk) -> None:
    desk.send()
    waits = [desk.look().look_in_s for _ in (*LOOKS_S, "one more")]
    desk.there.put(1, "resolved")
    case_open = desk.look().look_in_s
    desk.room.run("update referrals set case_closed_at = now()")
    case_closed = desk.look().look_in_s

    assert [round(wait / 60) for wait in waits[: len(LOOKS_S) - 1]] == [round(wait / 60) for wait in LOOKS_S[1:]]
    assert [round(wait) for wait in (*waits[len(LOOKS_S) - 1 :], case_open)] == [OPEN_AGAIN_S] * 3
    assert case_closed is None


def test_a_due_look_has_its_channel_rung(desk: Desk) -> None:
    desk.send()
    desk.room.run("update referrals set look_at = clock_timestamp()")

    assert sweep(desk.room.engine, lease_s=30) == ["desk"]


def test_what_a_person_took_is_acknowledged_once_and_stays_so(desk: Desk) -> None:
    desk.send()
    before = desk.look()
    desk.there.take(1)
    taken = desk.look()
    desk.there.tickets[0]["Owner"] = {"id": "Nobody"}
    later = desk.look()

    assert (before.state, before.acknowledged_at) == ("sent", None)
    assert (taken.state, taken.proof) == ("acknowledged", "acknowledged")
    assert taken.acknowledged_at is not None
    assert (later.state, later.acknowledged_at) == ("acknowledged", taken.acknowledged_at)
    assert desk.audited() == [("referral_acknowledged", "desk")]


def test_a_second_ticket_is_closed_reported_and_counted(desk: Desk) -> None:
    (case,) = desk.send()
    again(desk.there, case)
    row = desk.look()

    assert [ticket["Status"] for ticket in desk.there.tickets] == ["new", "rejected"]
    assert (row.state, row.outcome, row.remote_id) == ("sent", "second_closed", "1")
    assert desk.audited() == [("second_ticket_closed", "desk 2")]


def test_a_second_ticket_that_people_work_in_is_reported_once(desk: Desk) -> None:
    (case,) = desk.send()
    again(desk.there, case)
    desk.there.take(2)
    outcomes = [desk.look().outcome for _ in range(2)]

    assert desk.there.tickets[1]["Status"] == "new"
    assert outcomes == ["second_left", "second_left"]
    assert desk.audited() == [("second_ticket_left", "desk 2")]


def test_a_ticket_that_is_gone_is_said_once_and_its_number_kept(desk: Desk) -> None:
    desk.send()
    desk.there.put(1, "deleted")
    rows = [desk.look() for _ in range(2)]

    assert {(row.state, row.outcome, row.remote_id) for row in rows} == {("sent", "gone", "1")}
    assert desk.audited() == [("referral_gone", "desk")]


def test_two_tickets_found_by_a_retry_are_looked_at_at_once(desk: Desk) -> None:
    (case,) = desk.room.post()
    for _ in range(2):
        again(desk.there, case)
    desk.deliverer.deliver("desk")

    assert [ticket["Status"] for ticket in desk.there.tickets] == ["new", "rejected"]
    assert desk.row().outcome == "second_closed"


def test_an_rt_that_cannot_say_is_asked_again_in_ten_minutes(desk: Desk) -> None:
    desk.send()
    desk.there.answer_always(Answer(500))
    row = desk.look()

    assert (row.state, row.looks) == ("sent", 0)
    assert 500 < row.look_in_s <= 600


def test_a_channel_that_never_says_is_left_alone_after_a_week(desk: Desk) -> None:
    desk.send()
    desk.room.run("update referrals set settled_at = settled_at - interval '8 days'")
    desk.there.answer_always(Answer(500))

    assert desk.look().look_in_s is None


def test_nothing_is_looked_at_while_the_channel_is_shut(desk: Desk) -> None:
    desk.send()
    asked = len(desk.there.everything)
    desk.room.run(
        "update channel_states set breaker = 'open', until = clock_timestamp() + interval '1 min', code = 'http_500'"
    )
    row = desk.look()

    assert len(desk.there.everything) == asked
    assert row.looks == 0


def test_a_clock_that_is_set_back_puts_no_look_off(desk: Desk) -> None:
    desk.send()
    desk.room.run("update referrals set look_at = look_at + interval '1 year', settled_at = now() + interval '1 year'")
    desk.deliverer.deliver("desk")

    assert desk.row().looks == 1


def test_a_turn_makes_so_many_looks_and_says_that_there_are_more(desk: Desk) -> None:
    desk.send(MOST_LOOKS + 1)
    desk.room.run("update referrals set look_at = clock_timestamp()")
    more = [desk.deliverer.deliver("desk") for _ in range(2)]

    assert more == [True, False]
    assert {row.looks for row in desk.room.rows()} == {1}


def lose_first_reply(there: StandInRT) -> None:
    """Cut the line after the first ticket was made."""
    reply = there.reply

    def losing(request: Received) -> Answer:
        answer = reply(request)
        lost = request.method == "POST" and len(there.tickets) == 1
        return Answer(201, cut=True) if lost else answer

    there.reply = losing  # type: ignore[method-assign]


def attempts(desk: Desk, count: int) -> list[tuple[str, str, int]]:
    """Make so many attempts, each at once, and return how the row stood after each."""
    stood = []
    for _ in range(count):
        desk.room.run("update referrals set due_at = clock_timestamp()")
        desk.deliverer.deliver("desk")
        row = desk.row()
        stood.append((row.state, row.outcome, row.unsure))
    return stood


def test_one_ticket_though_its_answer_was_lost_and_searches_show_it_late(room: Room, there: StandInRT) -> None:
    desk = Desk(room, there, ", search_lag: 90s")
    there.search_lag = 1
    lose_first_reply(there)
    room.post()

    assert attempts(desk, 1) == [("due", "no_answer", 2)]
    assert desk.row().due_in_s > 80
    assert attempts(desk, 1) == [("due", "not_seen_yet", 1)]
    assert desk.row().due_in_s > 80
    assert attempts(desk, 1) == [("sent", "repeated", 0)]
    assert len(there.tickets) == 1


def test_without_the_hold_the_same_makes_two(room: Room, there: StandInRT) -> None:
    desk = Desk(room, there)
    there.search_lag = 1
    lose_first_reply(there)
    room.post()

    assert attempts(desk, 2) == [("due", "no_answer", 0), ("sent", "sent", 0)]
    assert len(there.tickets) == 2
    assert desk.look().outcome == "second_closed"


def test_what_was_not_made_is_made_after_two_looks(room: Room, there: StandInRT) -> None:
    desk = Desk(room, there, ", search_lag: 90s")
    reply = there.reply
    there.reply = lambda request: Answer(500) if request.method == "POST" else reply(request)  # type: ignore[method-assign]
    room.post()
    before = attempts(desk, 1)
    there.reply = reply  # type: ignore[method-assign]

    assert before == [("due", "http_500", 2)]
    assert attempts(desk, 3) == [("due", "not_seen_yet", 1), ("due", "not_seen_yet", 0), ("sent", "sent", 0)]
    assert len(there.tickets) == 1


def test_a_ticket_that_could_not_be_read_back_is_known_to_the_next_attempt(room: Room, there: StandInRT) -> None:
    desk = Desk(room, there)
    there.lacking.add(("Safeguarding", "ShowTicket"))
    there.search_lag = 9
    room.post()
    held = attempts(desk, 1)
    there.lacking.clear()
    room.let_it_be_tried()

    assert held == [("due", "not_authorised", 0)]
    assert attempts(desk, 1) == [("sent", "repeated", 0)]
    assert len(there.tickets) == 1


def test_what_comes_soon_after_stands_in_the_ticket_that_no_search_shows_yet(room: Room, there: StandInRT) -> None:
    desk = Desk(room, there, ", search_lag: 90s")
    there.search_lag = 9
    desk.send()
    room.run(
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
           select 'two', reference, channel, kind, 2, policy, 'due', fields || '{"revision": 2, "notice": "overdue",
             "awaited": "claim"}', 'overdue' from referrals"""
    )
    desk.deliverer.deliver("desk")

    assert len(there.tickets) == 1
    assert len(there.comments(1)) == 1
