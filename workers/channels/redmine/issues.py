"""The calls to Redmine that we make, and what is believed of its answers.

Redmine ignores what it does not know: a field in a create or change, a filter in a search. So each hit is verified,
and each change read back. A read that fails leaves nothing in doubt; a write may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from router.channels import redmine
from router.errors import TryLater
from router.model import Payload
from router.secretrefs import secret
from workers.channels.base import Surroundings
from workers.channels.replies import Reply
from workers.channels.ticketing.system import Ticket
from workers.channels.transport import Transport

PAGES: Final = 20
"""Pages of issues that changed which one poll reads."""
WITH: Final = "include=journals,allowed_statuses"
TAKING: Final = frozenset({"status_id", "assigned_to_id"})
"""Attributes that a person changes who takes an issue."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of an issue's history."""

    who: str
    notes: str
    private: bool
    changed: Mapping[str, str]
    """The attributes that it changed, and what they were before."""


class RedmineIssues:
    """One Redmine, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(self, settings: redmine.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._transport = Transport(settings, surroundings.scope)
        self._projects: dict[str, int] = {}

    def desk(self, until: float) -> int:
        """Return the number of the project that issues are made in."""
        return self.project(self._settings.project, until)

    def project(self, name: str, until: float) -> int:
        """Return the project's number; asked for once."""
        if name not in self._projects:
            shown = self.object(f"/projects/{quote(name, safe='')}", "project", until)
            self._projects[name] = _number(shown)
        return self._projects[name]

    def find(self, reference: str, until: float) -> list[Ticket]:
        """Return the case's issues that were made in the project, each verified: open ones first, the oldest first.

        Raises TryLater `odd_reply` when the search was not one for the reference, and shows only a part of what is
        there: what it does not show may be the case's.
        """
        answer = self.search(redmine.find_query(self._settings, reference), until)
        hits = [issue for issue in issues_in(answer) if redmine.is_of(self._settings, reference, issue)]
        if len(hits) < len(issues_in(answer)) < _total(answer):
            raise TryLater("odd_reply")
        desk = str(self.desk(until))
        read = [self.read(str(_number(issue)), until) for issue in hits]
        ours = [ticket for ticket in read if _made_in(ticket) == desk]
        return sorted(ours, key=lambda ticket: (ticket.closed, int(ticket.own)))

    def read(self, number: str, until: float) -> Ticket:
        """Return the issue as it is, with its history, and the states that we may give it."""
        if not (number.isascii() and number.isdigit()):
            raise TryLater("http_404")
        issue = self.object(f"/issues/{number}", "issue", until, asked=WITH)
        state = issue.get("status")
        closed = state.get("is_closed") if isinstance(state, dict) else None
        if not isinstance(closed, bool):
            raise TryLater("odd_reply")
        here = _id(issue.get("project")) == str(self.desk(until))
        return Ticket(number, number, closed, here=here, maker=_id(issue.get("author")), shown=issue)

    def create(self, payload: Payload, until: float) -> str:
        """Make an issue and return its number; raises an ambiguous TryLater when Redmine's answer names none."""
        reply = self._write("POST", f"/projects/{self._settings.project}/issues.json", payload, until)
        answer = reply.json()
        issue = answer.get("issue") if isinstance(answer, dict) else None
        number = issue.get("id") if isinstance(issue, dict) else None
        if not isinstance(number, int):
            raise reply.odd()
        return str(number)

    def change(self, number: str, wanted: Payload, until: float) -> Ticket:
        """Ask for a change and return the issue as it is then: Redmine answers 204 whether it did it or not."""
        self._write("PUT", f"/issues/{number}.json", wanted, until)
        return self.read(number, until)

    def changed(self, since: datetime, until: float) -> list[str]:
        """Return the numbers of the issues that our account made in the project and that changed since then."""
        desk, found = self.desk(until), []
        for page in range(PAGES):
            answer = self.search(redmine.changed_query(desk, since, page * redmine.PER_PAGE), until)
            found += [str(_number(issue)) for issue in issues_in(answer)]
            if (page + 1) * redmine.PER_PAGE >= _total(answer):
                break
        return found

    def search(self, query: Mapping[str, str], until: float) -> Mapping[str, Any]:
        """Return what a search for issues shows."""
        return self.object("/issues", "", until, asked=urlencode(query))

    def object(self, path: str, named: str, until: float, *, asked: str = "") -> Mapping[str, Any]:
        """Return what Redmine shows at `path`, of it the part `named`."""
        query = f"?{asked}" if asked else ""
        reply = self._transport.call("GET", f"{path}.json{query}", until=until, headers=self._headers(until))
        answer = reply.json()
        part = answer.get(named) if isinstance(answer, dict) and named else answer
        if not isinstance(part, dict):
            raise reply.odd()
        return part

    def key(self, until: float) -> str:
        """Return our account's key; raises TryLater when it is not where the settings say."""
        return secret(self._settings.key, until=until)

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._transport.wrong_file()

    def _headers(self, until: float) -> dict[str, str]:
        return {"X-Redmine-API-Key": self.key(until)}

    def _write(self, method: str, path: str, payload: Payload, until: float) -> Reply:
        headers = {**self._headers(until), "Content-Type": payload.media_type}
        return self._transport.call(method, path, until=until, headers=headers, body=payload.body)


def history(ticket: Ticket) -> list[Entry]:
    """Return what became of an issue that was read, the oldest first."""
    return [_entry(journal) for journal in objects(ticket.shown, "journals")]


def closing(ticket: Ticket) -> list[int]:
    """Return the numbers of the states that we may close an issue with that was read."""
    return [_number(state) for state in objects(ticket.shown, "allowed_statuses") if state.get("is_closed") is True]


def opening(ticket: Ticket) -> list[int]:
    """Return the numbers of the states that we may open it with."""
    return [_number(state) for state in objects(ticket.shown, "allowed_statuses") if state.get("is_closed") is False]


def project_of(ticket: Ticket) -> str:
    """Return the number of the project that the issue is in."""
    return _id(ticket.shown.get("project"))


def objects(shown: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list that Redmine shows; empty where there is none."""
    listed = shown.get(name)
    return [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]


def issues_in(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what a search for issues showed."""
    if not isinstance(answer.get("issues"), list):
        raise TryLater("odd_reply")
    return objects(answer, "issues")


def _made_in(ticket: Ticket) -> str:
    """Return the number of the project that the issue was made in: where it is, unless somebody moved it."""
    moves = [entry.changed["project_id"] for entry in history(ticket) if "project_id" in entry.changed]
    return next(iter(moves), project_of(ticket))


def _entry(journal: Mapping[str, Any]) -> Entry:
    details = [one for one in objects(journal, "details") if one.get("property") == "attr"]
    return Entry(
        who=_id(journal.get("user")),
        notes=str(journal.get("notes") or ""),
        private=journal.get("private_notes") is True,
        changed={str(one.get("name")): str(one.get("old_value")) for one in details},
    )


def _total(answer: Mapping[str, Any]) -> int:
    total = answer.get("total_count")
    if not isinstance(total, int):
        raise TryLater("odd_reply")
    return total


def _number(shown: Mapping[str, Any]) -> int:
    number = shown.get("id")
    if not isinstance(number, int):
        raise TryLater("odd_reply")
    return number


def _id(shown: Any) -> str:
    """Return the number of what Redmine shows as an object, empty when it shows none."""
    return str(shown.get("id") or "") if isinstance(shown, dict) else ""
