"""A described system as a ticket system: which call each act is, and what shows that it was done."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from router.channels import rest
from router.channels.rest import rendering
from router.channels.rest.language import Move
from router.channels.rest.templates import names
from router.configfile.pointers import at
from router.errors import NOT_SEEN, Declined, TryLater
from router.model import Finding, Payload, Referral
from workers.channels.base import Surroundings
from workers.channels.rest.calls import TOO_MANY, RestCalls
from workers.channels.rest.checks import check
from workers.channels.rest.tickets import Reading, is_ours, number_at, titled, word
from workers.channels.ticketing import Ticket
from workers.channels.transport import Transport

MOST_READ: Final = 20
"""Hits that are read one by one, at most."""


class RestSystem:
    """One desk."""

    def __init__(self, settings: rest.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._calls = RestCalls(settings, Transport(settings, surroundings.scope))
        self._reading = Reading(settings)
        self._does = settings.calls

    def first(self, referral: Referral) -> Payload:
        """Return the body of the create call."""
        return rendering.ticket(self._settings, referral)

    def note(self, title: str, text: str) -> Payload:
        """Return a note's body."""
        return rendering.note(self._settings, title.partition(" ")[0], title, text)

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return what is wrong with account, search, or what the description expects to be there."""
        return check(self._calls, self._settings, until)

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the tickets that show the reference."""
        items = self._calls.listed(self._does.find, until, reference=reference)
        tickets = self._each(items, until) if self._does.find.read_each else map(self._reading.ticket, items)
        ours = [ticket for ticket in tickets if not ticket.gone and self._reading.is_of(reference, ticket)]
        return sorted(ours, key=lambda ticket: (ticket.closed, len(ticket.own), ticket.own))

    def _each(self, items: Sequence[Any], until: float) -> list[Ticket]:
        """Read each hit; a search may show one that was deleted since."""
        if len(items) > MOST_READ:
            raise TryLater(TOO_MANY)
        tickets = []
        for item in items:
            try:
                tickets.append(self.read(number_at(item, self._does.find.id or self._settings.ticket.id), until))
            except TryLater as later:
                if later.code != "http_404":
                    raise
        return tickets

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the ticket."""
        shown = self._calls.shown(self._does.read, until, id=remote_id)
        return self._reading.ticket(at(shown, self._does.read.ticket))

    def create(self, payload: Payload, until: float) -> str:
        """Make a ticket and return its id."""
        create = self._does.create
        try:
            reply = self._calls.write(create, until, body=payload.body)
        except Declined as declined:
            if declined.code in {f"http_{status}" for status in create.perhaps_there}:
                # It may say so of a ticket that its search does not show yet: the next attempt looks again.
                raise TryLater(NOT_SEEN, ambiguous=True) from None
            raise
        try:
            return number_at(reply.json(), create.id)
        except TryLater:
            raise reply.odd() from None

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether the ticket does not show a field as it was sent, or that only staff read it."""
        return bool(self._reading.lacking(_fields(payload), ticket)) or not self._reading.is_internal(ticket)

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Fill the fields that have no value."""
        fields = _fields(payload)
        missing = self._reading.unfilled(fields, ticket)
        body = rendering.refill(self._settings, {name: fields[name] for name in missing}, ticket.own)
        if body is None:
            return not missing
        self._calls.write(self._does.fill, until, body=body, id=ticket.own)
        return not self._reading.unfilled(fields, self.read(ticket.own, until))

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put an internal note into the ticket."""
        self._calls.write(self._does.note, until, body=payload.body, id=ticket.id)

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether a note of ours has that title."""
        return any(titled(text, title) for text, _ in self._notes(ticket, until))

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Close the ticket, unless it is."""
        if ticket.closed:
            return ticket
        self._calls.write(self._does.close, until, id=ticket.id)
        return self.read(ticket.id, until)

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Open the ticket, if it is closed."""
        if not ticket.closed:
            return ticket
        self._calls.write(self._does.reopen, until, id=ticket.id)
        return self.read(ticket.id, until)

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty our fields, close the ticket, move it where few people see it; return whether all that shows."""
        ticket = self.read(ticket.own, until)
        if self._reading.still_filled(ticket) or names(self._does.fill.body) & {"text", "text_html"}:
            body = rendering.withdrawal(self._settings, ticket.own)
            self._calls.write(self._does.fill, until, body=body, id=ticket.own)
            ticket = self.read(ticket.own, until)
        emptied = not self._reading.still_filled(ticket)
        ticket = self.close(ticket, until)
        return emptied and ticket.closed and self._moved(self._does.put_away, ticket, until)

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Move a ticket that a concern came out of, if the description says how; return whether it is there."""
        return self._moved(self._does.set_apart, ticket, until)

    def _moved(self, move: Move | None, ticket: Ticket, until: float) -> bool:
        """Move the ticket; once it is there, we may be among those who cannot see it."""
        if move is None or self._reading.stands(ticket.shown, move.shows):
            return True
        self._calls.write(move, until, id=ticket.own)
        try:
            return self._reading.stands(self.read(ticket.own, until).shown, move.shows)
        except TryLater as later:
            if later.code in {"not_authorised", "http_404"}:
                return True
            raise

    def taken(self, ticket: Ticket, until: float) -> bool:  # noqa: ARG002 - the ticket says all there is
        """Say whether somebody has the ticket, or its status says that somebody took or closed it."""
        return ticket.taken or ticket.closed

    def worked_on(self, ticket: Ticket, until: float) -> bool:
        """Say whether somebody has the ticket or wrote in it."""
        if ticket.taken:
            return True
        if self._does.notes.author is None:
            return not all(is_ours(text) for text, _ in self._notes(ticket, until))
        return any(author != ticket.maker for _, author in self._notes(ticket, until))

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the ids that the described call names; none without one.

        What a list holds beyond its last page is left to the look of the day: asked for again, it would only be longer.
        """
        if self._does.changed is None:
            return ()
        moment = since.astimezone(UTC).replace(microsecond=0)
        moments = {
            "since": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "since_plain": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "since_ms": int(moment.timestamp()) * 1000,
        }
        items = self._calls.beginning(self._does.changed, until, **moments)
        return [number_at(item, self._settings.ticket.id) for item in items]

    def _notes(self, ticket: Ticket, until: float) -> list[tuple[Any, str]]:
        """Return text and author of what was said in the ticket, those without a text left out."""
        notes = self._does.notes
        said = []
        for item in self._calls.listed(notes, until, id=ticket.id):
            text = at(item, notes.text)
            if word(text):
                said.append((text, "" if notes.author is None else word(at(item, notes.author))))
        return said


def _fields(payload: Payload) -> dict[str, str]:
    return dict(payload.fields) if isinstance(payload, rendering.TicketPayload) else {}
