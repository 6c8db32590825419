"""The calls to Request Tracker that we make, and what is believed of its answers.

RT answers 201 and drops what it does not know, 200 to what it did not do, and shows more than was asked for:
so each hit is verified and each change read back. A read that fails leaves nothing in doubt; a write may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from router.channels import rt
from router.errors import TryLater
from router.model import Payload
from router.secretrefs import secret
from workers.channels.base import Surroundings
from workers.channels.replies import Reply
from workers.channels.ticketing.system import Ticket
from workers.channels.transport import Transport

CLOSED: Final = frozenset({"resolved", "rejected", "deleted"})
"""RT's own words for tickets that nobody works on any more."""
DELETED: Final = "deleted"
NOBODY: Final = "Nobody"
"""Who owns a ticket that nobody took."""
SPOKEN: Final = frozenset({"Comment", "Create"})
"""Transactions that say something to staff; `Correspond` would be mail."""
SHOWN: Final = "Status,Queue,CustomFields,Creator,Owner,EffectiveId"
PER_PAGE: Final = 100
REST: Final = "/REST/2.0"


@dataclass(frozen=True, slots=True)
class Doing:
    """A change of a ticket's status, or something said in it."""

    ticket: str
    what: str
    who: str


class RtTickets:
    """One RT, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(self, settings: rt.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._transport = Transport(settings, surroundings.scope)
        self._queues: dict[str, str] = {}

    def desk(self, until: float) -> str:
        """Return the number of the queue that tickets are made in."""
        return self.queue(self._settings.queue, until)

    def queue(self, name: str, until: float) -> str:
        """Return the queue's number; asked for once."""
        if name not in self._queues:
            found = self.object(f"/queue/{quote(name, safe='')}", until)
            if not found.get("id"):
                raise TryLater("odd_reply")
            self._queues[name] = str(found["id"])
        return self._queues[name]

    def find(self, reference: str, until: float) -> list[Ticket]:
        """Return the case's tickets that were made in the queue, each verified: open ones first, merged ones last."""
        desk = self.desk(until)
        items = self.items("tickets", until, query=rt.find_query(self._settings, reference), fields=SHOWN)
        field = self._settings.custom_fields["reference"]
        shown = [_ticket(item, desk) for item in items if rt.is_of(field, reference, item)]
        made_in = self._made_in(shown, until) if shown else {}
        ours = [ticket for ticket in shown if made_in[ticket.own] == desk]
        return sorted(ours, key=lambda ticket: (ticket.merged, ticket.closed, int(ticket.own)))

    def _made_in(self, tickets: Sequence[Ticket], until: float) -> dict[str, str | None]:
        """Return the queue that each ticket was made in: where it is, unless somebody moved it."""
        query = rt.moves_query(ticket.own for ticket in tickets)
        moves = self.items("transactions", until, query=query, fields="ObjectId,OldValue", orderby="id", order="ASC")
        first = {_number(move, "ObjectId"): str(move.get("OldValue")) for move in reversed(moves)}
        return {ticket.own: first.get(ticket.own, queue_of(ticket)) for ticket in tickets}

    def read(self, number: str, until: float) -> Ticket:
        """Return the ticket; of a merged one RT shows the one that it was merged into, under that one's number."""
        if not _is_number(number):
            raise TryLater("http_404")
        return _ticket(self.object(f"/ticket/{number}", until), self.desk(until), asked=number)

    def create(self, payload: Payload, until: float) -> str:
        """Make a ticket and return its number; raises an ambiguous TryLater when RT's answer names none."""
        reply = self._write("POST", "/ticket", payload, until)
        number = str(_object(reply).get("id", ""))
        if not _is_number(number):
            raise reply.odd()
        return number

    def change(self, number: str, wanted: Mapping[str, Any], until: float) -> Ticket:
        """Ask for a change and return the ticket as it is then: RT answers 200 whether it did it or not."""
        self._write("PUT", f"/ticket/{number}", Payload(orjson.dumps(wanted), "application/json"), until)
        return self.read(number, until)

    def comment(self, number: str, payload: Payload, until: float) -> None:
        """Say it in the ticket, where only staff can read it."""
        self._write("POST", f"/ticket/{number}/comment", payload, until)

    def said(self, number: str, subject: str, until: float) -> bool:
        """Say whether something with this subject, one of ours, was said in the ticket."""
        items = self.items("transactions", until, query=rt.said_query(number, subject), fields="ObjectId,Type")
        return any(_number(item, "ObjectId") == number and item.get("Type") in SPOKEN for item in items)

    def doings(self, number: str, until: float) -> list[Doing]:
        """Return the changes of the ticket's status, and what was said in it: the latest PER_PAGE, if more."""
        query, fields = rt.doings_query(number), "ObjectId,Type,Creator"
        items = self.items("transactions", until, query=query, fields=fields, orderby="id", order="DESC")
        return [Doing(_number(item, "ObjectId"), str(item.get("Type")), _plain(item.get("Creator"))) for item in items]

    def items(self, of: str, until: float, *, per_page: int = PER_PAGE, **asked: str) -> list[Mapping[str, Any]]:
        """Return what a search finds."""
        items = self.object(f"/{of}?{urlencode({**asked, 'per_page': per_page})}", until).get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise TryLater("odd_reply")
        return items

    def object(self, path: str, until: float) -> Mapping[str, Any]:
        """Return what RT shows at `path`."""
        return _object(self._transport.call("GET", f"{REST}{path}", until=until, headers=self._headers(until)))

    def _write(self, method: str, path: str, payload: Payload, until: float) -> Reply:
        """Return RT's answer, which says little of whether it did it."""
        headers = {**self._headers(until), "Content-Type": payload.media_type}
        return self._transport.call(method, f"{REST}{path}", until=until, headers=headers, body=payload.body)

    def _headers(self, until: float) -> dict[str, str]:
        return {"Authorization": f"token {self.token(until)}"}

    def token(self, until: float) -> str:
        """Return our account's token; raises TryLater when it is not where the settings say."""
        return secret(self._settings.token, until=until)

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._transport.wrong_file()


def _object(reply: Reply) -> Mapping[str, Any]:
    answer = reply.json()
    if not isinstance(answer, dict):
        raise reply.odd()
    return answer


def queue_of(ticket: Ticket) -> str | None:
    """Return the number of the queue that the ticket is in, None when RT does not show it."""
    return _plain(ticket.shown.get("Queue")) or None


def _ticket(shown: Mapping[str, Any], desk: str, *, asked: str | None = None) -> Ticket:
    """Return a hit of a search, or what a read of the number `asked` showed."""
    number = _number(shown)
    merged_into = _plain(shown.get("EffectiveId"))
    status, maker = str(shown.get("Status") or ""), _plain(shown.get("Creator"))
    return Ticket(
        own=number if asked is None else asked,
        id=merged_into if _is_number(merged_into) else number,
        closed=status in CLOSED,
        here=_plain(shown.get("Queue")) == desk,
        gone=status in {"", DELETED},
        taken=_plain(shown.get("Owner")) not in {"", NOBODY, maker},
        maker=maker,
        shown=shown,
    )


def _number(shown: Mapping[str, Any], name: str = "id") -> str:
    """Return a ticket's number: text in a search and after a create, a number in a read."""
    number = str(shown.get(name, ""))
    if not _is_number(number):
        raise TryLater("odd_reply")
    return number


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _plain(shown: Any) -> str:
    """Return the id of what RT shows as an object, or the text that it shows instead."""
    return str(shown.get("id", "") if isinstance(shown, dict) else shown or "")
