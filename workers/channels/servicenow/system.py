"""ServiceNow as a ticket system: what each act is there, and what shows that it was done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from router.channels import servicenow
from router.model import Finding, Payload, Referral
from workers.channels.base import Surroundings
from workers.channels.servicenow.checks import check
from workers.channels.servicenow.records import JOURNAL, MACHINE, Records
from workers.channels.ticketing import Ticket

CHANGED: Final = 500
"""Records that a poll reads at most; what comes after is found by the look of the day."""


class ServicenowSystem:
    """The records of one group in one table."""

    def __init__(self, settings: servicenow.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._records = Records(settings, surroundings)

    def first(self, referral: Referral) -> Payload:
        """Return the body of the create call."""
        return servicenow.ticket(self._settings, referral)

    def note(self, title: str, text: str) -> Payload:
        """Return a work note's body."""
        return servicenow.note(title, text)

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return what is wrong with account, groups or columns."""
        return check(self._records, self._settings, until)

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the records that show the reference and this desk's mark."""
        return self._records.find(reference, until)

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the record."""
        return self._records.read(remote_id, until)

    def create(self, payload: Payload, until: float) -> str:
        """Make a record and return its sys_id."""
        return self._records.create(payload, until)

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether ServiceNow answered 201 and does not show a column as sent, or the work note."""
        changed = any(ticket.shown.get(name) != value for name, value in servicenow.sent(payload).items())
        return changed or not _says(ticket, servicenow.title_of(payload))

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Fill the columns that have no value, and say the first work note if it is not there."""
        ticket = self._records.read(ticket.own, until)
        missing = dict(servicenow.unfilled(payload, ticket.shown))
        if not _says(ticket, servicenow.title_of(payload)):
            missing[JOURNAL] = orjson.loads(payload.body)[JOURNAL]
        if missing:
            ticket = self._records.change(ticket.own, missing, until)
        return not servicenow.unfilled(payload, ticket.shown) and _says(ticket, servicenow.title_of(payload))

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put a work note into the record."""
        self._records.change(ticket.id, orjson.loads(payload.body), until)

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether a line of the work notes is the title."""
        return _says(self._records.read(ticket.id, until), title)

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Close the record, unless it is, and return it as it is then."""
        return ticket if ticket.closed else self._records.change(ticket.id, servicenow.closing(self._settings), until)

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Open the record, if it is closed, and return it as it is then."""
        wanted = {"state": self._settings.states.open}
        return self._records.change(ticket.id, wanted, until) if ticket.closed else ticket

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty the columns, close the record, assign it to the group of recalls; return whether all that shows."""
        ticket = self._records.read(ticket.own, until)
        if servicenow.still_filled(self._settings, ticket.shown):
            ticket = self._records.change(ticket.own, servicenow.withdrawal(self._settings), until)
        ticket = self.close(ticket, until)
        done = ticket.closed and not servicenow.still_filled(self._settings, ticket.shown)
        # Last: once it is there, we may be among those who cannot see it.
        return done and self._assigned(self._settings.recall_group, ticket, until)

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Assign a record that a concern came out of to its group, if there is one; return whether it is."""
        return self._assigned(self._settings.taken_over_group, ticket, until)

    def taken(self, ticket: Ticket, until: float) -> bool:  # noqa: ARG002 - the record itself shows it
        """Say whether the record is assigned to somebody, or in another state than new, by a person."""
        return ticket.taken

    def worked_on(self, ticket: Ticket, until: float) -> bool:  # noqa: ARG002 - the record itself shows it
        """Say whether anything was done to the record by anybody but us, or by a rule that may stand for them."""
        state_kept = ticket.shown.get("state") == self._settings.states.new
        untouched = ticket.shown.get("sys_updated_by") in {"", MACHINE, ticket.maker}
        return not (state_kept and untouched) or bool(ticket.shown.get("assigned_to"))

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the sys_ids of the desk's records that changed since then."""
        mark = servicenow.mark(self._settings)
        rows = self._records.rows(
            servicenow.changed_query(self._settings, since),
            until,
            limit=CHANGED,
            columns=("sys_id", "correlation_display"),
        )
        return [str(row.get("sys_id")) for row in rows if row.get("correlation_display") == mark]

    def _assigned(self, group: str | None, ticket: Ticket, until: float) -> bool:
        if group is not None and ticket.shown.get("assignment_group") != group:
            # Whoever it was assigned to need not be of that group.
            ticket = self._records.change(ticket.own, {"assignment_group": group, "assigned_to": ""}, until)
        return group in {None, ticket.shown.get("assignment_group")}


def _says(ticket: Ticket, title: str) -> bool:
    return servicenow.says(str(ticket.shown.get(JOURNAL) or ""), title)
