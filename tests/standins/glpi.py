"""GLPI 11, API v2, as its source has it. Not GLPI.

A token is given for our user's password and runs out; a follow-up is public unless it says `is_private`; there are no
custom fields, and what it does not know is dropped; nothing says who wrote a follow-up.
"""

from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Received
from tests.standins.shelf import OFFICER, Shelf, no, place
from tests.standins.standin import Call, NoteThere, TicketThere, answer

CLIENT_SECRET, PASSWORD = "glpi-client", "glpi-password"
ENTITY: Final = 3
CATEGORIES: Final = {0: "", 11: "another", 12: "fraud", 13: "harassment"}
URGENCIES: Final = {2: "low", 3: "", 4: "high", 5: "critical"}
_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_ID: Final = {"type": "object", "properties": {"id": _NUMBER}, "required": ["id"], "additionalProperties": False}
_TICKET: Final[dict[str, Any]] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 255},
    "content": _TEXT,
    "type": {"enum": [1, 2]},
    "external_id": _TEXT,
    "urgency": {"enum": [1, 2, 3, 4, 5]},
    "category": _ID,
    "entity": _ID,
    "status": _ID,
}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


class StandInGlpi(Shelf):
    """One GLPI with one entity."""

    CALLS: ClassVar = (
        Call("GET", "/api.php/v2/Assistance/Ticket"),
        Call("GET", "/api.php/v2/Assistance/Ticket/[0-9]+"),
        Call("GET", "/api.php/v2/Assistance/Ticket/[0-9]+/Timeline/Followup"),
        Call("POST", "/api.php/v2/Assistance/Ticket", _body(_TICKET, "name", "content")),
        Call("PATCH", "/api.php/v2/Assistance/Ticket/[0-9]+", _body(_TICKET)),
        Call(
            "POST",
            "/api.php/v2/Assistance/Ticket/[0-9]+/Timeline/Followup",
            _body({"content": _TEXT, "is_private": _FLAG}, "content"),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.granted = 0
        """How many tokens were given; the last one counts."""

    def there(self) -> list[TicketThere]:
        return [self._seen(one) for one in self.tickets]

    def take(self, number: str) -> None:
        self.really(number)["team"] = [{"type": "User", "role": "assigned", "id": OFFICER}]

    def resolve(self, number: str) -> None:
        self.really(number)["status"] = {"id": 5}

    def copy(self, number: str) -> str:
        like = self.really(number)
        more = {"id": len(self.tickets) + 1, "status": {"id": 1}, "followups": []}
        return self.number(self.put_up({**like, **more}))

    def expire(self) -> None:
        """Let the token run out before its time."""
        self.granted += 1

    def reply(self, request: Received) -> Answer:
        if urlsplit(request.path).path == "/api.php/token":
            return self._grant({name: values[0] for name, values in parse_qs(request.body.decode()).items()})
        return super().reply(request)

    def _grant(self, form: dict[str, str]) -> Answer:
        wanted = {
            "grant_type": "password",
            "client_id": "concern-router",
            "client_secret": CLIENT_SECRET,
            "username": "concern-router",
            "password": PASSWORD,
            "scope": "api",
        }
        if form != wanted or not self.open_to_us:
            return no(401)
        self.granted += 1
        return answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{self.granted}"})

    def authorised(self, request: Received) -> bool:
        return self.open_to_us and request.headers.get("authorization") == f"Bearer token-{self.granted}"

    def act(self, request: Received) -> Answer:
        match request.method, place(request)[4:]:
            case "GET", []:
                return self._search(parse_qs(urlsplit(request.path).query)["filter"][0])
            case "POST", []:
                return self._create(request.json)
            case method, [number, *rest]:
                ticket = self.of(number)
                return no() if ticket is None else self._ticket(method, rest, ticket, request)
        return no()

    def _search(self, wanted: str) -> Answer:
        if wanted.startswith("external_id=="):
            reference = wanted.removeprefix("external_id==")
            found = self.searched(lambda t: t["external_id"] == reference)
        else:
            since = wanted.partition("date_mod=ge=")[2]
            found = [one for one in self.tickets if one["date_mod"] >= since]
        return answer(200, [self._shown(one) for one in found])

    def _create(self, wanted: dict[str, Any]) -> Answer:
        ticket = {
            "id": len(self.tickets) + 1,
            "status": {"id": 1},
            "urgency": 3,
            "category": None,
            "team": [],
            "is_deleted": False,
            "date_mod": "2026-11-23 00:00:00",
            "followups": [],
        }
        self._change(ticket, wanted)
        self.put_up(ticket)
        return answer(201, {"id": ticket["id"], "href": f"/Assistance/Ticket/{ticket['id']}"})

    def _change(self, ticket: dict[str, Any], wanted: dict[str, Any]) -> None:
        for name, value in wanted.items():
            if name == "urgency" and "severity" not in self.known:
                continue  # as where a template of tickets holds it fast
            ticket[name] = None if value == {"id": 0} else value

    def _ticket(self, method: str, rest: list[str], ticket: dict[str, Any], request: Received) -> Answer:
        match method, rest:
            case "GET", []:
                return answer(200, self._shown(ticket))
            case "GET", _:
                return answer(200, [{"type": "Followup", "item": one} for one in ticket["followups"]])
            case "POST", _:
                said = {"content": request.json["content"], "is_private": request.json.get("is_private", False)}
                ticket["followups"].append({"id": len(ticket["followups"]) + 1, **said})
                return answer(201, {"id": len(ticket["followups"])})
        self._change(ticket, request.json)
        return answer(200, self._shown(ticket))

    @staticmethod
    def _shown(ticket: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in ticket.items() if name != "followups"}

    def _seen(self, ticket: dict[str, Any]) -> TicketThere:
        category = CATEGORIES[(ticket["category"] or {"id": 0})["id"]]
        fields = {"category": category, "severity": URGENCIES[ticket["urgency"]]}
        return TicketThere(
            number=self.number(ticket),
            title=ticket["name"],
            text=ticket["content"],
            text_internal=True,  # nobody is its requester
            fields={name: value for name, value in fields.items() if value},
            notes=[NoteThere(one["content"], one["is_private"]) for one in ticket["followups"]],
            closed=ticket["status"]["id"] in {5, 6},
        )
