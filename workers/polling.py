"""Asks a ticket system that sends nothing by itself for marked tickets, and files each over our own HTTP.

An ordinary client: it has a token, and sends the door what any client would. Of a ticket it sends on what the source
takes and nothing else, and keeps digests alone of what was filed.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from router.channels.overhttp import OverHttp
from router.configfile.pointers import at
from router.errors import Declined, Refused, TryLater
from router.secretrefs import secret
from router.sources import mapping
from router.sources.file import Poll, Source
from router.vocabulary import Scope
from workers.channels.transport import Transport

REMEMBERED: Final = 10_000
"""Digests of what was filed, the newest: more than a list of marked tickets ever holds."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of the tickets that one answer listed."""

    new: int = 0
    known: int = 0
    refused: tuple[str, ...] = field(default=())
    """For each ticket that does not fit: pointers and codes; nothing of the ticket."""
    later: str = ""
    """Why it ended early; the rest is asked for again."""

    def row(self) -> Mapping[str, Any]:
        """Return it for JSON."""
        return {"filed": self.new, "known": self.known, "refused": list(self.refused), "later": self.later or None}


class Poller:
    """One source."""

    def __init__(self, source: Source, poll: Poll, ours: str, state_dir: Path) -> None:
        """`ours` is the address of our own public part."""
        self._source = source
        self._poll = poll
        self._there = Transport(poll, Scope.INTERNAL)
        self._here = Transport(OverHttp(url=ours.rstrip("/"), ca=poll.ca), Scope.INTERNAL)
        self._kept = state_dir / "sources" / f"{source.name}.json"

    def ask(self, until: float) -> Filed:
        """File what is new, and return what became of it; raises TryLater when nobody could be asked at all."""
        known = self._known()
        new, old, refused, later = 0, 0, [], ""
        for item in self._items(until):
            try:
                message = mapping.take(self._source, item)
            except Refused as error:
                refused.append(", ".join(f"{fault.pointer or fault.field} {fault.code}" for fault in error.faults))
                continue
            if message.key in known:
                old += 1
                continue
            try:
                self._file(mapping.reduced(self._source, item), until)
            except Declined as declined:
                refused.append(declined.code)
                continue
            except TryLater as error:
                later = error.code
                break
            known[message.key] = None
            new += 1
        if new:
            self._keep(list(known))
        return Filed(new, old, tuple(refused), later)

    def _items(self, until: float) -> list[Any]:
        headers = {self._poll.header: f"{self._poll.prefix}{secret(self._poll.secret, until=until)}"}
        reply = self._there.call("GET", self._poll.path, until=until, headers=headers)
        items = at(reply.json(), self._poll.items)
        if not isinstance(items, list):
            raise TryLater("odd_reply")
        return items

    def _file(self, message: object, until: float) -> None:
        token = secret(self._poll.token, until=until)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        path = f"/api/v1/sources/{self._source.name}"
        self._here.call("POST", path, until=until, headers=headers, body=orjson.dumps(message))

    def _known(self) -> dict[str, None]:
        try:
            return dict.fromkeys(orjson.loads(self._kept.read_bytes()))
        except (OSError, orjson.JSONDecodeError, TypeError):
            return {}

    def _keep(self, keys: list[str]) -> None:
        self._kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._kept.with_name(f".{self._kept.name}.{os.getpid()}")
        draft.write_bytes(orjson.dumps(keys[-REMEMBERED:]))
        draft.replace(self._kept)
