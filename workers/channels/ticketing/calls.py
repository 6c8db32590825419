"""Calls to a ticket system that speaks JSON: objects in, objects out. Never shows what it said."""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from router.channels.overhttp import OverHttp
from router.errors import TryLater
from workers.channels.base import Surroundings
from workers.channels.replies import Reply
from workers.channels.transport import Transport


class JsonCalls:
    """One service, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(
        self, settings: OverHttp, surroundings: Surroundings, headers: Callable[[float], Mapping[str, str]]
    ) -> None:
        """`headers`: what signs us in, asked for at each call."""
        self._transport = Transport(settings, surroundings.scope)
        self._headers = headers

    def get(self, path: str, until: float, **asked: Any) -> Mapping[str, Any]:
        """Return the object that is shown at `path`."""
        return as_object(self.read(path, until, **asked))

    def read(self, path: str, until: float, **asked: Any) -> Reply:
        """Return the reply to a GET; a list asks for a name several times."""
        query = f"?{urlencode(asked, doseq=True)}" if asked else ""
        return self._transport.call("GET", f"{path}{query}", until=until, headers=self._headers(until))

    def write(self, method: str, path: str, wanted: Mapping[str, Any], until: float) -> Reply:
        """Ask for a change, and return the reply, which says little of whether it was made."""
        headers = {**self._headers(until), "Content-Type": "application/json"}
        return self._transport.call(method, path, until=until, headers=headers, body=orjson.dumps(wanted))

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._transport.wrong_file()


def as_object(reply: Reply) -> Mapping[str, Any]:
    """Return the reply's object; raises TryLater when it is none, ambiguous after a write."""
    answer = reply.json()
    if not isinstance(answer, dict):
        raise reply.odd()
    return answer


def objects(listed: Any) -> list[Mapping[str, Any]]:
    """Return a list of objects out of a reply; raises TryLater when it is not one."""
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise TryLater("odd_reply")
    return listed


def not_hidden(listed: Collection[Any], hits: Collection[Any], most: int) -> None:
    """Raise TryLater `odd_reply` when a search was not one for what was asked, and may show a part of what is there.

    Then the list holds others beside the `hits`, and as many as it shows at `most`: ours may come after.
    """
    if len(hits) < len(listed) and len(listed) >= most:
        raise TryLater("odd_reply")
