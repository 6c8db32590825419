"""Zendesk Support as documented: comments public unless said otherwise, keys that repeat a create, final tickets."""

import itertools
import json
import re
import time
from base64 import b64encode
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Received
from tests.standins.standin import Call, NoteThere, StandIn, TicketThere, answer

TOKEN: Final = "zendesk-token-7f3a"
ACCOUNT: Final = "concerns@example.org/token"
ME, STAFF, CUSTOMER, RULES = 101, 202, 303, -1
GROUP, RECALLS, APART, OTHER_GROUP = 5, 6, 7, 8
GROUPS: Final = (GROUP, RECALLS, APART, OTHER_GROUP)
FIELDS: Final = {"category": 11, "severity": 12}
MOST_UPDATES: Final = 30
UPDATES_S: Final = 600

_ID: Final = {"type": "integer", "minimum": 1}
_COMMENT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["body", "public"],
    "properties": {"body": {"type": "string", "minLength": 1}, "public": {"type": "boolean"}},
}
_CUSTOM: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "value"],
        "properties": {"id": _ID, "value": {"type": ["string", "null"]}},
    },
}
_CHANGEABLE: Final = {
    "comment": _COMMENT,
    "group_id": _ID,
    "custom_fields": _CUSTOM,
    "status": {"enum": ["open", "pending", "hold", "solved"]},
}


def _ticket(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    inner = {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}
    return {"type": "object", "additionalProperties": False, "required": ["ticket"], "properties": {"ticket": inner}}


_NEW: Final = _CHANGEABLE | {
    "subject": {"type": "string", "maxLength": 150},
    "external_id": {"type": "string", "maxLength": 255},
    "priority": {"enum": ["low", "normal", "high", "urgent"]},
    "via_followup_source_id": _ID,
}


class ZendeskStandIn(StandIn):
    """One Zendesk with one group that is ours."""

    CALLS: ClassVar[tuple[Call, ...]] = (
        Call("GET", r"/api/v2/users/me"),
        Call("GET", r"/api/v2/groups/\d+"),
        Call("GET", r"/api/v2/ticket_fields/\d+"),
        Call("GET", r"/api/v2/tickets"),
        Call("GET", r"/api/v2/search"),
        Call("GET", r"/api/v2/tickets/\d+"),
        Call("GET", r"/api/v2/tickets/\d+/audits"),
        Call("GET", r"/api/v2/tickets/\d+/comments"),
        Call("POST", r"/api/v2/tickets", _ticket(_NEW, "subject", "comment", "external_id", "group_id")),
        Call("PUT", r"/api/v2/tickets/\d+", _ticket(_CHANGEABLE)),
    )

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, dict[str, Any]] = {}
        self.audits: dict[int, list[dict[str, Any]]] = {}
        self.fields: dict[int, dict[str, Any]] = {
            number: {"id": number, "type": "text", "active": True} for number in FIELDS.values()
        }
        self.role = "agent"
        self.keys: dict[str, tuple[bytes, Answer]] = {}
        self.lookups: list[str] = []
        """What `x-idempotency-lookup` said of each create."""
        self.publish = False
        """A trigger makes every new ticket public."""
        self._updates: dict[int, list[float]] = {}
        self._numbers = itertools.count(1001)
        self._known = True

    def authorised(self, request: Received) -> bool:
        basic = b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        return self._known and request.headers.get("authorization") == f"Basic {basic}"

    def act(self, request: Received) -> Answer:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kind, *named = parts.path.removeprefix("/api/v2/").split("/")
        if kind == "search":
            return self._search(query["query"], int(query["per_page"]), int(query.get("page", 1)))
        if kind != "tickets":
            return self._around(kind, named[0])
        if not named:
            return self._create_once(request) if request.method == "POST" else self._list(query)
        number = int(named[0])
        if number not in self.tickets:
            return _nothing()
        if request.method == "PUT":
            return self._update(number, request)
        shown = {"audits": self.audits[number], "comments": self._comments(number)[::-1], "": self.tickets[number]}
        what = "".join(named[1:])
        return answer(200, {what or "ticket": shown[what]})

    def _around(self, kind: str, named: str) -> Answer:
        """Show our account, a group or a ticket field."""
        if kind == "users":
            return answer(200, {"user": {"id": ME, "role": self.role}})
        if kind == "ticket_fields":
            field = self.fields.get(int(named))
            return answer(200, {"ticket_field": field}) if field else _nothing()
        return answer(200, {"group": {"id": int(named), "deleted": False}}) if int(named) in GROUPS else _nothing()

    def _list(self, query: dict[str, str]) -> Answer:
        wanted = query["external_id"]
        found = [t for t in self.tickets.values() if self.show_all or (t["external_id"] == wanted) != self.foreign]
        if found and self.search_lag:
            self.search_lag -= 1
            found = []
        size = int(query["page[size]"])
        return answer(200, {"tickets": found[:size], "meta": {"has_more": len(found) > size}})

    def _search(self, query: str, size: int, page: int) -> Answer:
        parts = re.fullmatch(r"type:ticket group_id:(\d+) updated>=(\S+)", query)
        assert parts
        found = [t for t in self.tickets.values() if t["group_id"] == int(parts[1]) and t["updated_at"] >= parts[2]]
        found.sort(key=lambda ticket: str(ticket["updated_at"]))
        return answer(200, {"results": found[size * (page - 1) : size * page]})

    def _create_once(self, request: Received) -> Answer:
        """The same key with the same body is answered as before; with another body it is refused."""
        key = request.headers.get("idempotency-key")
        if key is None:
            return self._create(request.json["ticket"], ME)
        if key in self.keys:
            body, before = self.keys[key]
            if body != request.body:
                return answer(400, {"error": "IdempotentRequestError"})
            self.lookups.append("hit")
            return Answer(before.status, before.body, {"x-idempotency-lookup": "hit"})
        made = self._create(request.json["ticket"], ME)
        self.lookups.append("miss")
        self.keys[key] = request.body, made
        return Answer(made.status, made.body, {"x-idempotency-lookup": "miss"})

    def _create(self, wanted: dict[str, Any], who: int) -> Answer:
        number = next(self._numbers)
        self.tickets[number] = {
            "id": number,
            "external_id": wanted["external_id"],
            "subject": wanted["subject"],
            "status": "new",
            "priority": wanted.get("priority"),
            "group_id": wanted["group_id"],
            "requester_id": who,
            "submitter_id": who,
            "assignee_id": None,
            "is_public": False,
            "custom_fields": [{"id": field, "value": None} for field in self.fields],
            "updated_at": "",
        }
        self.audits[number] = []
        made = {"type": "Create", "field_name": "group_id", "value": str(wanted["group_id"])}
        self._apply(number, {k: v for k, v in wanted.items() if k in _CHANGEABLE}, who, [made])
        if self.publish:
            self.tickets[number]["is_public"] = True
        return answer(201, {"ticket": self.tickets[number]})

    def _update(self, number: int, request: Received) -> Answer:
        if self.tickets[number]["status"] == "closed":
            return answer(422, {"error": "RecordInvalid", "details": {"status": [{"description": "closed"}]}})
        lately = [at for at in self._updates.get(number, []) if at > time.monotonic() - UPDATES_S]
        if len(lately) >= MOST_UPDATES:
            return Answer(429, b"<html>Too many", {"Retry-After": str(UPDATES_S), "Content-Type": "text/html"})
        self._updates[number] = [*lately, time.monotonic()]
        self._apply(number, request.json["ticket"], ME, [])
        return answer(200, {"ticket": self.tickets[number]})

    def _apply(self, number: int, wanted: dict[str, Any], who: int, events: list[dict[str, Any]]) -> None:
        ticket = self.tickets[number]
        values = {one["id"]: one["value"] for one in wanted.get("custom_fields", ())}
        for field in ticket["custom_fields"]:
            field["value"] = values.get(field["id"], field["value"])
        if comment := wanted.get("comment"):
            # A comment is public, unless it says otherwise.
            public = comment.get("public", True)
            events.append({"type": "Comment", "body": comment["body"], "public": public})
            ticket["is_public"] = ticket["is_public"] or public
        for name in ("status", "group_id", "assignee_id"):
            if name in wanted and wanted[name] != ticket[name]:
                events.append({"type": "Change", "field_name": name, "value": str(wanted[name])})
                ticket[name] = wanted[name]
        self.audits[number].append({"author_id": who, "events": events, "via": {"channel": "api"}})
        ticket["updated_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def _comments(self, number: int) -> list[dict[str, Any]]:
        return [
            {"author_id": audit["author_id"], "body": event["body"], "public": event["public"]}
            for audit in self.audits[number]
            for event in audit["events"]
            if event["type"] == "Comment"
        ]

    def there(self) -> list[TicketThere]:
        return [self._shown(number, ticket) for number, ticket in sorted(self.tickets.items())]

    def _shown(self, number: int, ticket: dict[str, Any]) -> TicketThere:
        values = {one["id"]: one["value"] for one in ticket["custom_fields"]}
        first, *later = self._comments(number)
        return TicketThere(
            number=str(number),
            title=ticket["subject"],
            text=first["body"],
            text_internal=not first["public"],
            fields={name: values[field] for name, field in FIELDS.items() if values.get(field)},
            notes=[NoteThere(one["body"], not one["public"]) for one in later],
            closed=ticket["status"] in {"solved", "closed"},
            requester=None if ticket["requester_id"] == ME else str(ticket["requester_id"]),
        )

    def take(self, number: str) -> None:
        self._apply(int(number), {"assignee_id": STAFF, "status": "open"}, STAFF, [])

    def resolve(self, number: str) -> None:
        self._apply(int(number), {"status": "solved"}, STAFF, [])

    def close_for_good(self, number: str) -> None:
        """Do what Zendesk's automation does some days after a ticket was solved."""
        self._apply(int(number), {"status": "closed"}, RULES, [])

    def move(self, number: str, group: int) -> None:
        """Let a person of staff move the ticket."""
        self._apply(int(number), {"group_id": group}, STAFF, [])

    def ask(self, text: str) -> str:
        """Let somebody ask for something, publicly as is usual, and return the ticket's number."""
        asked = {"external_id": None, "subject": text, "group_id": GROUP, "comment": {"body": text}}
        return str(json.loads(self._create(asked, CUSTOMER).body)["ticket"]["id"])

    def copy(self, number: str) -> str:
        of = self.tickets[int(number)]
        comment = {"body": self._comments(int(number))[0]["body"], "public": False}
        wanted = {name: of[name] for name in ("external_id", "subject", "group_id", "custom_fields")}
        made = json.loads(self._create({**wanted, "comment": comment}, ME).body)
        return str(made["ticket"]["id"])

    def drop_field(self, name: str) -> None:
        del self.fields[FIELDS[name]]

    def forget_account(self) -> None:
        self._known = False


def _nothing() -> Answer:
    return answer(404, {"error": "RecordNotFound"})


def settings(there: StandIn, **more: Any) -> dict[str, Any]:
    """Return what `channels.yaml` says of a stand-in."""
    return {
        "url": there.url,
        "account": ACCOUNT,
        "token": "env:ZENDESK_TOKEN",
        "group": GROUP,
        "custom_fields": FIELDS,
        **more,
    }
