"""Taking a report down for somebody who tells it: /report/behalf, by a single-use link that the console made.

What was typed is shown once more, to be read back; only what the reporter confirmed is kept. Nothing is stored before
that, and nothing but the link is in an address. The link counts as used with the case that it was used for, or not at
all.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from router.errors import Refused, RouterError, StoreFailed
from router.reporter import words
from router.reporter.choices import Choices
from router.reporter.form import KEY, REPORT_FIELDS, Typed, read_typed
from router.reporter.formpage import form_page, key_of
from router.reporter.house.house import House
from router.reporter.receiptpage import kept_page
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import (
    check_sender,
    moment_said,
    read_sent,
)
from router.store.cases import LINK_USED

PLACE: Final = "/report/behalf"
LINK, STEP, CONFIRMED = "link", "step", "confirmed"
READ_BACK, RECORD, CHANGE = "read_back", "record", "change"
NAMES: Final = REPORT_FIELDS | {LINK, STEP, CONFIRMED}
MOST_QUERY: Final = 256
_APART: Final = frozenset({KEY, LINK, STEP, CONFIRMED})
_TOKEN: Final = re.compile(r"(?:.*[?&]link=)?([A-Za-z0-9_-]{43})")
"""The link's own secret, or the whole link as it was copied."""


@dataclass(frozen=True, slots=True)
class BehalfDesk:
    """What the pages need from the rest of the product."""

    choices: Callable[[], Choices]
    usable: Callable[[bytes], Awaitable[bool]]
    """Says whether the link with this digest can be used now."""
    check: Callable[[Mapping[str, Any]], None]
    """Raises Refused with all that the door would find wrong with a concern."""
    submit: Callable[[Mapping[str, Any], Request, str | None, bytes], Awaitable[bytes]]
    """Takes a concern in as a person's, and uses the link with this digest up; returns the body of the API's 201."""
    body_deadline_s: float


class BehalfPages:
    """The handlers."""

    def __init__(self, desk: BehalfDesk, house: House) -> None:
        self._desk = desk
        self._house = house

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter()
        add_page(routes, self._house, PLACE, self.show)
        add_page(routes, self._house, PLACE, self.take, ["POST"])
        return routes

    async def show(self, visit: Visit) -> Response:
        """Show the empty form to whoever has a link that can be used."""
        try:
            typed = read_typed(visit.request.scope["query_string"][:MOST_QUERY], names=frozenset({LINK}))
            await self._check_link(typed)
        except RouterError as error:
            return self._form(visit, Typed(), error, usable=False)
        return self._form(visit, typed)

    async def take(self, visit: Visit) -> Response:
        """Read back what was typed, or keep what was confirmed and show the receipt, once."""
        typed = Typed()
        try:
            sent = await read_sent(visit.request, self._desk.body_deadline_s)
            typed = read_typed(sent, names=NAMES)
            check_sender(visit.request)
            if typed.get(STEP) == CHANGE:
                return self._form(visit, typed)
            if typed.get(STEP) != RECORD:
                self._desk.check(typed.concern())
                await self._check_link(typed)
                return self._read_back(visit, typed)
            if typed.get(CONFIRMED) != "yes":
                return self._read_back(visit, typed, unconfirmed=True)
            # Whether the link can be used is found out with the case: a second click gets the first one's receipt.
            answer = await self._desk.submit(typed.concern(), visit.request, typed.key, _digest(typed))
        except StoreFailed as error:
            return self._form(visit, typed, Refused("link_refused") if error.code == LINK_USED else error)
        except RouterError as error:
            return self._form(visit, typed, error)
        return kept_page(visit, orjson.loads(answer), on_behalf=True)

    async def _check_link(self, typed: Typed) -> None:
        if not await self._desk.usable(_digest(typed)):
            raise Refused("link_refused")

    def _form(self, visit: Visit, typed: Typed, error: RouterError | None = None, *, usable: bool = True) -> Response:
        return form_page(
            visit,
            "behalf.html",
            self._desk.choices(),
            words.LABELS,
            typed,
            error=error,
            usable=usable,
            **_link(typed, error),
        )

    def _read_back(self, visit: Visit, typed: Typed, *, unconfirmed: bool = False) -> Response:
        return visit.page(
            "read_back.html",
            422 if unconfirmed else 200,
            message=None,
            unconfirmed=unconfirmed,
            transcript=list(_transcript(visit, typed, self._desk.choices())),
            single={name: said for name, said in typed.single.items() if name not in _APART},
            several=typed.several,
            key=key_of(typed, None),
            **_link(typed, None),
        )


def _digest(typed: Typed) -> bytes:
    token = _TOKEN.fullmatch(typed.get(LINK))
    return sha256(token[1].encode() if token else b"").digest()


def _link(typed: Typed, error: RouterError | None) -> Mapping[str, Any]:
    """Return the link as it goes from step to step, and whether another one is asked for."""
    token = _TOKEN.fullmatch(typed.get(LINK))
    return {"link": token[1] if token else "", "link_refused": error is not None and error.code == "link_refused"}


def _transcript(visit: Visit, typed: Typed, choices: Choices) -> Iterator[tuple[str, str]]:
    """Yield each question that was answered and its answer, in the words of the page."""
    labels: Mapping[str, Mapping[str, str]] = {
        "category": {kind.name: kind.label for kind in choices.categories},
        "noticed_how": words.NOTICED_HOW,
        "where_found": words.WHERE_FOUND,
        "site": choices.sites,
        "urgency": words.URGENCY,
        "evidence_state": words.EVIDENCE_STATE,
        "involves": words.INVOLVES,
        "identity": words.IDENTITY,
    }
    for name, question in words.LABELS.items():
        known = labels.get(name, {})
        given = (typed.single.get(name, ""), *typed.several.get(name, ()))
        said = [visit.say(known[value]) if value in known else value for value in given if value]
        if name == "occurred_at":
            said = list(moment_said(visit, typed))
        if said:
            yield visit.say(question), "; ".join(said)
