"""A case decided anew is told in its ticket among staff, with all that counts now; a withdrawn one is opened."""

from router.model import Referral
from router.vocabulary import Notice, Proven, Severity
from tests.standins.standin import StandIn
from tests.workers.channels.tickets.desks import RECALL, REFERENCE, Desk, leased, send

CORRECTED = Referral(
    reference=REFERENCE, revision=4, notice=Notice.CORRECTED, category="harassment", severity=Severity.LOW
)


def test_all_that_counts_now_stands_in_a_note_among_staff(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())
    proof = send(desk, there, leased(CORRECTED))
    again = send(desk, there, leased(CORRECTED))

    (ticket,) = there.there()
    (note,) = ticket.notes
    assert (proof.remote_id, proof.proven, again.repeated) == (ticket.number, Proven.VISIBLE, True)
    assert note.internal
    for said in ("decided anew", "harassment", "low"):
        assert said in note.text


def test_a_ticket_that_was_withdrawn_is_open_again(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())
    send(desk, there, leased(RECALL))
    send(desk, there, leased(CORRECTED))

    (ticket,) = there.there()
    assert not ticket.closed
    assert "harassment" in ticket.notes[-1].text


def test_where_there_is_no_ticket_one_is_made(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased(CORRECTED))

    (ticket,) = there.there()
    assert (ticket.fields["category"], ticket.fields["severity"]) == ("harassment", "low")
