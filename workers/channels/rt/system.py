"""Request Tracker as a ticket system: what each act is there, and what shows that it was done.

RT's own account (`RT_System`) is nobody: it opens a ticket when any mail comes, an automatic answer too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from router.channels import rt
from router.model import Finding, Payload, Referral
from workers.channels.base import Surroundings
from workers.channels.rt.checks import check
from workers.channels.rt.tickets import PER_PAGE, Doing, RtTickets, queue_of
from workers.channels.ticketing import Ticket

MACHINE: Final = "RT_System"
PUT_AWAY: Final = ("rejected", "resolved")
"""What a ticket that nobody shall work on becomes: the first of these that its queue knows."""
OPENED: Final = "open"
MOST_PAGES: Final = 20
"""Of changed tickets, each of PER_PAGE."""
CHANGED_BEFORE: Final = timedelta(seconds=1)
"""RT's times are whole seconds."""


class RtSystem:
    """One queue of one RT."""

    def __init__(self, settings: rt.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._tickets = RtTickets(settings, surroundings)

    def first(self, referral: Referral) -> Payload:
        """Return the body of the create call."""
        return rt.ticket(self._settings, referral)

    def note(self, title: str, text: str) -> Payload:
        """Return a comment's body."""
        return rt.comment(title, text)

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return what is wrong with account, queue, custom fields or rights."""
        return check(self._tickets, self._settings, until)

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the tickets whose custom field shows the reference, and that were made in the queue."""
        return self._tickets.find(reference, until)

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the ticket."""
        return self._tickets.read(remote_id, until)

    def create(self, payload: Payload, until: float) -> str:
        """Make a ticket and return its number."""
        return self._tickets.create(payload, until)

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether RT answered 201 and dropped a custom field."""
        return bool(rt.reads_back(payload, ticket.shown))

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Fill the custom fields that have no value."""
        missing = rt.unfilled(payload, ticket.shown)
        if not missing:
            return True
        changed = self._tickets.change(ticket.own, {"CustomFields": dict(missing)}, until)
        return not rt.unfilled(payload, changed.shown)

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put a comment into the ticket, or into the one that it was merged into."""
        self._tickets.comment(ticket.id, payload, until)

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether a comment has that subject."""
        return self._tickets.said(ticket.id, title, until)

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Close the ticket, unless it is, and return it as it is then."""
        for status in PUT_AWAY:
            if not ticket.closed:
                ticket = self._tickets.change(ticket.id, {"Status": status}, until)
        return ticket

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Open the ticket, if it is closed, and return it as it is then."""
        return self._tickets.change(ticket.id, {"Status": OPENED}, until) if ticket.closed else ticket

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty the custom fields, close the ticket, move it to the queue of recalls; return whether all that shows."""
        ticket = self._tickets.read(ticket.own, until)
        if rt.still_filled(self._settings, ticket.shown):
            ticket = self._tickets.change(ticket.own, {"CustomFields": dict(rt.withdrawal(self._settings))}, until)
        emptied = not rt.still_filled(self._settings, ticket.shown)
        ticket = self.close(ticket, until)
        if self._settings.recall_queue is None:
            return emptied and ticket.closed
        # Last: once it is there, we may be among those who cannot see it.
        wanted = self._tickets.queue(self._settings.recall_queue, until)
        if queue_of(ticket) != wanted:
            ticket = self._tickets.change(ticket.own, {"Queue": self._settings.recall_queue}, until)
        return emptied and queue_of(ticket) == wanted and ticket.closed

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Move a ticket that a concern came out of to its queue, if there is one; return whether it is there."""
        if self._settings.taken_over_queue is None:
            return True
        wanted = self._tickets.queue(self._settings.taken_over_queue, until)
        if queue_of(ticket) != wanted:
            ticket = self._tickets.change(ticket.id, {"Queue": self._settings.taken_over_queue}, until)
        return queue_of(ticket) == wanted

    def taken(self, ticket: Ticket, until: float) -> bool:
        """Say whether somebody owns the ticket, or a person changed its status."""
        return ticket.taken or any(doing.what == "Status" for doing in self._by_people(ticket, until))

    def worked_on(self, ticket: Ticket, until: float) -> bool:
        """Say whether somebody owns the ticket, or a person changed its status or wrote in it."""
        return ticket.taken or bool(self._by_people(ticket, until))

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the numbers of the queue's tickets that changed since then."""
        query = rt.changed_query(self._settings, since - CHANGED_BEFORE)
        found: list[str] = []
        for page in range(1, MOST_PAGES + 1):
            items = self._tickets.items(
                "tickets", until, query=query, orderby="LastUpdated", order="ASC", page=str(page)
            )
            found += [str(item.get("id")) for item in items]
            if len(items) < PER_PAGE:
                break
        return found

    def _by_people(self, ticket: Ticket, until: float) -> list[Doing]:
        doings = self._tickets.doings(ticket.id, until)
        return [doing for doing in doings if doing.ticket == ticket.id and doing.who not in {"", MACHINE, ticket.maker}]
