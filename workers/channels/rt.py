"""Puts one ticket for a case into a queue of Request Tracker 5 (REST 2.0), and what comes later into that ticket.

Looks the case up first and verifies each hit; reads back what was made and compares, because RT
answers 201 and drops what it does not know, and 200 to what it did not do. Never sets a requestor,
never writes what RT would mail to one, never repeats what RT said.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from router.channels import rt
from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Referral, Seen
from router.vocabulary import Notice
from workers.channels.base import Surroundings
from workers.channels.secretrefs import secret
from workers.channels.transport import Transport

CLOSED: Final = frozenset({"resolved", "rejected", "deleted"})
"""RT's own words for tickets that nobody works on any more."""
SPOKEN: Final = frozenset({"Comment", "Create"})
"""Transactions that say something to staff; `Correspond` would be mail."""
NOTHING_THERE: Final = "nothing_there"
"""The code of a withdrawal that finds no ticket: none was made, or staff merged or deleted it, or hid it from us."""
LOOK_AGAIN_S: Final = 120.0
"""A ticket that RT was asked for just before may appear until then."""
WITHDRAWN: Final = ("rejected", "resolved")
"""What a withdrawn ticket becomes: the first of these that its queue knows."""
PER_PAGE: Final = "100"


class RtSender:
    """One queue: what was made in it is ours, wherever staff put it since."""

    def __init__(self, settings: rt.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._transport = Transport(settings, surroundings.scope)
        self._queues: dict[str, str] = {}

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Find or create the ticket, read it back and return its number; say in it what came later.

        A ticket that staff moved to another queue is still the one made here. Several tickets of the
        case made in this queue: the lowest open one counts, and the proof says `doubled`. Raises
        Declined `field_dropped` when RT does not show what was sent; the ticket is there then, and
        incomplete. Raises Declined NOTHING_THERE when a second look found no ticket to withdraw either.
        """
        until = monotonic() + deadline_s
        queue = self._queue(self._settings.queue, until)
        hits = self._find(leased.fields.reference, queue, until)
        if leased.fields.notice is Notice.RECALLED:
            if not hits:
                raise _nothing_there(leased)
            return self._withdraw(hits, leased.fields, payload, until)
        if hits and rt.is_comment(leased.fields):
            repeated = self._comment(hits[0], leased.fields, payload, until)
            return Proof(str(hits[0]), repeated=repeated, doubled=len(hits) > 1)
        first = rt.ticket(self._settings, leased.fields) if rt.is_comment(leased.fields) else payload
        number = hits[0] if hits else self._create(first, until)
        ticket = self._object(self._call("GET", f"/ticket/{number}", until))
        here = _queue_of(ticket) == queue
        if not (here or hits):
            raise Declined("wrong_queue")
        # Another queue need not have our fields; that the reference is there was seen.
        if here and rt.reads_back(first, ticket):
            raise Declined("field_dropped")
        if not hits and ticket.get("Status") in {None, "", *CLOSED}:
            raise Declined("not_open")
        return Proof(str(number), repeated=bool(hits), doubled=len(hits) > 1)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:  # noqa: ARG002 - the contract
        """Return why the channel cannot be used as configured."""
        return ()

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what was shown when it was sent."""
        return Seen(leased.remote_id)

    def _comment(self, number: int, referral: Referral, payload: Payload, until: float) -> bool:
        """Say it in the ticket, where only staff can read it, unless it was said; return whether it was."""
        if self._said(number, referral, until):
            return True
        self._call("POST", f"/ticket/{number}/comment", until, payload)
        if not self._said(number, referral, until):
            raise Declined("comment_dropped")
        return False

    def _said(self, number: int, referral: Referral, until: float) -> bool:
        query = rt.said_query(number, referral)
        items = self._items("transactions", until, query=query, fields="ObjectId,Type")
        return any(_number(item, "ObjectId") == number and item.get("Type") in SPOKEN for item in items)

    def _withdraw(self, hits: list[int], referral: Referral, payload: Payload, until: float) -> Proof:
        """Say it in each ticket, empty its fields, close it, put it apart; several are no accident to tell of here."""
        repeated = [self._withdraw_one(number, referral, payload, until) for number in hits]
        return Proof(str(hits[0]), repeated=all(repeated))

    def _withdraw_one(self, number: int, referral: Referral, payload: Payload, until: float) -> bool:
        """Do it to one ticket and read back; raises Declined `not_withdrawn` when RT left something of it undone."""
        repeated = self._comment(number, referral, payload, until)
        ticket = self._object(self._call("GET", f"/ticket/{number}", until))
        if rt.still_filled(self._settings, ticket):
            ticket = self._change(number, {"CustomFields": dict(rt.withdrawal(self._settings))}, until)
        emptied = not rt.still_filled(self._settings, ticket)
        for status in WITHDRAWN:
            if ticket.get("Status") not in CLOSED:
                ticket = self._change(number, {"Status": status}, until)
        apart = True
        if self._settings.recall_queue is not None:
            # Last: once it is there, we may be among those who cannot see it.
            wanted = self._queue(self._settings.recall_queue, until)
            if _queue_of(ticket) != wanted:
                ticket = self._change(number, {"Queue": self._settings.recall_queue}, until)
            apart = _queue_of(ticket) == wanted
        if not (emptied and apart and ticket.get("Status") in CLOSED):
            raise Declined("not_withdrawn")
        return repeated

    def _change(self, number: int, wanted: Mapping[str, Any], until: float) -> Mapping[str, Any]:
        """Ask for a change and return the ticket as it is then: RT answers 200 whether it did it or not."""
        self._call("PUT", f"/ticket/{number}", until, Payload(orjson.dumps(wanted), "application/json"))
        return self._object(self._call("GET", f"/ticket/{number}", until))

    def _queue(self, name: str, until: float) -> str:
        """Return the queue's number; asked for once."""
        if name not in self._queues:
            found = self._object(self._call("GET", f"/queue/{quote(name, safe='')}", until))
            if not found.get("id"):
                raise TryLater("odd_reply")
            self._queues[name] = str(found["id"])
        return self._queues[name]

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
        headers = {"Authorization": f"token {secret(self._settings.token, until=until)}"}
        if payload is not None:
            headers["Content-Type"] = payload.media_type
        body = payload.body if payload is not None else None
        return self._transport.call(method, f"/REST/2.0{path}", until=until, headers=headers, body=body).json()

    @staticmethod
    def _object(answer: Any) -> Mapping[str, Any]:
        if not isinstance(answer, dict):
            raise TryLater("odd_reply")
        return answer


def _nothing_there(leased: LeasedReferral) -> TryLater | Declined:
    """Return what to raise: that nobody found what was sent is not for us to be content with."""
    return Declined(NOTHING_THERE) if leased.attempts > 1 else TryLater(NOTHING_THERE, retry_after_s=LOOK_AGAIN_S)


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
