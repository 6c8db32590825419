"""The ticket that a concern came out of is told so, once and among staff; nothing else of it is touched."""

import re
from typing import Any

import pytest

from router.errors import Declined, TryLater
from router.model import Referral
from router.vocabulary import Notice, Proven
from tests.loopback import Answer
from tests.standins.standin import StandIn, TicketThere
from tests.workers.channels.tickets.desks import OTHER, REFERENCE, Desk, leased, send, sender


def taken_over(ticket: str, **more: Any) -> Any:
    fields = Referral(reference=REFERENCE, notice=Notice.TAKEN_OVER, source_ticket=ticket)
    return leased(fields, **more)


def another(desk: Desk, there: StandIn, reference: str = "HELPDESK") -> TicketThere:
    """Return a ticket of the helpdesk's own, unless `reference` is a case's."""
    send(desk, there, leased(leased().fields.model_copy(update={"reference": reference})))
    (ticket,) = there.there()
    if not re.fullmatch(r"[A-Za-z0-9_-]+", ticket.number):
        pytest.skip("its ids cannot be named as a source's ticket")
    return ticket


def test_it_is_told_among_staff_and_stays_as_it_was(desk: Desk, there: StandIn) -> None:
    before = another(desk, there)
    proof = send(desk, there, taken_over(before.number))

    (after,) = there.there()
    assert (proof.remote_id, proof.proven) == (before.number, Proven.VISIBLE)
    assert [note.internal for note in after.notes] == [True]
    assert REFERENCE in after.notes[0].text
    assert (after.title, dict(after.fields), after.closed) == (before.title, dict(before.fields), False)


def test_it_is_told_once(desk: Desk, there: StandIn) -> None:
    ticket = another(desk, there)
    send(desk, there, taken_over(ticket.number))
    again = send(desk, there, taken_over(ticket.number))

    assert again.repeated
    assert len(there.there()[0].notes) == 1


def test_a_ticket_that_is_not_there_is_looked_for_twice_and_none_is_made(desk: Desk, there: StandIn) -> None:
    number = another(desk, there).number
    missing = number[:-1] + ("8" if number[-1] != "8" else "7")
    with pytest.raises(TryLater, match="nothing_there"):
        send(desk, there, taken_over(missing))
    with pytest.raises(Declined, match="no_source_ticket"):
        send(desk, there, taken_over(missing, attempts=2))

    assert len(there.there()) == 1


def test_what_is_no_id_is_never_part_of_an_address(desk: Desk, there: StandIn) -> None:
    with pytest.raises(Declined, match="no_source_ticket"):
        send(desk, there, taken_over(".."))

    assert not there.everything


def test_a_ticket_that_a_case_has_is_none_that_a_concern_came_out_of(desk: Desk, there: StandIn) -> None:
    before = another(desk, there, OTHER)
    with pytest.raises(Declined, match="no_source_ticket"):
        send(desk, there, taken_over(before.number, attempts=2))

    assert there.there() == [before]


def test_a_ticket_that_we_may_not_see_says_nothing_of_the_channel(
    desk: Desk, there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, answers = another(desk, there).number, there.reply
    hidden = re.compile(rf"/{re.escape(number)}\b")
    # Of all systems' stand-ins none knows tickets that our account may not see.
    monkeypatch.setattr(there, "reply", lambda asked: Answer(403) if hidden.search(asked.path) else answers(asked))
    with pytest.raises(TryLater, match="nothing_there"):
        send(desk, there, taken_over(number))
    with pytest.raises(Declined, match="no_source_ticket"):
        send(desk, there, taken_over(number, attempts=2))


def test_an_account_that_is_let_in_nowhere_waits(desk: Desk, there: StandIn) -> None:
    ticket = another(desk, there)
    there.forget_account()
    with pytest.raises(TryLater, match="not_authorised"):
        send(desk, there, taken_over(ticket.number, attempts=2))


def test_it_is_not_looked_at_again(desk: Desk, there: StandIn) -> None:
    ticket = another(desk, there)
    there.resolve(ticket.number)
    asked = len(there.everything)
    made, _ = sender(desk, there)
    seen = made.look(taken_over(ticket.number, remote_id=ticket.number), deadline_s=10)

    assert (seen.remote_id, seen.proven, seen.resolved) == (ticket.number, None, None)
    assert len(there.everything) == asked
