"""The calls to ServiceNow that we make, and what is believed of its answers.

It leaves conditions out that it does not understand, and drops columns that it does not know or that our account may
not write, with 200 or 201 all the same: so each hit is verified and each change read back.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from router.channels import servicenow
from router.errors import TryLater
from router.model import Payload
from router.secretrefs import secret
from workers.channels.base import Surroundings
from workers.channels.signin import authorization
from workers.channels.ticketing.calls import JsonCalls, as_object, not_hidden, objects
from workers.channels.ticketing.system import Ticket

TABLES: Final = "/api/now/table"
HITS: Final = 50
MACHINE: Final = "system"
"""Who changes a record when a rule or flow does."""
JOURNAL: Final = "work_notes"
_SYS_ID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"[A-Z]{2,8}[0-9]{1,20}")


class Records:
    """One table, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(self, settings: servicenow.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._path = f"{TABLES}/{settings.table}"
        self.calls = JsonCalls(settings, surroundings, self._sign_in)

    def find(self, reference: str, until: float) -> list[Ticket]:
        """Return the case's records that were made at this desk, each verified: open ones first, then the oldest."""
        mark = servicenow.mark(self._settings)
        rows = self.rows(servicenow.find_query(self._settings, reference), until)
        hits = [row for row in rows if row.get("correlation_id") == reference]
        not_hidden(rows, hits, HITS)
        ours = [self._ticket(row) for row in hits if row.get("correlation_display") == mark]
        return sorted(ours, key=lambda ticket: (ticket.closed, len(ticket.name), ticket.name))

    def rows(self, query: str, until: float, *, limit: int = HITS, columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return what a query shows, which may be more than it asks for."""
        asked = ",".join(columns or servicenow.asked(self._settings))
        shown = self.calls.get(
            self._path,
            until,
            sysparm_query=query,
            sysparm_fields=asked,
            sysparm_limit=limit,
            sysparm_exclude_reference_link="true",
        )
        return [dict(row) for row in objects(shown.get("result"))]

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the record with its work notes, by its sys_id or by the number that staff call it."""
        sys_id = remote_id if _SYS_ID.fullmatch(remote_id) else self._by_number(remote_id, until)
        columns = ",".join((*servicenow.asked(self._settings), JOURNAL))
        shown = self._one(f"{self._path}/{sys_id}", until, columns, display="all")
        # Each column has its value and what people see of it; the work notes are shown to people only.
        plain = {name: _part(cell, "value") for name, cell in shown.items()}
        return self._ticket({**plain, JOURNAL: _part(shown.get(JOURNAL), "display_value")})

    def create(self, payload: Payload, until: float) -> str:
        """Make a record and return its sys_id; raises an ambiguous TryLater when the answer names none."""
        reply = self.calls.write("POST", self._path, orjson.loads(payload.body), until)
        made = as_object(reply).get("result")
        sys_id = str(made.get("sys_id")) if isinstance(made, dict) else ""
        if not _SYS_ID.fullmatch(sys_id):
            raise reply.odd()
        return sys_id

    def change(self, sys_id: str, wanted: Mapping[str, str], until: float) -> Ticket:
        """Ask for a change and return the record as it is then."""
        self.calls.write("PATCH", f"{self._path}/{sys_id}", dict(wanted), until)
        return self.read(sys_id, until)

    def group(self, sys_id: str, until: float) -> Mapping[str, Any]:
        """Return a group; raises TryLater `http_404` when there is none."""
        return self._one(f"{TABLES}/sys_user_group/{sys_id}", until, "sys_id,active", display="false")

    def _one(self, path: str, until: float, columns: str, *, display: str) -> Mapping[str, Any]:
        asked = {"sysparm_fields": columns, "sysparm_display_value": display, "sysparm_exclude_reference_link": "true"}
        row = self.calls.get(path, until, **asked).get("result")
        if not isinstance(row, dict):
            raise TryLater("odd_reply")
        return row

    def _by_number(self, number: str, until: float) -> str:
        if not _NUMBER.fullmatch(number):
            raise TryLater("http_404")
        for row in self.rows(servicenow.number_query(number), until, columns=("sys_id", "number")):
            if row.get("number") == number and _SYS_ID.fullmatch(str(row.get("sys_id"))):
                return str(row["sys_id"])
        raise TryLater("http_404")

    def _sign_in(self, until: float) -> dict[str, str]:
        if self._settings.api_key:
            return {"x-sn-apikey": secret(self._settings.token, until=until)}
        return authorization(self._settings, until)

    def _ticket(self, row: Mapping[str, Any]) -> Ticket:
        sys_id, state = str(row.get("sys_id") or ""), str(row.get("state") or "")
        if not _SYS_ID.fullmatch(sys_id) or not state:
            raise TryLater("odd_reply")
        maker, changer = str(row.get("sys_created_by") or ""), str(row.get("sys_updated_by") or "")
        moved_on = bool(row.get("assigned_to")) or state != self._settings.states.new
        return Ticket(
            own=sys_id,
            id=sys_id,
            closed=state in self._settings.states.closed,
            here=row.get("assignment_group") == self._settings.group,
            # A rule may assign each new record to a person; that the last change was a person's makes it theirs.
            taken=moved_on and changer not in {"", MACHINE, maker},
            maker=maker,
            name=str(row.get("number") or ""),
            shown=row,
        )


def _part(cell: Any, part: str) -> Any:
    return cell.get(part) if isinstance(cell, dict) else cell
