"""Redmine as a ticket system: what each act is there, and what shows that it was done.

Redmine does not merge issues. What people did is read from an issue's history, so that an owner whom the project sets
by itself is nobody who took it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from router.channels import redmine
from router.model import Finding, Payload, Referral
from workers.channels.base import Surroundings
from workers.channels.redmine.checks import check
from workers.channels.redmine.issues import TAKING, Entry, RedmineIssues, closing, history, opening, project_of
from workers.channels.ticketing import Ticket

CHANGED_BEFORE: Final = timedelta(seconds=1)
"""Redmine's times are whole seconds."""


class RedmineSystem:
    """One project of one Redmine."""

    def __init__(self, settings: redmine.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._issues = RedmineIssues(settings, surroundings)

    def first(self, referral: Referral) -> Payload:
        """Return the body of the create call."""
        return redmine.ticket(self._settings, referral)

    def note(self, title: str, text: str) -> Payload:
        """Return the body of a private note."""
        return redmine.note(title, text)

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return what is wrong with account, project, tracker, custom fields, rights or numbers."""
        return check(self._issues, self._settings, until)

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the issues whose custom field shows the reference, and that were made in the project."""
        return self._issues.find(reference, until)

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the issue."""
        return self._issues.read(remote_id, until)

    def create(self, payload: Payload, until: float) -> str:
        """Make an issue and return its number."""
        return self._issues.create(payload, until)

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether Redmine answered 201 and dropped a custom field, or that the issue is private."""
        return not redmine.reads_back(payload, ticket.shown)

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Fill the custom fields that have no value."""
        lacking = redmine.missing(payload, ticket.shown)
        if not lacking:
            return True
        changed = self._issues.change(ticket.own, redmine.fill(lacking), until)
        return not redmine.missing(payload, changed.shown)

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put a private note into the issue."""
        self._issues.change(ticket.own, payload, until)

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether a private note's first line is the title."""
        there = history(self._issues.read(ticket.own, until))
        return any(entry.private and entry.notes.partition("\n")[0].strip() == title for entry in there)

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Give the issue a state that closes it, unless it is closed, and return it as it is then."""
        ticket = self._issues.read(ticket.own, until)
        state = self._settings.closed_as or next(iter(closing(ticket)), None)
        if ticket.closed or state is None:
            return ticket
        return self._issues.change(ticket.own, redmine.body(status_id=state), until)

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Give the issue the first state that opens it, if it is closed, and return it as it is then."""
        ticket = self._issues.read(ticket.own, until)
        state = next(iter(opening(ticket)), None)
        if not ticket.closed or state is None:
            return ticket
        return self._issues.change(ticket.own, redmine.body(status_id=state), until)

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty description and custom fields, close the issue, move it to the project of recalls; say if all shows.

        What stood in them stays in the issue's history, which Redmine does not let anybody empty.
        """
        ticket = self._issues.read(ticket.own, until)
        if redmine.still_filled(self._settings, ticket.shown):
            ticket = self._issues.change(ticket.own, redmine.withdrawal(self._settings), until)
        emptied = not redmine.still_filled(self._settings, ticket.shown)
        closed = self.close(ticket, until).closed
        # Last: once it is there, we may be among those who cannot see it.
        return self._moved(ticket, self._settings.recall_project, until) and emptied and closed

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Move an issue that a concern came out of to its project, if there is one; return whether it is there."""
        return self._moved(ticket, self._settings.taken_over_project, until)

    def taken(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person gave the issue an owner or another state."""
        return any(not TAKING.isdisjoint(entry.changed) for entry in self._by_people(ticket, until))

    def worked_on(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person took the issue or wrote in it."""
        return any(entry.notes or not TAKING.isdisjoint(entry.changed) for entry in self._by_people(ticket, until))

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the numbers of the issues that our account made and that changed since then."""
        return self._issues.changed(since - CHANGED_BEFORE, until)

    def _by_people(self, ticket: Ticket, until: float) -> list[Entry]:
        there = history(self._issues.read(ticket.own, until))
        return [entry for entry in there if entry.who not in {"", ticket.maker}]

    def _moved(self, ticket: Ticket, project: str | None, until: float) -> bool:
        if project is None:
            return True
        wanted = str(self._issues.project(project, until))
        if project_of(ticket) != wanted:
            ticket = self._issues.change(ticket.own, redmine.body(project_id=project), until)
        return project_of(ticket) == wanted
