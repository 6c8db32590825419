"""Jira Service Management as a ticket system: what each act is there, and what shows that it was done.

A request is made in three calls. The first one sets the reference, so whatever ends between them, the request is found
again and completed; the internal comment comes last, so one without it is not complete.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from router.channels import jira_service_management as jira
from router.errors import TryLater
from router.model import Finding, Payload, Referral
from workers.channels.base import Surroundings
from workers.channels.jira_service_management.checks import check
from workers.channels.jira_service_management.servicedesk import (
    JiraRequests,
    account_of,
    first_line,
    items_changed,
    title_of,
)
from workers.channels.ticketing import Ticket

TAKING: Final = frozenset({"assignee", "status", "resolution"})
"""What somebody changes who takes a request."""
PERSON: Final = "atlassian"
"""The type of a person's account; automations have `app`."""


class JiraSystem:
    """One service desk of one site."""

    def __init__(self, settings: jira.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._requests = JiraRequests(settings, surroundings)

    def first(self, referral: Referral) -> Payload:
        """Return the bodies that make a request."""
        return jira.ticket(self._settings, referral)

    def note(self, title: str, text: str) -> Payload:
        """Return an internal comment's body."""
        return jira.note(title, text)

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return what is wrong with account, service desk, request type, fields, priorities or rights."""
        return check(self._requests, self._settings, until)

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the requests whose field shows the reference, and that were made in the service desk."""
        return self._requests.find(reference, until)

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the request."""
        return self._requests.read(remote_id, until)

    def create(self, payload: Payload, until: float) -> str:
        """Make a request, set its fields, and say in it what is known; return its key.

        What ends after the first call raises a TryLater that names the request.
        """
        made = jira.parts(payload)
        key = self._requests.raise_request(made.request, until)
        try:
            if made.fields:
                self._requests.edit(key, made.fields, until)
            self._requests.comment(key, made.comment, until)
        except TryLater as later:
            raise TryLater(
                later.code, retry_after_s=later.retry_after_s, ambiguous=later.ambiguous, remote_id=key
            ) from None
        return key

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether Jira answered yes and does not show a field as it was sent."""
        return bool(jira.unlike(jira.parts(payload).fields, ticket.shown))

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Set what was not set; in a request that nobody was told about yet, all of it."""
        made = jira.parts(payload)
        ticket = self._requests.read(ticket.own, until)
        told = self.noted(first_line(payload), ticket, until)
        missing = jira.unfilled(made.fields, ticket.shown) if told else made.fields
        if missing:
            self._requests.edit(ticket.own, missing, until)
            ticket = self._requests.read(ticket.own, until)
        if not told:
            self._requests.comment(ticket.own, made.comment, until)
        return not jira.unfilled(made.fields, ticket.shown)

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put an internal comment into the request."""
        self._requests.comment(ticket.id, orjson.loads(payload.body), until)

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether an internal comment begins with that line."""
        said = self._requests.comments(ticket.id, until)
        return any(title_of(comment) == title and comment.get("public") is False for comment in said)

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Close the request, unless it is, and return it as it is then."""
        return self._moved(ticket, done=True, until=until)

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Open the request, if it is closed, and return it as it is then."""
        return self._moved(ticket, done=False, until=until)

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty the fields, close the request, hide it from most; return whether all that shows."""
        ticket = self._requests.read(ticket.own, until)
        if jira.still_filled(self._settings, ticket.shown):
            self._requests.edit(ticket.own, jira.withdrawal(self._settings), until)
            ticket = self._requests.read(ticket.own, until)
        ticket = self.close(ticket, until)
        emptied = not jira.still_filled(self._settings, ticket.shown)
        if not emptied or not ticket.closed or self._settings.recall_level is None:
            return emptied and ticket.closed
        # Last: once it is there, we may be among those who cannot see it.
        return self._put_on(self._settings.recall_level, ticket, until)

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Put a request that a concern came out of on its level, if there is one; return whether it is there."""
        return self._settings.taken_over_level is None or self._put_on(self._settings.taken_over_level, ticket, until)

    def taken(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person assigned the request, or changed its state; what Jira assigns by itself is no sign."""
        return any(
            TAKING & items_changed(change) and _is_person(change.get("author"), ticket)
            for change in self._requests.changes(ticket.id, until)
        )

    def worked_on(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person took the request, or anybody but us wrote in it."""
        said = self._requests.comments(ticket.id, until)
        return self.taken(ticket, until) or any(account_of(comment.get("author")) != ticket.maker for comment in said)

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the keys of our requests in the service desk that changed since then."""
        return self._requests.changed(jira.changed_query(self._requests.project(until), since), until)

    def _put_on(self, level: str, ticket: Ticket, until: float) -> bool:
        wanted = jira.level(level)
        if jira.unlike(wanted, ticket.shown):
            self._requests.edit(ticket.own, wanted, until)
            ticket = self._requests.read(ticket.own, until)
        return not jira.unlike(wanted, ticket.shown)

    def _moved(self, ticket: Ticket, *, done: bool, until: float) -> Ticket:
        if ticket.closed is done:
            return ticket
        self._requests.move_on(ticket.id, done=done, until=until)
        return self._requests.read(ticket.id, until)


def _is_person(author: object, ticket: Ticket) -> bool:
    kind = author.get("accountType") if isinstance(author, dict) else None
    return kind == PERSON and account_of(author) != ticket.maker
