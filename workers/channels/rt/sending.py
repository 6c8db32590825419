"""Puts one ticket for a case into a queue of Request Tracker, and what comes later into that ticket.

Looks the case up first and verifies each hit; reads back what was made and compares, and says which ticket it
made when it cannot read it back, so that no other is made. Never makes one while an earlier one may be hidden.
"""

from time import monotonic
from typing import Final

from router.channels import rt
from router.errors import NOT_SEEN, Declined, TryLater
from router.failpoints import FailPoint, reach
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.vocabulary import Notice, Proven
from workers.channels.base import Surroundings
from workers.channels.rt.checks import check
from workers.channels.rt.looks import look
from workers.channels.rt.tickets import CLOSED, DELETED, RtTickets, Ticket

NOTHING_THERE: Final = "nothing_there"
"""The code of a withdrawal that finds no ticket: none was made, or staff merged or deleted it, or hid it from us."""
LOOK_AGAIN_S: Final = 120.0
"""A ticket that RT was asked for just before may appear until then."""


class RtSender:
    """One queue: what was made in it is ours, wherever staff put it since."""

    def __init__(self, settings: rt.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._tickets = RtTickets(settings, surroundings)

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Find or create the ticket, read it back and return its number; say in it what came later.

        A ticket that staff moved to another queue is still the one made here, and so is one that they merged into
        another: that one's number is the proof then. Several open tickets of the case made in this queue: the lowest
        one counts, and the proof says `doubled`. Raises Declined `field_dropped` when RT does not show what was sent;
        the ticket is there then, and incomplete. Raises Declined NOTHING_THERE when a second look found no ticket to
        withdraw either, TryLater NOT_SEEN while an earlier attempt's ticket or comment may still be hidden.
        """
        until = monotonic() + deadline_s
        queue = self._tickets.queue(self._settings.queue, until)
        hits = self._tickets.find(leased.fields.reference, queue, until)
        if leased.fields.notice is Notice.RECALLED:
            return self._withdraw([hit for hit in hits if not hit.merged], leased, payload, until)
        doubled = sum(not (hit.closed or hit.merged) for hit in hits) > 1
        if hits and rt.is_comment(leased.fields):
            repeated = self._comment(hits[0], leased, payload, until)
            return Proof(str(hits[0].number), Proven.VISIBLE, repeated=repeated, doubled=doubled)
        first = rt.ticket(self._settings, leased.fields) if rt.is_comment(leased.fields) else payload
        if hits:
            self._complete(hits[0], first, queue, until)
            return Proof(str(hits[0].number), Proven.VISIBLE, repeated=True, doubled=doubled)
        if leased.remote_id is not None:
            # An earlier attempt made it, and could not read it back; it need not show in a search yet.
            return self._read_back(int(leased.remote_id), first, queue, until, repeated=True)
        return self._make(leased, first, queue, until)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; raises TryLater when RT does not say."""
        return check(self._tickets, self._settings, monotonic() + deadline_s)

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:
        """Return whether somebody took the case's ticket, and close second ones; raises TryLater."""
        return look(self._tickets, self._settings, leased, monotonic() + deadline_s)

    def _make(self, leased: LeasedReferral, first: Payload, queue: str, until: float) -> Proof:
        if leased.unsure:
            raise TryLater(NOT_SEEN)
        reach(FailPoint.AFTER_LOOK_UP)
        number = self._tickets.create(first, until)
        reach(FailPoint.AFTER_CREATE)
        return self._read_back(number, first, queue, until, repeated=False)

    def _read_back(self, number: int, first: Payload, queue: str, until: float, *, repeated: bool) -> Proof:
        """Compare the ticket with what was sent; raises a TryLater that names it when RT does not show it now."""
        try:
            ticket = self._tickets.read(number, until)
        except TryLater as later:
            raise TryLater(later.code, retry_after_s=later.retry_after_s, remote_id=str(number)) from None
        if ticket.queue != queue and not repeated:
            raise Declined("wrong_queue")
        if ticket.queue == queue and rt.reads_back(first, ticket.shown):
            raise Declined("field_dropped")
        if ticket.status in {"", DELETED} or (not repeated and ticket.status in CLOSED):
            raise Declined("not_open")
        return Proof(str(ticket.number), Proven.VISIBLE, repeated=repeated)

    def _complete(self, hit: Ticket, first: Payload, queue: str, until: float) -> None:
        """Fill what the ticket that was found lacks: RT dropped a field that it has since been given.

        Another queue need not have our fields; that the reference is there was seen. What staff changed stays.
        """
        if hit.merged or hit.queue != queue:
            return
        missing = rt.unfilled(first, hit.shown)
        if missing and rt.unfilled(first, self._tickets.change(hit.own, {"CustomFields": dict(missing)}, until).shown):
            raise Declined("field_dropped")

    def _comment(self, hit: Ticket, leased: LeasedReferral, payload: Payload, until: float) -> bool:
        """Say it in the ticket, where only staff can read it, unless it was said; return whether it was."""
        subject = rt.subject(leased.fields)
        if self._tickets.said(hit.number, subject, until):
            return True
        if leased.unsure:
            raise TryLater(NOT_SEEN)
        self._tickets.comment(hit.number, payload, until)
        if not self._tickets.said(hit.number, subject, until):
            if rt.search_lag_s(self._settings):
                raise TryLater(NOT_SEEN, ambiguous=True)
            raise Declined("comment_dropped")
        return False

    def _withdraw(self, hits: list[Ticket], leased: LeasedReferral, payload: Payload, until: float) -> Proof:
        """Say it in each ticket, empty its fields, close it, put it apart; several are no accident to tell of here."""
        if not hits:
            raise self._nothing_there(leased)
        repeated = [self._withdraw_one(hit, leased, payload, until) for hit in hits]
        return Proof(str(hits[0].number), Proven.VISIBLE, repeated=all(repeated))

    def _nothing_there(self, leased: LeasedReferral) -> TryLater | Declined:
        """Return what to raise: that nobody found what was sent is not for us to be content with."""
        if leased.attempts > 1:
            return Declined(NOTHING_THERE)
        return TryLater(NOTHING_THERE, retry_after_s=max(LOOK_AGAIN_S, rt.search_lag_s(self._settings)))

    def _withdraw_one(self, hit: Ticket, leased: LeasedReferral, payload: Payload, until: float) -> bool:
        """Do it to one ticket and read back; raises Declined `not_withdrawn` when RT left something of it undone."""
        repeated = self._comment(hit, leased, payload, until)
        ticket = self._tickets.read(hit.own, until)
        if rt.still_filled(self._settings, ticket.shown):
            ticket = self._tickets.change(hit.own, {"CustomFields": dict(rt.withdrawal(self._settings))}, until)
        emptied = not rt.still_filled(self._settings, ticket.shown)
        ticket = self._tickets.put_away(ticket, until)
        apart = True
        if self._settings.recall_queue is not None:
            # Last: once it is there, we may be among those who cannot see it.
            wanted = self._tickets.queue(self._settings.recall_queue, until)
            if ticket.queue != wanted:
                ticket = self._tickets.change(hit.own, {"Queue": self._settings.recall_queue}, until)
            apart = ticket.queue == wanted
        if not (emptied and apart and ticket.closed):
            raise Declined("not_withdrawn")
        return repeated
