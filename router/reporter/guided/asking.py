"""The report with one question a page, at /report/1 and on: keeps each answer, and leads on or back.

An address says which page it is and nothing of an answer. Answers wait between two pages as `kept` has them; a browser
that keeps no cookies is led to the one page that needs none, with what was typed on it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from router.errors import Fault, Refused, RouterError, SealBroken, Unavailable
from router.reporter import words
from router.reporter.form import REPORT_FIELDS, Typed, read_typed
from router.reporter.guided.kept import Begun, Kept, Sent, Shelf
from router.reporter.guided.pages import GuidedPages
from router.reporter.guided.questions import CATEGORY, Step, any_step
from router.reporter.guided.walk import not_offered, with_answer
from router.reporter.house.house import House
from router.reporter.onepage import PLACE, ReportPages
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import check_sender, comes_from_elsewhere, read_sent
from router.web.refusals import MATERIAL, leading_code

CHECK: Final = f"{PLACE}/check"
PAGE: Final = f"{PLACE}/{{number:page}}"
ASKED, GO = "asked", "go"
"""Which question a page asked, and which of its buttons was pressed."""
BACK, AGAIN = "back", "again"
FULL: Final = "kept_answers_full"
_NAMES: Final = REPORT_FIELDS | {ASKED, GO}


class _Number(Convertor[int]):
    """A page's number in an address; one of thousands of digits is no address of ours."""

    regex = "[0-9]{1,3}"

    def convert(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Return how it is written."""
        return str(value)


register_url_convertor("page", _Number())


@dataclass(frozen=True, slots=True)
class GuidedDesk:
    """What the pages need from the rest of the product."""

    shelf: Shelf
    faults: Callable[[Mapping[str, Any]], tuple[Fault, ...]]
    """Returns what the door would find wrong with a part of a concern."""
    may_begin: Callable[[Request], bool]
    """Counts a report that begins; says whether there is room for its answers."""
    body_deadline_s: float


@dataclass(frozen=True, slots=True, repr=False)
class _Turn:
    """What became of one page's answer."""

    kept: Kept
    step: Step | None = None
    faults: tuple[Fault, ...] = ()


class Guided:
    """The handlers."""

    def __init__(self, desk: GuidedDesk, house: House, pages: GuidedPages, one_page: ReportPages) -> None:
        self._desk = desk
        self._house = house
        self._pages = pages
        self._one_page = one_page

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter()
        add_page(routes, self._house, PLACE, self.start)
        add_page(routes, self._house, PAGE, self.show)
        add_page(routes, self._house, PAGE, self.answer, ["POST"])
        return routes

    async def start(self, visit: Visit) -> Response:
        """Say what to do first, and where to begin; or where to go on, if this browser has begun."""
        try:
            kept = await self._desk.shelf.found(visit.request)
        except RouterError:
            kept = None  # Whom to call is shown whatever else is broken.
        return self._pages.start(visit, kept)

    async def show(self, visit: Visit, error: RouterError | None = None) -> Response:
        """Ask one question, with the answer that it had."""
        number = _number(visit)
        try:
            kept = await self._desk.shelf.found(visit.request)
        except RouterError as broken:
            return self._pages.broken(visit, error or broken, place=visit.place)
        if comes_from_elsewhere(visit.request) and self._desk.shelf.secret_of(visit.request) is None:
            # Its cookie was held back, as it should be: another one would take its place, and its answers be lost.
            return visit.go(PLACE)
        if isinstance(kept, Sent):
            return visit.go(CHECK)
        if kept is None and number != 1:
            return self._pages.gone(visit)
        found = self._pages.walk(kept or Begun())
        if not found.pages[0].answered(found.begun.typed):
            number = 1
        if not 1 <= number <= len(found.pages):
            return visit.go(CHECK)
        step = found.pages[number - 1]
        page = self._pages.question(visit, found, number, step, typed=found.begun.typed, error=error)
        given = self._desk.shelf.secret_of(visit.request)
        return self._desk.shelf.give(page, given or self._desk.shelf.new_secret())

    async def answer(self, visit: Visit) -> Response:
        """Keep the answer, and lead on or back; or show what is wrong with it, and what was typed."""
        typed = Typed()
        try:
            sent = await read_sent(visit.request, self._desk.body_deadline_s)
            typed = read_typed(sent, names=_NAMES)
            check_sender(visit.request)
            secret = self._desk.shelf.secret_of(visit.request)
            if secret is None:
                return self._without_cookie(visit, typed)
            turn = await asyncio.to_thread(self._take, visit.request, secret, typed)
        except RouterError as error:
            return await self._not_taken(visit, typed, error)
        return self._desk.shelf.give(self._led(visit, typed, turn), secret)

    def _take(self, request: Request, secret: bytes, typed: Typed) -> _Turn:
        """Keep one page's answer, good or not: it is shown again. What may be material is not kept."""
        turn = _Turn(None)

        def act(kept: Kept) -> Kept:
            nonlocal turn
            begun = kept if isinstance(kept, Begun) else self._begun(request, typed)
            if begun is None:
                return None
            turn = self._answered(begun, typed)
            return turn.kept if whole else begun

        whole = True
        try:
            kept = self._desk.shelf.change(secret, act)
        except SealBroken:
            # Far more was typed than can be sent: the page shows it again, and all but this is kept.
            whole = False
            kept = self._desk.shelf.change(secret, act)
        return replace(turn, kept=kept)

    def _begun(self, request: Request, typed: Typed) -> Begun | None:
        """Return a new report; None where an answer comes to one that is not there any more."""
        if typed.get(ASKED) != CATEGORY.name and typed.get(GO) != AGAIN:
            return None
        if not self._desk.may_begin(request):
            raise Unavailable(FULL)
        return Begun()

    def _answered(self, begun: Begun, typed: Typed) -> _Turn:
        found = self._pages.walk(begun)
        number = found.number_of(typed.get(ASKED))
        step = found.pages[number - 1] if number else any_step(typed.get(ASKED), self._pages.sites)
        if step is None or (number is None and begun.seen):
            return _Turn(begun)  # A page of another branch, from another tab: it is not asked any more.
        faults = self._faults(step, typed, begun)
        if {fault.code for fault in faults} & set(MATERIAL):
            return _Turn(begun, step, faults)
        after = with_answer(begun, step, typed, done=not faults)
        if not faults and self._pages.walk(after).after(step.name) is None:
            after = replace(after, checking=True)
        return _Turn(after, step, faults)

    def _faults(self, step: Step, typed: Typed, begun: Begun) -> tuple[Fault, ...]:
        sent = typed.concern({step.name})
        if step.name == "contact":
            sent["identity"] = begun.typed.get("identity")
        found = tuple(fault for fault in self._desk.faults(sent) if fault.field == step.name) if step.asks else ()
        return found or not_offered(step, typed)

    def _led(self, visit: Visit, typed: Typed, turn: _Turn) -> Response:
        if isinstance(turn.kept, Sent):
            return visit.go(CHECK)
        step = turn.step or any_step(typed.get(ASKED), self._pages.sites)
        if turn.kept is None:
            return self._pages.gone(visit, step, typed)
        found = self._pages.walk(turn.kept)
        number = found.number_of(step.name) if step else None
        if step and typed.get(GO) == BACK and number:
            return visit.go(f"{PLACE}/{number - 1}" if number > 1 else PLACE)
        if step and number and turn.faults:
            error = Refused(leading_code(turn.faults), *turn.faults)
            return self._pages.question(visit, found, number, step, typed=typed, error=error)
        onward = found.after(typed.get(ASKED)) if typed.get(GO) != AGAIN else 1
        return visit.go(f"{PLACE}/{onward}" if onward else CHECK)

    async def _not_taken(self, visit: Visit, typed: Typed, error: RouterError) -> Response:
        """Show the page again with what was typed; where nothing of it could be read, as it was kept before."""
        if error.code == FULL:
            return self._one_page.form(visit, typed, message=words.NO_ROOM)
        step = any_step(typed.get(ASKED), self._pages.sites)
        if step is None:
            return await self.show(visit, error)
        begun = Begun(typed)
        return self._pages.question(visit, self._pages.walk(begun), _number(visit), step, typed=typed, error=error)

    def _without_cookie(self, visit: Visit, typed: Typed) -> Response:
        """Lead on where no cookie came: an hour has passed since the last page, or this browser keeps none.

        It was given one with the page before; where that does not come back either, it keeps none.
        """
        if typed.get(ASKED) == CATEGORY.name or typed.get(GO) == AGAIN:
            return self._one_page.form(visit, typed, message=words.NO_COOKIES)
        gone = self._pages.gone(visit, any_step(typed.get(ASKED), self._pages.sites), typed)
        return self._desk.shelf.give(gone, self._desk.shelf.new_secret())


def _number(visit: Visit) -> int:
    return int(visit.request.path_params["number"])
