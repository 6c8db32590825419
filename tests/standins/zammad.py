"""Zammad, API v1, as its documents and source have it. Not Zammad.

An article is for customers to read unless it says `internal`; an attribute that it does not know is dropped; its search
is an index that shows a new ticket late.
"""

from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Received
from tests.standins.shelf import OFFICER, ROUTER, Shelf, no, place
from tests.standins.standin import Call, NoteThere, TicketThere, answer

TOKEN: Final = "zammad-token"
ACCOUNT: Final = "concerns@example.org"
GROUP: Final = "Safeguarding"
NOBODY: Final = 1
_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
_ARTICLE: Final = {
    "type": "object",
    "properties": {
        "subject": _TEXT,
        "body": {"type": "string", "minLength": 1},
        "type": {"enum": ["note", "email", "phone", "web"]},
        "internal": _FLAG,
        "content_type": {"enum": ["text/plain", "text/html"]},
    },
    "required": ["body"],
    "additionalProperties": False,
}
_TICKET: Final[dict[str, Any]] = {
    "title": {"type": "string", "minLength": 1},
    "group": _TEXT,
    "customer": _TEXT,
    "priority": {"enum": ["1 low", "2 normal", "3 high"]},
    "state": {"enum": ["new", "open", "pending reminder", "closed", "merged"]},
    "article": _ARTICLE,
    "concern_reference": _TEXT,
    "concern_category": {"type": ["string", "null"]},
    "concern_severity": {"type": ["string", "null"]},
}


def _body(*required: str) -> dict[str, Any]:
    return {"type": "object", "properties": _TICKET, "required": list(required), "additionalProperties": False}


class StandInZammad(Shelf):
    """One Zammad with one group."""

    CALLS: ClassVar = (
        Call("GET", "/api/v1/tickets/search"),
        Call("GET", "/api/v1/tickets/[0-9]+"),
        Call("GET", "/api/v1/ticket_articles/by_ticket/[0-9]+"),
        Call("POST", "/api/v1/tickets", _body("title", "group", "customer", "article")),
        Call("PUT", "/api/v1/tickets/[0-9]+", _body()),
    )

    def there(self) -> list[TicketThere]:
        return [self._seen(one) for one in self.tickets]

    def take(self, number: str) -> None:
        self.really(number)["owner_id"] = OFFICER

    def resolve(self, number: str) -> None:
        self.really(number)["state"] = "closed"

    def copy(self, number: str) -> str:
        like, new = self.really(number), self._new()
        return self.number(self.put_up({**like, **new, "state": "new", "articles": like["articles"][:1]}))

    def authorised(self, request: Received) -> bool:
        return self.open_to_us and request.headers.get("authorization") == f"Token token={TOKEN}"

    def act(self, request: Received) -> Answer:
        match request.method, place(request)[2:]:
            case "GET", ["tickets", "search"]:
                query = parse_qs(urlsplit(request.path).query)["query"][0]
                changed = "updated_at:[" in query  # Elasticsearch's own words; all were changed today
                hits = self.searched(lambda t: changed or query in t["title"])
                return answer(200, [self._shown(one) for one in hits])
            case "POST", ["tickets"]:
                return self._create(request.json)
            case "GET", ["ticket_articles", "by_ticket", number]:
                ticket = self.of(number)
                return no() if ticket is None else answer(200, ticket["articles"])
            case method, ["tickets", number]:
                ticket = self.of(number)
                if ticket is None:
                    return no()
                if method == "PUT":
                    self._change(ticket, request.json)
                return answer(200, self._shown(ticket))
        return no()

    def _new(self) -> dict[str, int | str]:
        return {"id": len(self.tickets) + 1, "number": str(22001 + len(self.tickets))}

    def _create(self, wanted: dict[str, Any]) -> Answer:
        if wanted["group"] != GROUP:
            return no(422)
        ticket: dict[str, Any] = {
            **self._new(),
            "state": "new",
            "owner_id": NOBODY,
            "created_by_id": ROUTER,
            "articles": [],
            "concern_reference": None,
            **dict.fromkeys(self.FIELDS.values()),
        }
        self._change(ticket, wanted)
        return answer(201, self._shown(self.put_up(ticket)))

    def _change(self, ticket: dict[str, Any], wanted: dict[str, Any]) -> None:
        dropped = {there for ours, there in self.FIELDS.items() if ours not in self.known}
        ticket.update({name: value for name, value in wanted.items() if name not in {*dropped, "article"}})
        if "article" in wanted:
            article = wanted["article"]
            internal = article.get("internal", False)
            ticket["articles"].append({"body": article["body"], "internal": internal, "created_by_id": ROUTER})

    @staticmethod
    def _shown(ticket: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in ticket.items() if name != "articles"}

    def _seen(self, ticket: dict[str, Any]) -> TicketThere:
        first, *notes = ticket["articles"]
        return TicketThere(
            number=self.number(ticket),
            title=ticket["title"],
            text=first["body"],
            text_internal=first["internal"],
            fields=self.named(ticket),
            notes=[NoteThere(note["body"], note["internal"]) for note in notes],
            closed=ticket["state"] in {"closed", "merged"},
            requester=None if ticket["customer"] == ACCOUNT else ticket["customer"],
        )
