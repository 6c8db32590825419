"""Puts one ticket for a case into a ticket system, and what comes later into that ticket.

Looks the case up first and verifies each hit; reads back what was made and compares, and says which ticket it
made when it cannot read it back, so that no other is made. Never makes one while an earlier one may be hidden.
"""

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Final

from router.channels import wording
from router.errors import NOT_SEEN, Declined, TryLater
from router.failpoints import FailPoint, reach
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.vocabulary import Notice, Proven
from workers.channels.ticketing.ending import close_all, reopen
from workers.channels.ticketing.looks import look
from workers.channels.ticketing.system import SetsApart, Ticket, TicketSystem
from workers.channels.ticketing.takeover import source_ticket, unless_of_it

NOTHING_THERE: Final = "nothing_there"
"""The code of a withdrawal that finds no ticket: none was made, or staff merged or deleted it, or hid it from us."""
LOOK_AGAIN_S: Final = 120.0
"""A ticket that the system was asked for just before may appear until then."""


class TicketSender:
    """One desk: what was made at it is ours, wherever staff put it since."""

    def __init__(self, system: TicketSystem, *, search_lag_s: float) -> None:
        """`search_lag_s`: seconds that may pass until a search, or a ticket's history, shows what was written."""
        self._system = system
        self._search_lag_s = search_lag_s

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Find or create the ticket, read it back and return its id; say in it what came later.

        A ticket that staff moved is still the one made here, and so is one that they merged into another: that one's
        id is the proof then. Several open tickets of the case made at this desk: the first one counts, and the proof
        says `doubled`. Raises Declined `field_dropped` when the system does not show what was sent; the ticket is
        there then, and incomplete. Raises Declined NOTHING_THERE when a second look found no ticket to withdraw
        either, TryLater NOT_SEEN while an earlier attempt's ticket or note may still be hidden.
        """
        until = monotonic() + deadline_s
        if leased.fields.notice is Notice.TAKEN_OVER:
            return self._take_over(leased, payload, until)
        hits = self._system.find(leased.fields.reference, until) or self._told_before(leased, until)
        if leased.fields.notice in {Notice.RECALLED, Notice.CLOSED}:
            ends = self._withdraw if leased.fields.notice is Notice.RECALLED else self._end
            return ends(hits, leased, payload, until)
        doubled = sum(not (hit.closed or hit.merged) for hit in hits) > 1
        if hits and wording.is_note(leased.fields):
            if leased.fields.notice is Notice.CORRECTED:
                self._bring_back(hits[0], until)
            repeated = self._note(hits[0], leased, payload, until)
            return Proof(hits[0].id, Proven.VISIBLE, repeated=repeated, doubled=doubled)
        first = self._system.first(leased.fields) if wording.is_note(leased.fields) else payload
        if hits:
            self._complete(hits[0], first, until)
            return Proof(hits[0].id, Proven.VISIBLE, repeated=True, doubled=doubled)
        if leased.remote_id is not None:
            # An earlier attempt made it, and could not read it back; it need not show in a search yet.
            return self._read_back(leased.remote_id, first, until, repeated=True)
        return self._make(leased, first, until)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; raises TryLater when the system does not say."""
        return self._system.check(monotonic() + deadline_s)

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:
        """Return whether somebody took the case's ticket, and close second ones; raises TryLater."""
        return look(self._system, leased, monotonic() + deadline_s)

    def reopen(self, leased: LeasedReferral, time: int, *, deadline_s: float) -> bool:
        """Open the ticket again, the `time`th time; return whether it is open then. Raises TryLater or Declined."""
        return reopen(self._system, leased, time, monotonic() + deadline_s)

    def changed(self, since: datetime, *, deadline_s: float) -> Sequence[str]:
        """Return the ids of tickets that changed since then; raises TryLater."""
        return self._system.changed(since, monotonic() + deadline_s)

    def _told_before(self, leased: LeasedReferral, until: float) -> Sequence[Ticket]:
        """Return the ticket that the ledger knows of the case, when a search does not show it yet and it is there."""
        if leased.told_before is None:
            return ()
        try:
            ticket = self._system.read(leased.told_before, until)
        except TryLater as later:
            if later.code in {"http_404", "not_authorised"}:  # gone, or put where we may not look
                return ()
            raise
        return () if ticket.gone else (ticket,)

    def _make(self, leased: LeasedReferral, first: Payload, until: float) -> Proof:
        if leased.unsure:
            raise TryLater(NOT_SEEN)
        reach(FailPoint.AFTER_LOOK_UP)
        remote_id = self._system.create(first, until)
        reach(FailPoint.AFTER_CREATE)
        return self._read_back(remote_id, first, until, repeated=False)

    def _read_back(self, remote_id: str, first: Payload, until: float, *, repeated: bool) -> Proof:
        """Compare the ticket with what was sent; raises a TryLater that names it when it is not shown now.

        One that an earlier attempt made is completed: that attempt may have ended before all was said.
        """
        try:
            ticket = self._system.read(remote_id, until)
        except TryLater as later:
            raise TryLater(later.code, retry_after_s=later.retry_after_s, remote_id=remote_id) from None
        if not (ticket.here or repeated):
            raise Declined("wrong_queue")
        if ticket.here and not repeated and self._system.dropped(first, ticket):
            raise Declined("field_dropped")
        if ticket.gone or (not repeated and ticket.closed):
            raise Declined("not_open")
        if repeated:
            self._complete(ticket, first, until)
        return Proof(ticket.id, Proven.VISIBLE, repeated=repeated)

    def _complete(self, hit: Ticket, first: Payload, until: float) -> None:
        """Fill what the ticket that was found lacks: a field was dropped that the desk has since been given.

        Another desk need not have our fields; that the reference is there was seen. What staff changed stays.
        """
        if not hit.merged and hit.here and not self._system.complete(first, hit, until):
            raise Declined("field_dropped")

    def _note(self, hit: Ticket, leased: LeasedReferral, payload: Payload, until: float) -> bool:
        """Say it in the ticket, where only staff can read it, unless it was said; return whether it was."""
        title = wording.title(leased.fields)
        if self._system.noted(title, hit, until):
            return True
        if leased.unsure:
            raise TryLater(NOT_SEEN)
        self._system.add_note(payload, hit, until)
        if not self._system.noted(title, hit, until):
            if self._search_lag_s:
                raise TryLater(NOT_SEEN, ambiguous=True)
            raise Declined("comment_dropped")
        return False

    def _bring_back(self, hit: Ticket, until: float) -> None:
        """Open a ticket that was withdrawn: its desk is told of the case again. Raises Declined if it stays closed.

        Where it was put apart it stays: only people there know where it belongs.
        """
        if hit.closed and not hit.merged and self._system.reopen(hit, until).closed:
            raise Declined("not_reopened")

    def _withdraw(self, hits: Sequence[Ticket], leased: LeasedReferral, payload: Payload, until: float) -> Proof:
        """Say it in each ticket, empty its fields, close it, put it apart; several are no accident to tell of here."""
        hits = [hit for hit in hits if not hit.merged]
        if not hits:
            raise self._nothing_there(leased)
        repeated = []
        for hit in hits:
            repeated.append(self._note(hit, leased, payload, until))
            if not self._system.withdraw(hit, until):
                raise Declined("not_withdrawn")
        return Proof(hits[0].id, Proven.VISIBLE, repeated=all(repeated))

    def _take_over(self, leased: LeasedReferral, payload: Payload, until: float) -> Proof:
        """Say in the ticket that a concern came out of that it was taken over, and put it apart where that is wanted.

        It is not ours: no field of it is touched, and it is not closed.
        """
        ticket = source_ticket(self._system, leased, until)
        try:
            repeated = self._note(ticket, leased, payload, until)
            apart = not isinstance(self._system, SetsApart) or self._system.set_apart(ticket, until)
        except TryLater as later:
            raise unless_of_it(self._system, leased, later, until) from None
        if not apart:
            raise Declined("not_set_apart")
        return Proof(ticket.id, Proven.VISIBLE, repeated=repeated)

    def _end(self, hits: Sequence[Ticket], leased: LeasedReferral, payload: Payload, until: float) -> Proof:
        """Say in the case's ticket that the case is closed, and close it; one that staff merged into it is theirs.

        One that is closed needs neither, and where it takes nothing more, the note would make another one.
        """
        if not hits:
            raise self._nothing_there(leased)
        if all(hit.closed for hit in hits):
            return Proof(hits[0].id, Proven.VISIBLE, repeated=True)
        repeated = self._note(hits[0], leased, payload, until)
        if not close_all(self._system, [hit for hit in hits if not hit.merged], until):
            raise Declined("not_closed")
        return Proof(hits[0].id, Proven.VISIBLE, repeated=repeated)

    def _nothing_there(self, leased: LeasedReferral) -> TryLater | Declined:
        """Return what to raise: that nobody found what was sent is not for us to be content with."""
        if leased.attempts > 1:
            return Declined(NOTHING_THERE)
        return TryLater(NOTHING_THERE, retry_after_s=max(LOOK_AGAIN_S, self._search_lag_s))
