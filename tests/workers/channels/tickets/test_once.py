"""One ticket for a case, whatever is lost, late, copied, or answered beside the question."""

from contextlib import suppress

import pytest

from router.errors import NOT_SEEN, TryLater
from router.failpoints import FailPoint, on_reach
from router.vocabulary import Proven
from tests.standins.standin import StandIn
from tests.workers.channels.tickets.desks import OTHER, REFERENCE, REMINDER, Desk, leased, send, sender


class Killed(BaseException):
    """Ends an attempt where it stands."""


def _send_and_lose(desk: Desk, there: StandIn) -> TryLater:
    there.lose = 1
    with pytest.raises(TryLater) as later:
        send(desk, there, leased())
    return later.value


def test_a_lost_answer_makes_no_second_ticket(desk: Desk, there: StandIn) -> None:
    later = _send_and_lose(desk, there)
    proof = send(desk, there, leased())

    assert later.ambiguous
    assert len(there.there()) == 1
    assert (proof.remote_id, proof.repeated) == (there.there()[0].number, True)


def test_a_ticket_that_shows_late_is_not_made_again(desk: Desk, there: StandIn) -> None:
    there.search_lag = 2
    _send_and_lose(desk, there)
    with pytest.raises(TryLater, match=NOT_SEEN):
        send(desk, there, leased(unsure=2))
    with suppress(TryLater):
        send(desk, there, leased(unsure=1))
    proof = send(desk, there, leased())

    assert len(there.there()) == 1
    assert proof.repeated


def test_a_worker_killed_after_the_create_leaves_one_ticket(desk: Desk, there: StandIn) -> None:
    def end(point: FailPoint) -> None:
        if point is FailPoint.AFTER_CREATE:
            raise Killed

    on_reach(end)
    with suppress(Killed):
        send(desk, there, leased())
    on_reach(None)
    proof = send(desk, there, leased())

    assert len(there.there()) == 1
    assert proof.repeated


def test_a_note_is_said_once(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())
    send(desk, there, leased(REMINDER))
    again = send(desk, there, leased(REMINDER))

    assert again.repeated
    assert len(there.there()[0].notes) == 1


def test_a_note_that_finds_no_ticket_makes_the_ticket(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased(REMINDER))

    (ticket,) = there.there()
    assert ticket.title.startswith(REFERENCE)


def test_a_filter_that_is_ignored_finds_nothing_of_others(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased(leased().fields.model_copy(update={"reference": OTHER})))
    there.show_all = True
    proof = send(desk, there, leased())

    assert [ticket.number for ticket in there.there()][1] == proof.remote_id
    assert len(there.there()) == 2


def test_another_tickets_reference_is_not_ours(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased(leased().fields.model_copy(update={"reference": OTHER})))
    there.foreign = True
    with suppress(TryLater):
        send(desk, there, leased())

    other = there.there()[0]
    assert not other.notes
    assert other.title.startswith(OTHER)


def test_a_second_ticket_is_found_and_closed(desk: Desk, there: StandIn) -> None:
    proof = send(desk, there, leased())
    second = there.copy(str(proof.remote_id))
    made, _ = sender(desk, there)
    seen = made.look(leased(remote_id=proof.remote_id), deadline_s=10)

    open_ones = [ticket.number for ticket in there.there() if not ticket.closed]
    assert open_ones == [proof.remote_id]
    assert (seen.remote_id, seen.closed) == (proof.remote_id, (second,))


def test_a_ticket_that_somebody_took_is_acknowledged(desk: Desk, there: StandIn) -> None:
    proof = send(desk, there, leased())
    made, _ = sender(desk, there)
    before = made.look(leased(remote_id=proof.remote_id), deadline_s=10)
    there.take(str(proof.remote_id))
    after = made.look(leased(remote_id=proof.remote_id), deadline_s=10)

    assert (before.proven, after.proven) == (Proven.VISIBLE, Proven.ACKNOWLEDGED)
    assert (before.resolved, after.resolved) == (False, False)


def test_a_ticket_that_was_closed_there_is_seen_as_resolved(desk: Desk, there: StandIn) -> None:
    proof = send(desk, there, leased())
    there.resolve(str(proof.remote_id))
    made, _ = sender(desk, there)

    assert made.look(leased(remote_id=proof.remote_id), deadline_s=10).resolved is True
