"""The calls to a described ticket system, and where in its answers a thing stands.

A read that fails leaves nothing in doubt, by POST too; a write may. An answer is not believed where it could not be
read: a list that is none is no empty list.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from router.channels import rest
from router.channels.rest.language import Call, Expected, Listing
from router.channels.rest.rendering import constants
from router.channels.rest.templates import UNSET, filled
from router.configfile.pointers import at
from router.errors import TryLater
from workers.channels.replies import Reply
from workers.channels.rest.account import Account, path_of
from workers.channels.transport import Transport

TOO_MANY: Final = "too_many_answers"
"""Code of a TryLater: the list goes on beyond what is asked for, so what was not found may stand in it."""


class RestCalls:
    """One system, seen with our account; every call ends by the `until` (monotonic) that it is given."""

    def __init__(self, settings: rest.Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._account = Account(settings, transport)

    def write(self, call: Call, until: float, *, body: bytes | None = None, **values: object) -> Reply:
        """Ask for a change, with `body` or the call's own."""
        return self._called(call, until, body, values)

    def shown(self, call: Call, until: float, **values: object) -> Any:
        """Return what the system shows; nothing is in doubt when it does not."""
        try:
            return self._called(call, until, None, values).json()
        except TryLater as later:
            raise TryLater(later.code, retry_after_s=later.retry_after_s) from None

    def listed(self, call: Listing, until: float, **values: object) -> list[Any]:
        """Return the whole list; raises TryLater TOO_MANY when it goes on where nobody asks any more."""
        return [item for part in self._parts(call, until, values) for item in part]

    def beginning(self, call: Listing, until: float, **values: object) -> list[Any]:
        """Return as much of the list as is asked for at most."""
        items: list[Any] = []
        try:
            for part in self._parts(call, until, values):
                items += part
        except TryLater as later:
            if later.code != TOO_MANY:
                raise
        return items

    def expected(self, expected: Expected, until: float) -> list[Any]:
        """Return the list that names what must be there."""
        call = Listing.model_construct(path=expected.path, query=expected.query, list_=expected.list_)
        return self.listed(call, until)

    def value(self, node: Any, **values: object) -> Any:
        """Return what a template stands for; None when something that it names is unset."""
        made = filled(node, {**constants(self._settings), **values})
        return None if made is UNSET else made

    def _parts(self, call: Listing, until: float, values: Mapping[str, object]) -> Iterator[list[Any]]:
        if call.pages is None:
            yield self._list(call, until, values, {})
            return
        pages = call.pages
        for number in range(pages.most):
            part = self._list(call, until, values, {pages.name: pages.first + number * pages.step})
            yield part
            if len(part) < pages.size:
                return
        raise TryLater(TOO_MANY)

    def _list(self, call: Listing, until: float, values: Mapping[str, object], more: Mapping[str, int]) -> list[Any]:
        try:
            found = at(self._called(call, until, None, values, more).json(), call.list_)
        except TryLater as later:
            raise TryLater(later.code, retry_after_s=later.retry_after_s) from None
        if not isinstance(found, list):
            raise TryLater("odd_reply")
        return found

    def _called(
        self,
        call: Call,
        until: float,
        body: bytes | None,
        values: Mapping[str, object],
        more: Mapping[str, int] | None = None,
    ) -> Reply:
        known = {**constants(self._settings), **values}
        asked = {key: filled(node, known) for key, node in call.query.items()} | dict(more or {})
        query = urlencode({key: _word(value) for key, value in asked.items() if value is not UNSET})
        path = path_of(call.path, known) + (f"?{query}" if query else "")
        if body is None and call.body is not None:
            body = orjson.dumps({} if (made := filled(call.body, known)) is UNSET else made)
        return self._with_account(call.method, path, body, until)

    def _with_account(self, method: str, path: str, body: bytes | None, until: float) -> Reply:
        """Call; once more with a new token when the kept one is refused: then nothing was done."""
        for again in (False, True):
            headers = self._account.headers(until)
            if body is not None:
                headers["Content-Type"] = "application/json"
            try:
                return self._transport.call(method, path, until=until, headers=headers, body=body)
            except TryLater as later:
                if later.code != "not_authorised" or again or not self._account.forget():
                    raise
        raise AssertionError("the second turn returns or raises")

    def knocked(self, until: float) -> dict[str, str]:
        """Return the headers that our account needs; raises TryLater when they cannot be had."""
        return self._account.headers(until)

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._transport.wrong_file()


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
