"""TheHive 5, API v1, as its vendor's own description has it. Not TheHive.

Searches by POST; type, source and sourceRef together are unique, and a second alert of them is a 400; a comment that is
marked external leaves the house.
"""

from typing import Any, ClassVar, Final

from tests.loopback import Answer, Received
from tests.standins.shelf import Shelf, no, place
from tests.standins.standin import Call, NoteThere, TicketThere, answer

KEY: Final = "thehive-key"
ORGANISATION: Final = "safeguarding"
ROUTER, OFFICER = "concern-router@thehive.local", "officer@thehive.local"
CLOSED: Final = frozenset({"Ignored", "Duplicate", "FalsePositive"})
_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_ALERT: Final[dict[str, Any]] = {
    "type": {"type": "string", "minLength": 1, "maxLength": 32},
    "source": {"type": "string", "minLength": 1, "maxLength": 32},
    "sourceRef": {"type": "string", "minLength": 1, "maxLength": 128},
    "title": {"type": "string", "minLength": 1, "maxLength": 512},
    "description": {"type": "string", "minLength": 1},
    "severity": {"enum": [1, 2, 3, 4]},
    "tlp": {"enum": [0, 1, 2, 3, 4]},
    "pap": {"enum": [0, 1, 2, 3]},
    "tags": {"type": "array", "items": _TEXT},
    "customFields": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    "status": {"enum": ["New", "InProgress", *sorted(CLOSED)]},
}
_QUERY: Final = {
    "type": "object",
    "properties": {
        "query": {"type": "array", "items": {"type": "object", "required": ["_name"]}, "minItems": 1},
    },
    "required": ["query"],
    "additionalProperties": False,
}
_COMMENT: Final = {"message": _TEXT, "external": {"type": "boolean"}}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


class StandInTheHive(Shelf):
    """One organisation."""

    FIELDS = {"category": "concern-category", "severity": "concern-severity"}  # noqa: RUF012 - as the base has it
    CALLS: ClassVar = (
        Call("GET", "/api/v1/customField"),
        Call("GET", "/api/v1/alert/~[0-9]+"),
        Call("POST", "/api/v1/query", _QUERY),
        Call("POST", "/api/v1/alert", _body(_ALERT, "type", "source", "sourceRef", "title", "description")),
        Call("PATCH", "/api/v1/alert/~[0-9]+", _body(_ALERT)),
        Call("POST", "/api/v1/alert/~[0-9]+/comment", _body(_COMMENT, "message")),
    )

    def there(self) -> list[TicketThere]:
        return [self._seen(one) for one in self.tickets]

    def take(self, number: str) -> None:
        self.really(number)["assignee"] = OFFICER

    def resolve(self, number: str) -> None:
        self.really(number)["status"] = "FalsePositive"

    def copy(self, number: str) -> str:
        """Make one that TheHive itself would refuse: as where two of its nodes were apart."""
        like = self.really(number)
        more = {"_id": self._next(), "status": "New", "comments": []}
        return self.number(self.put_up({**like, **more}))

    @staticmethod
    def number(ticket: Any) -> str:
        return str(ticket["_id"])

    def writes(self, request: Received) -> bool:
        return super().writes(request) and place(request)[-1] != "query"

    def authorised(self, request: Received) -> bool:
        known = (f"Bearer {KEY}", ORGANISATION)
        return (
            self.open_to_us and (request.headers.get("authorization"), request.headers.get("x-organisation")) == known
        )

    def act(self, request: Received) -> Answer:
        match request.method, place(request)[2:]:
            case "GET", ["customField"]:
                return answer(200, [{"name": self.FIELDS[name]} for name in sorted(self.known)])
            case "POST", ["query"]:
                return self._query(request.json["query"])
            case "POST", ["alert"]:
                return self._create(request.json)
            case method, ["alert", number, *rest]:
                ticket = self.of(number)
                return no() if ticket is None else self._alert(method, rest, ticket, request)
        return no()

    def _query(self, steps: list[dict[str, Any]]) -> Answer:
        if steps[0]["_name"] == "getAlert":
            ticket = self.of(steps[0]["idOrName"])
            return no() if ticket is None else answer(200, ticket["comments"])
        wanted = {step["_eq"]["_field"]: step["_eq"]["_value"] for step in steps if "_eq" in step}
        if "sourceRef" in wanted:
            found = self.searched(lambda t: all(t[name] == value for name, value in wanted.items()))
        else:
            since = next(step["_gte"]["_value"] for step in steps if "_gte" in step)
            assert isinstance(since, int)
            found = [one for one in self.tickets if one["_updatedAt"] >= since]
        return answer(200, [self._shown(one) for one in found])

    def _next(self) -> str:
        return f"~{4096 * (len(self.tickets) + 1)}"

    def _create(self, wanted: dict[str, Any]) -> Answer:
        same = [one for one in self.tickets if all(one[k] == wanted[k] for k in ("type", "source", "sourceRef"))]
        if same or not self._fields_known(wanted):
            return no(400)
        alert = {
            "_id": self._next(),
            "_createdBy": ROUTER,
            "status": "New",
            "comments": [],
            "_updatedAt": 1795392000000,
        }
        return answer(201, self._shown(self.put_up({**alert, "customFields": {}, **wanted})))

    def _fields_known(self, wanted: dict[str, Any]) -> bool:
        return set(wanted.get("customFields", {})) <= {self.FIELDS[name] for name in self.known}

    def _alert(self, method: str, rest: list[str], ticket: dict[str, Any], request: Received) -> Answer:
        if method == "GET":
            return answer(200, self._shown(ticket))
        if rest:
            external = request.json.get("external", False)
            comment = {"_id": "~1", "createdBy": ROUTER, "message": request.json["message"], "external": external}
            ticket["comments"].append(comment)
            return answer(201, comment)
        if not self._fields_known(request.json):
            return no(400)
        fields = ticket["customFields"] | request.json.get("customFields", {})
        ticket.update(request.json | {"customFields": fields})
        return Answer(204, b"")

    @staticmethod
    def _shown(ticket: dict[str, Any]) -> dict[str, Any]:
        """Custom fields are put in by name and shown as a list; the stage follows from status and assignee."""
        fields = [{"name": name, "value": value, "type": "string"} for name, value in ticket["customFields"].items()]
        stage = "Closed" if ticket["status"] in CLOSED else "InProgress" if ticket["status"] == "InProgress" else "New"
        return {**{k: v for k, v in ticket.items() if k != "comments"}, "customFields": fields, "stage": stage}

    def _seen(self, ticket: dict[str, Any]) -> TicketThere:
        return TicketThere(
            number=self.number(ticket),
            title=ticket["title"],
            text=ticket["description"],
            text_internal=True,  # there is no portal
            fields=self.named(ticket["customFields"]),
            notes=[NoteThere(one["message"], not one["external"]) for one in ticket["comments"]],
            closed=ticket["status"] in CLOSED,
        )
