"""The calls to Jira that we make, and what is believed of its answers.

Its search shows what was made late and finds text by words, so each hit is verified; a request that was moved to
another project has another key, and shows in its history where it was made.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from router.channels import jira_service_management as jira
from router.errors import Declined, TryLater
from router.model import Payload
from workers.channels.base import Surroundings
from workers.channels.signin import authorization
from workers.channels.ticketing.calls import JsonCalls, as_object, not_hidden, objects
from workers.channels.ticketing.system import Ticket

PLATFORM: Final = "/rest/api/3"
DESK: Final = "/rest/servicedeskapi"
HITS: Final = 50
PER_PAGE: Final = 100
PAGES: Final = 10
"""Of a listing that are read; what comes after is not looked at."""
_KEY: Final = re.compile(r"[A-Za-z0-9_]{1,64}-[0-9]{1,18}")
"""It is kept in the ledger and becomes part of addresses, so no other text is taken for one."""


class JiraRequests:
    """One service desk, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(self, settings: jira.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self.calls = JsonCalls(settings, surroundings, lambda until: authorization(settings, until))
        self._project = ""

    def project(self, until: float) -> str:
        """Return the key of the service desk's project; asked for once."""
        if not self._project:
            self._project = str(self.calls.get(self.desk_path, until).get("projectKey") or "")
            if not self._project.isalnum() and not self._project.replace("_", "").isalnum():
                raise TryLater("odd_reply")
        return self._project

    @property
    def desk_path(self) -> str:
        """Where the service desk is shown."""
        return f"{DESK}/servicedesk/{self._settings.service_desk}"

    def find(self, reference: str, until: float) -> list[Ticket]:
        """Return the case's requests that were made in the service desk, each verified: open ones first."""
        project = self.project(until)
        found = self.calls.get(
            f"{PLATFORM}/search/jql",
            until,
            jql=jira.find_query(self._settings, reference),
            fields=",".join(jira.asked(self._settings)),
            expand="changelog",
            maxResults=HITS,
        )
        field = self._settings.custom_fields["reference"]
        shown = objects(found.get("issues"))
        hits = [hit for hit in shown if _fields(hit).get(field) == reference]
        # Jira may show fewer than are asked for, and then says where it goes on.
        not_hidden(shown, hits, 0 if found.get("nextPageToken") else HITS)
        ours = [_ticket(hit, project) for hit in hits if _made_in(hit) == project]
        return sorted(ours, key=lambda ticket: (ticket.closed, int(str(ticket.shown.get("id")))))

    def read(self, key: str, until: float) -> Ticket:
        """Return the request; one that was moved to another project is shown under its new key."""
        fields = ",".join(jira.asked(self._settings))
        return _ticket(self.calls.get(_issue(key), until, fields=fields), self.project(until))

    def raise_request(self, request: Mapping[str, Any], until: float) -> str:
        """Make a request and return its key; raises an ambiguous TryLater when the answer names none."""
        reply = self.calls.write("POST", f"{DESK}/request", request, until)
        key = as_object(reply).get("issueKey")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise reply.odd()
        return key

    def edit(self, key: str, fields: Mapping[str, Any], until: float) -> None:
        """Set fields; nobody is mailed where our account may say so."""
        self.calls.write("PUT", f"{_issue(key)}?notifyUsers=false", {"fields": dict(fields)}, until)

    def comment(self, key: str, body: Mapping[str, Any], until: float) -> None:
        """Say it where only staff can read it; raises Declined `note_public` when it is shown to others all the same.

        Jira's other call for comments makes public ones.
        """
        said = as_object(self.calls.write("POST", f"{DESK}/request/{quote(key, safe='')}/comment", body, until))
        if said.get("public") is not False:
            raise Declined("note_public")

    def comments(self, key: str, until: float) -> Iterator[Mapping[str, Any]]:
        """Yield what was said in the request, the oldest first."""
        return self._pages(f"{DESK}/request/{quote(key, safe='')}/comment", "start", "limit", "isLastPage", until)

    def changes(self, key: str, until: float) -> Iterator[Mapping[str, Any]]:
        """Yield what was changed in the request, the oldest first."""
        return self._pages(f"{_issue(key)}/changelog", "startAt", "maxResults", "isLast", until)

    def move_on(self, key: str, *, done: bool, until: float) -> None:
        """Close the request, or open it, if its state offers a way; which ones there are differs by state."""
        path = f"{_issue(key)}/transitions"
        offered = objects(self.calls.get(path, until, expand="transitions.fields").get("transitions"))
        step = jira.step(self._settings, offered, done=done)
        if step is not None:
            self.calls.write("POST", path, step, until)

    def changed(self, jql: str, until: float) -> list[str]:
        """Return the keys that the query finds, page by page."""
        keys: list[str] = []
        more: dict[str, str] = {}
        for _ in range(PAGES):
            page = self.calls.get(
                f"{PLATFORM}/search/jql", until, jql=jql, fields="status", maxResults=PER_PAGE, **more
            )
            keys += [str(issue.get("key")) for issue in objects(page.get("issues"))]
            token = page.get("nextPageToken")
            if not isinstance(token, str):
                break
            more = {"nextPageToken": token}
        return keys

    def _pages(self, path: str, at: str, size: str, last: str, until: float) -> Iterator[Mapping[str, Any]]:
        start = 0
        for _ in range(PAGES):
            page = self.calls.get(path, until, **{at: start, size: PER_PAGE})
            values = objects(page.get("values"))
            yield from values
            start += len(values)
            if page.get(last) is not False or not values:
                return


def first_line(payload: Payload) -> str:
    """Return the title of the first comment of what makes a request."""
    return title_of(jira.parts(payload).comment)


def title_of(comment: Mapping[str, Any]) -> str:
    """Return a comment's first line."""
    return str(comment.get("body") or "").strip().partition("\n")[0].strip()


def account_of(shown: Any) -> str:
    """Return the id of an account, as Jira shows one."""
    return str(shown.get("accountId") or "") if isinstance(shown, dict) else ""


def _issue(key: str) -> str:
    return f"{PLATFORM}/issue/{quote(key, safe='')}"


def _ticket(issue: Mapping[str, Any], project: str) -> Ticket:
    key, number = str(issue.get("key") or ""), str(issue.get("id") or "")
    fields = _fields(issue)
    status = _object(fields.get("status"))
    if not _KEY.fullmatch(key) or not (number.isascii() and number.isdigit()) or not status:
        raise TryLater("odd_reply")
    return Ticket(
        own=key,
        id=key,
        closed=_object(status.get("statusCategory")).get("key") == jira.DONE,
        here=key.rpartition("-")[0] == project,
        maker=account_of(fields.get("creator")),
        shown={"id": number, **fields},
    )


def _made_in(issue: Mapping[str, Any]) -> str:
    """Return the key of the project that the request was made in: where it is, unless somebody moved it."""
    histories = _object(issue.get("changelog")).get("histories")
    moves = [
        (str(history.get("created")), str(item.get("fromString")))
        for history in (objects(histories) if histories else ())
        for item in _items(history)
        if item.get("field") == "Key"
    ]
    first = min(moves)[1] if moves else str(issue.get("key"))
    return first.rpartition("-")[0]


def _items(history: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return objects(history.get("items") or [])


def items_changed(history: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the fields that a change touched."""
    return frozenset(str(item.get("field")) for item in _items(history))


def _fields(issue: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(issue.get("fields"))


def _object(shown: Any) -> Mapping[str, Any]:
    return shown if isinstance(shown, dict) else {}
