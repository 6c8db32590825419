"""Stands in for ServiceNow's Table API: incidents, groups, journals. Not ServiceNow.

Documented traps: a condition on an unknown column is left out and all rows come; unknown columns are dropped with 201;
`comments` are the caller's; the priority is worked out; closing demands a code and notes; a caller is mailed.
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Received
from tests.standins.standin import Call, NoteThere, StandIn, TicketThere, answer

TOKEN: Final = "servicenow-stand-in-password"
ACCOUNT: Final = "concern.router"
ANN: Final = "ann"
GROUP, RECALLS, APART = "a" * 32, "b" * 32, "c" * 32
NAMES: Final = {"category": "u_concern_kind", "severity": "u_concern_severity"}
PRIORITIES: Final = {("1", "1"): "1", ("1", "2"): "2", ("2", "1"): "2", ("2", "2"): "3", ("2", "3"): "4"}
TEXTS: Final = {"type": "string", "maxLength": 4000}
SYS_ID: Final = {"type": "string", "pattern": "^([0-9a-f]{32})?$"}
ONE_TO_FIVE: Final = {"enum": ["1", "2", "3", "4", "5"]}
KNOWN: Final = {
    **dict.fromkeys(("short_description", "description", "work_notes", "comments", "correlation_display"), TEXTS),
    "correlation_id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
    **dict.fromkeys(("assignment_group", "assigned_to", "caller_id"), SYS_ID),
    **dict.fromkeys(("impact", "urgency", "priority"), ONE_TO_FIVE),
    **dict.fromkeys(("category", "close_code", "close_notes"), TEXTS),
    "state": {"enum": ["1", "2", "3", "6", "7", "8"]},
}
RECORD: Final = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": KNOWN,
    "patternProperties": {"^u_[a-z_]+$": TEXTS},
}
CREATE: Final = {**RECORD, "required": ["short_description", "correlation_id", "correlation_display"]}


@dataclass
class Incident:
    """A row, and its journal."""

    columns: dict[str, str]
    journal: list[tuple[str, str]] = field(default_factory=list)
    """What was said: `work_notes` or `comments`, and the text."""
    unseen: int = 0


class StandInServiceNow(StandIn):
    """One instance with the table of incidents."""

    CALLS: ClassVar[tuple[Call, ...]] = (
        Call("GET", r"/api/now/table/incident(/[0-9a-f]{32})?"),
        Call("GET", r"/api/now/table/sys_user_group/[0-9a-f]{32}"),
        Call("POST", r"/api/now/table/incident", CREATE),
        Call("PATCH", r"/api/now/table/incident/[0-9a-f]{32}", RECORD),
    )

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.rows: list[Incident] = []
        self.known = {*KNOWN, *NAMES.values(), "sys_id", "number", "sys_created_by", "sys_updated_by"}
        self.known |= {"sys_created_on", "sys_updated_on"}
        self.unwritable: set[str] = set()
        """Columns that our account may not write."""
        self.unsearched: set[str] = set()
        """Columns that our account may read, and that a query leaves out all the same."""
        self.groups = {GROUP: "true", RECALLS: "true", APART: "true"}

    # What a test asks and does.

    def there(self) -> list[TicketThere]:
        return [self._there(row) for row in self.rows]

    def portal(self, number: str) -> list[str]:
        """Return every text of the record that a caller would be shown."""
        row = self.row(number)
        columns = ("short_description", "description", "close_code", "close_notes")
        said = [text for element, text in row.journal if element == "comments"]
        return [row.columns[name] for name in columns if row.columns.get(name)] + said

    def take(self, number: str) -> None:
        self.by(number, ANN, assigned_to="d" * 32)

    def resolve(self, number: str) -> None:
        self.by(number, ANN, state="6", close_code="Solution provided", close_notes="Done.")

    def by(self, number: str, who: str, **columns: str) -> None:
        """Let somebody, or the machine, change columns."""
        self.row(number).columns |= {**columns, "sys_updated_by": who}

    def copy(self, number: str) -> str:
        was = self.row(number)
        return self._add(dict(was.columns), list(was.journal)).columns["sys_id"]

    def drop_field(self, name: str) -> None:
        self.known.discard(NAMES[name])

    def forget_account(self) -> None:
        self.token = "another"

    def row(self, number: str) -> Incident:
        return next(row for row in self.rows if row.columns["sys_id"] == number)

    # What ServiceNow does.

    def authorised(self, request: Received) -> bool:
        basic = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        by_key = request.headers.get("x-sn-apikey") == self.token
        return by_key or request.headers.get("authorization") == f"Basic {basic}"

    def act(self, request: Received) -> Answer:
        parts = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        table, _, sys_id = parts.path.removeprefix("/api/now/table/").partition("/")
        if table == "sys_user_group":
            active = self.groups.get(sys_id)
            found = {"sys_id": sys_id, "active": active}
            return self._missing() if active is None else answer(200, {"result": found})
        if request.method == "POST":
            made = self._add({}, [])
            made.unseen = self.search_lag
            self._write(made, request.json)
            return answer(201, {"result": {"sys_id": made.columns["sys_id"], "number": made.columns["number"]}})
        if not sys_id:
            return answer(200, {"result": self._search(asked)})
        if not any(row.columns["sys_id"] == sys_id for row in self.rows):
            return self._missing()
        row = self.row(sys_id)
        if request.method == "PATCH":
            closes = request.json.get("state") in {"6", "7"}
            if closes and not (request.json.get("close_code") and request.json.get("close_notes")):
                return answer(403, {"error": {"message": "Data Policy Exception"}, "status": "failure"})
            self._write(row, request.json)
        return answer(200, {"result": self._shown(row, asked)})

    def _write(self, row: Incident, wanted: dict[str, str]) -> None:
        for name, value in wanted.items():
            if name in {"work_notes", "comments"}:
                if name not in self.unwritable:
                    row.journal.append((name, value))
            elif name in self.known - self.unwritable - {"priority"}:
                row.columns[name] = value
        row.columns["sys_updated_by"] = ACCOUNT
        matrix = (row.columns["impact"], row.columns["urgency"])
        row.columns["priority"] = PRIORITIES.get(matrix, "5")

    def _add(self, columns: dict[str, str], journal: list[tuple[str, str]]) -> Incident:
        number = len(self.rows) + 1
        own = {"sys_id": f"{number:032x}", "number": f"INC{number:07}", "sys_created_by": ACCOUNT}
        first = {"state": "1", "impact": "3", "urgency": "3", "priority": "5"}
        self.rows.append(Incident({**first, **columns, **own, "sys_updated_by": ACCOUNT}, journal))
        return self.rows[-1]

    def _search(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        # A condition that cannot be understood is left out (glide.invalid_query.returns_no_rows is false).
        conditions = [c for c in asked.get("sysparm_query", "").split("^") if c and not c.startswith("ORDERBY")]
        searched = self.known - self.unsearched
        known = [pair for c in conditions if (pair := tuple(re.split("=|RELATIVEGE", c, maxsplit=1)))[0] in searched]
        shown = []
        for row in self.rows:
            fits = all(value.startswith("@minute@ago@") or row.columns.get(name) == value for name, value in known)
            if row.unseen:
                row.unseen -= 1
            elif self.show_all or (fits and not self.foreign) or (self.foreign and not fits):
                shown.append(self._shown(row, asked))
        return shown[: int(asked["sysparm_limit"])]

    def _shown(self, row: Incident, asked: dict[str, str]) -> dict[str, Any]:
        names = [name for name in asked.get("sysparm_fields", "sys_id").split(",") if name in self.known]
        # Journals have no value of their own; what people see of them is the whole journal, the latest first.
        values = {name: "" if name in {"work_notes", "comments"} else row.columns.get(name, "") for name in names}
        if asked.get("sysparm_display_value") != "all":
            return dict(values)
        return {name: {"value": values[name], "display_value": self._display(row, name)} for name in names}

    @staticmethod
    def _display(row: Incident, name: str) -> str:
        if name not in {"work_notes", "comments"}:
            return f"(shown) {row.columns.get(name, '')}"
        said = [text for element, text in reversed(row.journal) if element == name]
        return "".join(f"2026-11-02 10:00:00 - Concern Router (Work notes)\n{text}\n\n" for text in said)

    @staticmethod
    def _missing() -> Answer:
        return answer(404, {"error": {"message": "No Record found"}, "status": "failure"})

    @staticmethod
    def _there(row: Incident) -> TicketThere:
        columns, journal = row.columns, row.journal
        held = {ours: columns.get(name, "") for ours, name in NAMES.items()}
        return TicketThere(
            number=columns["sys_id"],
            title=columns["short_description"],
            text=journal[0][1] if journal else "",
            text_internal=not columns.get("description") and all(element == "work_notes" for element, _ in journal[:1]),
            fields={ours: value for ours, value in held.items() if value} | {"reference": columns["correlation_id"]},
            notes=[NoteThere(text, element == "work_notes") for element, text in journal[1:]],
            closed=columns["state"] in {"6", "7", "8"},
            requester=columns.get("caller_id") or None,
        )


def settings(there: StandIn) -> dict[str, Any]:
    """Return what `channels.yaml` says of the stand-in."""
    return {
        "url": there.url,
        "account": ACCOUNT,
        "token": "env:SERVICENOW_PASSWORD",
        "group": GROUP,
        "custom_fields": NAMES,
        "recall_group": RECALLS,
        "taken_over_group": APART,
    }
