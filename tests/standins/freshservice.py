"""Freshservice, API v2, as its documents have it. Not Freshservice.

Its filter knows tags and not free text fields, and shows a new ticket late; an unknown custom field is a 400; a ticket
wants a requester, to whom it writes; a note is private unless it says otherwise.
"""

import re
from base64 import b64encode
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Received
from tests.standins.shelf import OFFICER, ROUTER, Shelf, no, place
from tests.standins.standin import Call, NoteThere, TicketThere, answer

KEY: Final = "freshservice-key"
ACCOUNT: Final = "concerns@example.org"
GROUP: Final = 7
_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TICKET: Final[dict[str, Any]] = {
    "subject": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": {"type": "string", "minLength": 1},
    "email": _TEXT,
    "requester_id": _NUMBER,
    "status": {"enum": [2, 3, 4, 5]},
    "priority": {"enum": [1, 2, 3, 4]},
    "source": _NUMBER,
    "group_id": _NUMBER,
    "workspace_id": _NUMBER,
    "responder_id": _NUMBER,
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 64}},
    "custom_fields": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


class StandInFreshservice(Shelf):
    """One service desk with one group."""

    CALLS: ClassVar = (
        Call("GET", "/api/v2/tickets/filter"),
        Call("GET", "/api/v2/tickets"),
        Call("GET", "/api/v2/tickets/[0-9]+"),
        Call("GET", "/api/v2/tickets/[0-9]+/conversations"),
        Call("GET", "/api/v2/groups"),
        Call("GET", "/api/v2/ticket_form_fields"),
        Call("POST", "/api/v2/tickets", _body(_TICKET, "subject", "description", "email", "status", "priority")),
        Call("PUT", "/api/v2/tickets/[0-9]+", _body(_TICKET)),
        Call("POST", "/api/v2/tickets/[0-9]+/notes", _body({"body": _TEXT, "private": _FLAG}, "body")),
    )

    def there(self) -> list[TicketThere]:
        return [self._seen(one) for one in self.tickets]

    def take(self, number: str) -> None:
        self.really(number)["responder_id"] = OFFICER

    def resolve(self, number: str) -> None:
        self.really(number)["status"] = 5

    def copy(self, number: str) -> str:
        like = self.really(number)
        return self.number(self.put_up({**like, "id": len(self.tickets) + 1, "status": 2, "notes": []}))

    def authorised(self, request: Received) -> bool:
        user = b64encode(f"{KEY}:X".encode()).decode()
        return self.open_to_us and request.headers.get("authorization") == f"Basic {user}"

    def act(self, request: Received) -> Answer:  # noqa: PLR0911 - one for each call
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(request.path).query).items()}
        match request.method, place(request)[2:]:
            case "GET", ["groups"]:
                return answer(200, {"groups": [{"id": GROUP, "name": "Safeguarding"}]})
            case "GET", ["ticket_form_fields"]:
                fields = [{"name": self.FIELDS[name]} for name in sorted(self.known)]
                return answer(200, {"ticket_fields": [{"name": "subject"}, *fields]})
            case "GET", ["tickets", "filter"]:
                return self._filtered(asked["query"])
            case "GET", ["tickets"]:
                since = asked["updated_since"]
                return answer(200, {"tickets": [self._listed(one) for one in self.tickets if one["at"] >= since]})
            case "POST", ["tickets"]:
                return self._create(request.json)
            case method, ["tickets", number, *rest]:
                ticket = self.of(number)
                if ticket is None:
                    return no()
                return self._ticket(method, rest, ticket, asked, request)
        return no()

    def _filtered(self, query: str) -> Answer:
        found = re.fullmatch(r"\"tag:'([^']+)'\"", query)
        if found is None:
            return no(400)
        return answer(200, {"tickets": [self._listed(one) for one in self.searched(lambda t: found[1] in t["tags"])]})

    def _create(self, wanted: dict[str, Any]) -> Answer:
        if not self._fields_known(wanted) or wanted.get("group_id") != GROUP:
            return no(400)
        email = wanted.pop("email")
        ticket = {
            **wanted,
            "id": len(self.tickets) + 1,
            "requester_id": ROUTER if email == ACCOUNT else 99,
            "requester": None if email == ACCOUNT else email,
            "responder_id": None,
            "deleted": False,
            "notes": [],
            "at": "2026-11-23T00:00:00Z",
            "custom_fields": dict.fromkeys(self.FIELDS.values()) | wanted.get("custom_fields", {}),
        }
        return answer(201, {"ticket": self._read(self.put_up(ticket), {})})

    def _fields_known(self, wanted: dict[str, Any]) -> bool:
        return set(wanted.get("custom_fields", {})) <= {self.FIELDS[name] for name in self.known}

    def _ticket(
        self, method: str, rest: list[str], ticket: dict[str, Any], asked: dict[str, str], request: Received
    ) -> Answer:
        match method, rest:
            case "GET", []:
                return answer(200, {"ticket": self._read(ticket, asked)})
            case "GET", ["conversations"]:
                start, size = int(asked.get("page", 1)) - 1, int(asked.get("per_page", 30))
                return answer(200, {"conversations": ticket["notes"][start * size : (start + 1) * size]})
            case "POST", ["notes"]:
                note = {"body": request.json["body"], "private": request.json.get("private", True), "user_id": ROUTER}
                ticket["notes"].append(note)
                return answer(201, {"conversation": note})
        if not self._fields_known(request.json):
            return no(400)
        fields = ticket["custom_fields"] | request.json.get("custom_fields", {})
        ticket.update(request.json | {"custom_fields": fields})
        return answer(200, {"ticket": self._read(ticket, {})})

    @staticmethod
    def _listed(ticket: dict[str, Any]) -> dict[str, Any]:
        hidden = {"tags", "notes", "requester", "at"}
        return {name: value for name, value in ticket.items() if name not in hidden}

    def _read(self, ticket: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
        """Tags are shown only where they are asked for."""
        return self._listed(ticket) | ({"tags": ticket["tags"]} if "tags" in asked.get("include", "") else {})

    def _seen(self, ticket: dict[str, Any]) -> TicketThere:
        return TicketThere(
            number=self.number(ticket),
            title=ticket["subject"],
            text=ticket["description"],
            text_internal=ticket["requester"] is None,
            fields=self.named(ticket["custom_fields"]),
            notes=[NoteThere(note["body"], note["private"]) for note in ticket["notes"]],
            closed=ticket["status"] in {4, 5},
            requester=ticket["requester"],
        )
