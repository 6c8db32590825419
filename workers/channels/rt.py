"""Puts one ticket for a case into a queue of Request Tracker 5 (REST 2.0).

Looks the case up first and verifies each hit; reads back what was made and compares, because RT
answers 201 and drops what it does not know. Never sets a requestor, never repeats what RT said.
"""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import quote, urlencode

from router.channels import rt
from router.errors import Declined, TryLater
from router.model import LeasedReferral, Payload, Proof
from workers.channels.transport import Transport, secret

CLOSED: Final = frozenset({"resolved", "rejected", "deleted"})
"""RT's own words for tickets that nobody works on any more."""
PER_PAGE: Final = "100"


class RtSender:
    """One queue: what was made in it is ours, wherever staff put it since."""

    def __init__(self, settings: rt.Settings, *, state_dir: Path) -> None:  # noqa: ARG002 - the registry's contract
        self._settings = settings
        self._transport = Transport(settings.url)
        self._queue_id: str | None = None

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Find or create the ticket, read it back and return its number.

        A ticket that staff moved to another queue is still the one made here. Several tickets of the
        case made in this queue: the lowest open one counts, and the proof says `doubled`. Raises
        Declined `field_dropped` when RT does not show what was sent; the ticket is there then, and
        incomplete.
        """
        until = monotonic() + deadline_s
        queue = self._queue(until)
        hits = self._find(leased.fields.reference, queue, until)
        number = hits[0] if hits else self._create(payload, until)
        ticket = self._object(self._call("GET", f"/ticket/{number}", until))
        here = _queue_of(ticket) == queue
        if not (here or hits):
            raise Declined("wrong_queue")
        # Another queue need not have our fields; that the reference is there was seen.
        if here and rt.reads_back(payload, ticket):
            raise Declined("field_dropped")
        if not hits and ticket.get("Status") in {None, "", *CLOSED}:
            raise Declined("not_open")
        return Proof(str(number), repeated=bool(hits), doubled=len(hits) > 1)

    def _queue(self, until: float) -> str:
        """Return the queue's number; asked for once."""
        if self._queue_id is None:
            found = self._object(self._call("GET", f"/queue/{quote(self._settings.queue, safe='')}", until))
            self._queue_id = str(found.get("id") or "") or None
        if self._queue_id is None:
            raise TryLater("odd_reply")
        return self._queue_id

    def _find(self, reference: str, queue: str, until: float) -> list[int]:
        """Return the numbers of the case's tickets that were made in the queue, open ones first, each verified."""
        query = rt.find_query(self._settings, reference)
        items = self._items("tickets", until, query=query, fields="Status,Queue,CustomFields")
        field = self._settings.custom_fields["reference"]
        shown = {_number(t): t for t in items if _is_of(t, field, reference)}
        made_in = self._made_in(shown, until) if shown else {}
        ours = [(t.get("Status") in CLOSED, number) for number, t in shown.items() if made_in[number] == queue]
        return [number for _, number in sorted(ours)]

    def _made_in(self, tickets: Mapping[int, Mapping[str, Any]], until: float) -> dict[int, str | None]:
        """Return the queue that each ticket was made in: where it is, unless somebody moved it."""
        query = rt.moves_query(tickets)
        moves = self._items("transactions", until, query=query, fields="ObjectId,OldValue", orderby="id", order="ASC")
        first = {_number(move, "ObjectId"): str(move.get("OldValue")) for move in reversed(moves)}
        return {number: first.get(number, _queue_of(ticket)) for number, ticket in tickets.items()}

    def _items(self, of: str, until: float, **asked: str) -> list[Mapping[str, Any]]:
        answer = self._object(self._call("GET", f"/{of}?{urlencode({**asked, 'per_page': PER_PAGE})}", until))
        items = answer.get("items")
        if not isinstance(items, list):
            raise TryLater("odd_reply")
        return [self._object(item) for item in items]

    def _create(self, payload: Payload, until: float) -> int:
        return _number(self._object(self._call("POST", "/ticket", until, payload)))

    def _call(self, method: str, path: str, until: float, payload: Payload | None = None) -> Any:
        headers = {"Authorization": f"token {secret(self._settings.token)}"}
        if payload is not None:
            headers["Content-Type"] = payload.media_type
        body = payload.body if payload is not None else None
        return self._transport.call(method, f"/REST/2.0{path}", until=until, headers=headers, body=body).json()

    @staticmethod
    def _object(answer: Any) -> Mapping[str, Any]:
        if not isinstance(answer, dict):
            raise TryLater("odd_reply")
        return answer


def _number(shown: Mapping[str, Any], name: str = "id") -> int:
    """Return a ticket's number: text in a search and after a create, a number in a read."""
    number = str(shown.get(name, ""))
    if not (number.isascii() and number.isdigit()):
        raise TryLater("odd_reply")
    return int(number)


def _queue_of(ticket: Mapping[str, Any]) -> str | None:
    queue = ticket.get("Queue")
    return str(queue.get("id")) if isinstance(queue, dict) else None


def _is_of(ticket: Mapping[str, Any], field: str, reference: str) -> bool:
    """Say whether the ticket itself shows the reference, whatever the search took it for."""
    fields = ticket.get("CustomFields")
    return any(
        isinstance(shown, dict) and shown.get("name") == field and shown.get("values") == [reference]
        for shown in (fields if isinstance(fields, list) else [])
    )
