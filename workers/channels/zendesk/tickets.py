"""The calls to Zendesk that we make, and what is believed of its answers.

A read that fails leaves nothing in doubt; a write may, unless it makes a ticket: Zendesk answers the same key with the
same ticket for a few hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from router.channels import zendesk
from router.errors import TryLater
from router.model import Payload
from workers.channels.base import Surroundings
from workers.channels.replies import Reply
from workers.channels.signin import authorization
from workers.channels.ticketing.calls import not_hidden
from workers.channels.ticketing.system import Ticket
from workers.channels.transport import Transport

API: Final = "/api/v2"
FINAL: Final = "closed"
"""The status that Zendesk's automation gives some days after `solved`: such a ticket takes nothing more."""
CLOSED: Final = frozenset({"solved", FINAL, "deleted"})
DELETED: Final = frozenset({"", "deleted"})
PER_PAGE: Final = 100
IDEMPOTENCY_KEY: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Doing:
    """One event of a ticket's history."""

    what: str
    """Zendesk's own word: Create, Change, Comment."""
    field: str
    value: str
    who: str
    by_rule: bool
    """A trigger or automation did it."""


class ZendeskTickets:
    """One Zendesk, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(self, settings: zendesk.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._transport = Transport(settings, surroundings.scope)
        self._me = ""

    def find(self, reference: str, until: float) -> list[Ticket]:
        """Return the tickets that show the reference and were made in our group: open ones first."""
        listed = self.items("tickets", "/tickets", until, external_id=reference)
        hits = [one for one in listed if one.get("external_id") == reference]
        not_hidden(listed, hits, PER_PAGE)
        shown = [self._ticket(one) for one in hits]
        ours = [ticket for ticket in shown if not ticket.gone and self._made_here(ticket, until)]
        return sorted(ours, key=lambda ticket: (ticket.closed, int(ticket.own)))

    def read(self, number: str, until: float) -> Ticket:
        """Return the ticket; raises TryLater `http_404` when there is none."""
        if not _is_number(number):
            raise TryLater("http_404")
        return self._ticket(self.object("ticket", f"/tickets/{number}", until))

    def create(self, payload: Payload, until: float) -> str:
        """Make a ticket and return its number; the same once more for the same ticket."""
        key = {IDEMPOTENCY_KEY: zendesk.idempotency_key(payload)}
        reply = self._write("POST", "/tickets", payload, until, headers=key)
        number = str(_object(reply, "ticket").get("id", ""))
        if not _is_number(number):
            raise reply.odd()
        return number

    def change(self, number: str, payload: Payload, until: float) -> Ticket:
        """Ask for a change and return the ticket as it is then."""
        self._write("PUT", f"/tickets/{number}", payload, until)
        return self.read(number, until)

    def doings(self, number: str, until: float) -> list[Doing]:
        """Return what was done to the ticket, the oldest first: PER_PAGE changes, if more."""
        audits = self.items("audits", f"/tickets/{number}/audits", until)
        return [_doing(audit, event) for audit in audits for event in _dicts(audit.get("events"))]

    def said(self, number: str, title: str, until: float) -> bool:
        """Say whether our account said something with this title in the ticket, where only staff can read it."""
        comments = self.items("comments", f"/tickets/{number}/comments", until, sort="-created_at")
        ours = [one for one in comments if one.get("public") is False and str(one.get("author_id")) == self.me(until)]
        return any(zendesk.first_line(one.get("body")) == title for one in ours)

    def items(self, name: str, path: str, until: float, **asked: str) -> list[Mapping[str, Any]]:
        """Return the first page of a list."""
        query = urlencode({**asked, "page[size]": PER_PAGE}, quote_via=quote)
        return self.listed(name, f"{path}?{query}", until)

    def listed(self, name: str, path: str, until: float) -> list[Mapping[str, Any]]:
        """Return the objects that Zendesk lists under `name`."""
        answer = self._get(path, until).json()
        listed = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise TryLater("odd_reply")
        return listed

    def object(self, name: str, path: str, until: float) -> Mapping[str, Any]:
        """Return what Zendesk shows at `path` under `name`."""
        return _object(self._get(path, until), name)

    def sign_in(self, until: float) -> dict[str, str]:
        """Return the header that signs us in; raises TryLater when the token is not where the settings say."""
        return authorization(self._settings, until)

    def me(self, until: float) -> str:
        """Return our account's number; asked for once."""
        if not self._me:
            self._me = str(self.object("user", "/users/me", until).get("id") or "")
        return self._me

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._transport.wrong_file()

    def _made_here(self, ticket: Ticket, until: float) -> bool:
        """Say whether the ticket was made in our group, wherever it is now."""
        doings = self.doings(ticket.own, until)
        made_in = [doing.value for doing in doings if doing.what == "Create" and doing.field == "group_id"]
        return made_in[0] == str(self._settings.group) if made_in else ticket.here

    def _get(self, path: str, until: float) -> Reply:
        return self._transport.call("GET", f"{API}{path}", until=until, headers=self.sign_in(until))

    def _write(
        self, method: str, path: str, payload: Payload, until: float, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        said = {**self.sign_in(until), "Content-Type": payload.media_type, **(headers or {})}
        return self._transport.call(method, f"{API}{path}", until=until, headers=said, body=payload.body)

    def _ticket(self, shown: Mapping[str, Any]) -> Ticket:
        number, status = str(shown.get("id", "")), str(shown.get("status") or "")
        if not _is_number(number):
            raise TryLater("odd_reply")
        return Ticket(
            own=number,
            id=number,
            closed=status in CLOSED,
            here=shown.get("group_id") == self._settings.group,
            gone=status in DELETED,
            maker=str(shown.get("submitter_id") or ""),
            shown=shown,
        )


def _doing(audit: Mapping[str, Any], event: Mapping[str, Any]) -> Doing:
    via = event.get("via")
    return Doing(
        what=str(event.get("type")),
        field=str(event.get("field_name") or ""),
        value=str(event.get("value") or ""),
        who=str(audit.get("author_id") or ""),
        by_rule=isinstance(via, dict) and via.get("channel") == "rule",
    )


def _object(reply: Reply, name: str) -> Mapping[str, Any]:
    answer = reply.json()
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise reply.odd()
    return found


def _dicts(listed: Any) -> list[Mapping[str, Any]]:
    return [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
