"""The end of a guided report: all answers to be checked, sent once however often it is asked for, and forgotten.

After the report was sent its answers are gone from the shelf; the receipt is there for some minutes, so that a reload
shows it again, unless the reporter says that they have it, or leaves.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from router.errors import Refused, RouterError, StoreFailed, Unavailable
from router.reporter.form import KEY, REPORT_FIELDS, Typed, read_typed
from router.reporter.guided.asking import BACK, CHECK, GO
from router.reporter.guided.kept import SENT_LASTS_S, Begun, Kept, Sent, Shelf
from router.reporter.guided.pages import GuidedPages
from router.reporter.guided.questions import CATEGORY, concern
from router.reporter.house.file import AWAY
from router.reporter.house.house import House
from router.reporter.onepage import PLACE, ReportDesk
from router.reporter.receiptpage import kept_page
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import check_sender, comes_from_elsewhere, needs_new_key, read_sent, without_material

DONE: Final = f"{PLACE}/done"
LEAVE: Final = "/leave"
ANEW: Final = "anew"


class Sending:
    """The handlers."""

    def __init__(self, desk: ReportDesk, shelf: Shelf, house: House, pages: GuidedPages) -> None:
        self._desk = desk
        self._shelf = shelf
        self._house = house
        self._pages = pages

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter()
        add_page(routes, self._house, CHECK, self.check)
        add_page(routes, self._house, CHECK, self.send, ["POST"])
        add_page(routes, self._house, DONE, self.done, ["POST"])
        add_page(routes, self._house, LEAVE, self.leave)
        return routes

    async def check(self, visit: Visit) -> Response:
        """Show all answers before they are sent; or the receipt, if they were."""
        try:
            kept = await self._shelf.found(visit.request)
        except RouterError as error:
            return self._pages.broken(visit, error, place=CHECK)
        if not isinstance(kept, Begun):
            return self._nothing_to_send(visit, kept)
        found = self._pages.walk(kept)
        number = found.first_open()
        return visit.go(f"{PLACE}/{number}") if number else self._pages.check(visit, found)

    async def send(self, visit: Visit) -> Response:
        """Send what is kept, and show the receipt; or say what is wrong, with all answers as they were."""
        kept: Kept = None
        try:
            typed = await self._typed(visit)
            kept = _carried(typed)
            kept = await self._shelf.found(visit.request) or kept
            if not isinstance(kept, Begun):
                return self._nothing_to_send(visit, kept)
            found = self._pages.walk(kept)
            if typed.get(GO) == BACK:
                return await self._back(visit, kept, len(found.pages))
            answer = await self._desk.submit(concern(kept.typed, found.pages).concern(), visit.request, kept.key)
        except RouterError as error:
            return await self._not_sent(visit, kept, error)
        return await self._sent(visit, answer)

    async def done(self, visit: Visit) -> Response:
        """Forget everything of this browser's report, however one of our pages asked."""
        if comes_from_elsewhere(visit.request):
            return visit.go(PLACE)
        pressed = ""
        with suppress(Refused):
            pressed = (await self._typed(visit)).get(GO)
        await self._shelf.drop(visit.request)
        return self._shelf.take_back(visit.go(f"{PLACE}/1") if pressed == ANEW else self._pages.done(visit))

    async def leave(self, visit: Visit) -> Response:
        """Lead away at once, and forget everything of this browser's report behind it."""
        if "prefetch" in visit.request.headers.get("sec-purpose", ""):
            # Asked for by a browser that guesses where its person goes next: it is to ask again when they do.
            return Response(status_code=503)
        place = visit.house.leave_to
        away = RedirectResponse(visit.path(place) if place == AWAY else place, 303)
        if comes_from_elsewhere(visit.request):
            return away  # Nobody's answers are lost by another site's link.
        away.background = BackgroundTask(self._shelf.drop, visit.request)
        return self._shelf.take_back(away)

    async def _typed(self, visit: Visit) -> Typed:
        """Return which button was pressed, and what the page carried; raises Refused for what our pages do not send."""
        sent = await read_sent(visit.request, self._desk.body_deadline_s)
        check_sender(visit.request)
        return read_typed(sent, names=REPORT_FIELDS | {GO})

    async def _back(self, visit: Visit, kept: Begun, last: int) -> Response:
        """Lead to the last question; where the answers were gone, with those that the page carried."""
        secret = self._shelf.secret_of(visit.request) or self._shelf.new_secret()
        seen = frozenset(step.name for step in self._pages.walk(kept).pages)
        begun = replace(kept, seen=kept.seen or seen)
        await asyncio.to_thread(self._shelf.change, secret, lambda now: now or begun)
        return self._shelf.give(visit.go(f"{PLACE}/{last}"), secret)

    def _nothing_to_send(self, visit: Visit, kept: Kept) -> Response:
        if isinstance(kept, Sent):
            return kept_page(visit, orjson.loads(kept.answer))
        return self._pages.gone(visit)

    async def _sent(self, visit: Visit, answer: bytes) -> Response:
        secret = self._shelf.secret_of(visit.request)
        page = kept_page(visit, orjson.loads(answer))
        if secret is None:
            return page
        try:
            kept = await asyncio.to_thread(self._shelf.change, secret, lambda kept: kept and Sent(answer))
        except (Unavailable, StoreFailed):
            # Sent again with the same key it gets the same answer: the receipt is not lost by this.
            return self._shelf.give(page, secret, lasts_s=SENT_LASTS_S)
        if kept is None:
            # Whoever left meanwhile finds nothing of it when they come back, nor does anybody else.
            return self._shelf.take_back(page)
        # Shown at an address of its own, the browser keeps no form that could be sent again to have the receipt once
        # more, by whoever goes back after this one has written it down.
        return self._shelf.give(visit.go(CHECK), secret, lasts_s=SENT_LASTS_S)

    async def _not_sent(self, visit: Visit, kept: Kept, error: RouterError) -> Response:
        if not isinstance(kept, Begun):
            return self._pages.broken(visit, error, place=CHECK)
        secret = self._shelf.secret_of(visit.request)
        if needs_new_key(error):
            kept = begun = kept.with_new_key()
            if secret is not None:
                with suppress(Unavailable, StoreFailed):
                    await asyncio.to_thread(
                        self._shelf.change, secret, lambda now: begun if isinstance(now, Begun) else now
                    )
        return self._pages.check(visit, self._pages.walk(kept), error)


def _carried(typed: Typed) -> Begun | None:
    """Return the report that the page itself carried: for when nothing of it is kept any more, or nobody can look."""
    if not typed.key or not typed.get(CATEGORY.name) or without_material(typed) != typed:
        return None
    single = {name: said for name, said in typed.single.items() if name not in {KEY, GO}}
    return Begun(Typed(single, typed.several), checking=True, key=typed.key)
