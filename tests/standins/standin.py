"""What every stand-in of a ticket system can do beside its own contract: late searches, limits, lost answers.

Each request is held against a JSON Schema of the call, written from the vendor's documents: one that does not fit is
answered 400, and kept in `broken` for the test to find.
"""

import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from tests.loopback import Answer, Loopback, Received


@dataclass
class NoteThere:
    """Something said in a ticket."""

    text: str
    internal: bool
    """Only staff can read it."""


@dataclass
class TicketThere:
    """A ticket as staff over there see it, whatever the system calls its parts."""

    number: str
    title: str
    text: str
    """The first text."""
    text_internal: bool
    """Only staff can read the first text, or the whole ticket."""
    fields: Mapping[str, str]
    """Custom fields by our own field's name, those with a value."""
    notes: list[NoteThere] = field(default_factory=list)
    closed: bool = False
    requester: str | None = None
    """Whom the system would write to; None: nobody but our own account."""


@dataclass(frozen=True)
class Call:
    """A call that the contract knows."""

    method: str
    path: str
    """Regular expression of the path without its query."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema of the body; None: no body."""


class StandIn(Loopback):
    """One ticket system with one desk that our account may use."""

    CALLS: ClassVar[tuple[Call, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []
        """What did not fit the contract: method, path and why."""
        self.search_lag = 0
        """How many searches do not show a new ticket yet."""
        self.limited = 0
        """How many of the next requests are answered 429 with `Retry-After: 7`."""
        self.lose = 0
        """How many of the next writes take effect and are not answered."""
        self.show_all = False
        """A search ignores its filter and shows every ticket."""
        self.foreign = False
        """A search shows tickets of another reference only."""

    # What a test asks and does, whatever the system.

    @abstractmethod
    def there(self) -> list[TicketThere]:
        """Return all tickets, the oldest first."""

    @abstractmethod
    def take(self, number: str) -> None:
        """Let a person of staff take the ticket."""

    @abstractmethod
    def resolve(self, number: str) -> None:
        """Let a person of staff close the ticket."""

    @abstractmethod
    def copy(self, number: str) -> str:
        """Make another ticket like it, by our own account, and return its number: as after a lost answer."""

    @abstractmethod
    def drop_field(self, name: str) -> None:
        """Take the custom field that holds our field `name` away from the system."""

    @abstractmethod
    def forget_account(self) -> None:
        """Accept our account's secret no longer."""

    # What the system does.

    def writes(self, request: Received) -> bool:
        """Say whether the request may change something: some systems are searched by POST."""
        return request.method not in {"GET", "HEAD"}

    @abstractmethod
    def authorised(self, request: Received) -> bool:
        """Say whether the request comes with our account's secret."""

    @abstractmethod
    def act(self, request: Received) -> Answer:
        """Let a request take effect that fits the contract, and answer it."""

    def reply(self, request: Received) -> Answer:
        if self.limited:
            self.limited -= 1
            return Answer(429, b"slow down", {"Retry-After": "7", "Content-Type": "text/plain"})
        if not self.authorised(request):
            return Answer(401, b'{"error":"unauthorised"}')
        wrong = self._wrong(request)
        if wrong is not None:
            self.broken.append(f"{request.method} {urlsplit(request.path).path}: {wrong}")
            return Answer(400, b'{"error":"bad request"}')
        answer = self.act(request)
        if self.lose and self.writes(request) and 200 <= answer.status < 300:
            self.lose -= 1
            return Answer(answer.status, answer.body, answer.headers, cut=True)
        return answer

    def _wrong(self, request: Received) -> str | None:
        """Return why the request does not fit the contract, None when it does."""
        path = urlsplit(request.path).path
        known = [c for c in self.CALLS if c.method == request.method and re.fullmatch(c.path, path)]
        if not known:
            return "no such call"
        schema = known[0].schema
        if schema is None:
            return "a body" if request.body else None
        errors = Draft202012Validator(schema).iter_errors(request.json)
        return next((f"{'/'.join(map(str, error.path))} {error.validator}" for error in errors), None)


def answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer in JSON."""
    return Answer(status, json.dumps(value).encode(), headers or {})
