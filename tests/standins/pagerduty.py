"""PagerDuty's Events API v2 as documented: 202, one incident for a key while it is open, 400 for a key it lacks."""

from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator

from tests.loopback import Answer, Loopback, Received
from tests.standins.standin import answer

ROUTING_KEY: Final = "0123456789abcdefABCDEF0123456789"
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 1024}
_PAYLOAD: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["summary", "source", "severity"],
    "properties": {
        "summary": _TEXT,
        "source": _TEXT,
        "severity": {"enum": ["critical", "error", "warning", "info"]},
        "custom_details": {"type": "object"},
    },
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["routing_key", "event_action", "dedup_key"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "payload": _PAYLOAD,
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
}


@dataclass
class Incident:
    """What rang."""

    key: str
    is_open: bool = True


class PagerdutyStandIn(Loopback):
    """One service with one integration."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents: list[Incident] = []
        self.broken: list[str] = []
        self.limited = 0
        self.lose = 0
        self.instead: Answer | None = None
        """What is answered in place of PagerDuty's own yes."""
        self._known = True

    def forget_account(self) -> None:
        self._known = False

    def reply(self, request: Received) -> Answer:
        if self.limited:
            self.limited -= 1
            return Answer(429, b"", {"Retry-After": "7"})
        fits = (request.method, request.path) == ("POST", "/v2/enqueue")
        if not fits or not Draft202012Validator(SCHEMA).is_valid(request.json):
            self.broken.append(f"{request.method} {request.path}")
            return answer(400, {"status": "invalid event"})
        event = request.json
        if not self._known or event["routing_key"] != ROUTING_KEY:
            return answer(400, {"status": "invalid event", "errors": ["Invalid routing key"]})
        return self._take(event)

    def _take(self, event: dict[str, Any]) -> Answer:
        known = [one for one in self.incidents if one.is_open and one.key == event["dedup_key"]]
        if event["event_action"] == "resolve":
            for one in known:
                one.is_open = False
        elif not known:
            self.incidents.append(Incident(event["dedup_key"]))
        lost, self.lose = self.lose > 0, max(0, self.lose - 1)
        said = self.instead or answer(202, {"status": "success", "dedup_key": event["dedup_key"]})
        return Answer(said.status, said.body, said.headers, cut=lost)
