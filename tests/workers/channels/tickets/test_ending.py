"""A case's ticket is closed with it, and opened again when it was closed early: at every desk, said to staff alone."""

from datetime import timedelta

from router import clock
from router.model import Referral
from router.vocabulary import Notice
from tests.standins.standin import StandIn
from tests.workers.channels.tickets.desks import OTHER, REFERENCE, Desk, leased, send, sender
from workers.channels.ticketing import TicketSender

CLOSED = Referral(reference=REFERENCE, revision=3, notice=Notice.CLOSED)


def a_sender(desk: Desk, there: StandIn) -> TicketSender:
    made, _ = sender(desk, there)
    assert isinstance(made, TicketSender)
    return made


def test_a_closed_case_is_said_once_inside_and_its_ticket_closed(desk: Desk, there: StandIn) -> None:
    first = send(desk, there, leased())
    proofs = [send(desk, there, leased(CLOSED)), send(desk, there, leased(CLOSED))]
    (ticket,) = there.there()
    said = [note for note in ticket.notes if "is closed by those who decide" in note.text]

    assert [(proof.remote_id, proof.repeated) for proof in proofs] == [
        (first.remote_id, False),
        (first.remote_id, True),
    ]
    assert ticket.closed
    assert [note.internal for note in said] == [True]
    assert "category" in ticket.fields


def test_a_closed_case_closes_no_ticket_of_another(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased(leased().fields.model_copy(update={"reference": OTHER})))
    send(desk, there, leased())
    send(desk, there, leased(CLOSED))

    assert {ticket.title[:17]: ticket.closed for ticket in there.there()} == {OTHER: False, REFERENCE: True}


def test_a_ticket_that_was_closed_early_is_opened_again_and_says_why_inside(desk: Desk, there: StandIn) -> None:
    proof = send(desk, there, leased())
    there.resolve(str(proof.remote_id))
    made = a_sender(desk, there)
    opened = [made.reopen(leased(remote_id=proof.remote_id), 1, deadline_s=10) for _ in range(2)]
    (ticket,) = there.there()
    said = [note for note in ticket.notes if "It is open again" in note.text]

    assert opened == [True, False]
    assert not ticket.closed
    assert [note.internal for note in said] == [True]
    assert made.look(leased(remote_id=proof.remote_id), deadline_s=10).resolved is False


def test_what_changed_is_named_by_the_id_that_the_ledger_knows(desk: Desk, there: StandIn) -> None:
    proof = send(desk, there, leased())
    there.resolve(str(proof.remote_id))
    named = a_sender(desk, there).changed(clock.now() - timedelta(days=365), deadline_s=10)

    assert proof.remote_id in named
