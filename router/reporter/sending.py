"""The end of a guided report: all answers to be checked, sent once however often it is asked for, and forgotten.

After the report was sent its answers are gone from the shelf; the receipt is there for some minutes, so that a reload
shows it again, unless the reporter says that they have it, or leaves.
"""

import asyncio
from contextlib import suppress
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from router.errors import Refused, RouterError, StoreFailed, Unavailable
from router.reporter.form import read_typed
from router.reporter.guided import BACK, CHECK, GO
from router.reporter.guidedpages import GuidedPages
from router.reporter.house import House
from router.reporter.housefile import AWAY
from router.reporter.kept import SENT_LASTS_S, Begun, Kept, Sent, Shelf
from router.reporter.onepage import PLACE, ReportDesk
from router.reporter.questions import concern
from router.reporter.receiptpage import kept_page
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import MAX_FORM_BYTES, check_sender, comes_from_elsewhere, needs_new_key
from router.web import body

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
            pressed = await self._pressed(visit)
            kept = await self._shelf.found(visit.request)
            if not isinstance(kept, Begun):
                return self._nothing_to_send(visit, kept)
            found = self._pages.walk(kept)
            if pressed == BACK:
                return visit.go(f"{PLACE}/{len(found.pages)}")
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
            pressed = await self._pressed(visit)
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

    async def _pressed(self, visit: Visit) -> str:
        """Return which button was pressed; raises Refused for what our pages do not send."""
        sent = await body.read_body(
            visit.request, body.FORM, max_bytes=MAX_FORM_BYTES, deadline_s=self._desk.body_deadline_s
        )
        check_sender(visit.request)
        return read_typed(sent, names=frozenset({GO})).get(GO)

    def _nothing_to_send(self, visit: Visit, kept: Kept) -> Response:
        if isinstance(kept, Sent):
            return kept_page(visit, orjson.loads(kept.answer))
        return self._pages.gone(visit)

    async def _sent(self, visit: Visit, answer: bytes) -> Response:
        secret = self._shelf.secret_of(visit.request)
        page = kept_page(visit, orjson.loads(answer))
        if secret is None:
            return page
        left = False
        with suppress(Unavailable, StoreFailed):
            # Sent again with the same key it gets the same answer: the receipt is not lost by this.
            left = await asyncio.to_thread(self._shelf.change, secret, lambda kept: kept and Sent(answer)) is None
        if left:
            # Whoever left meanwhile finds nothing of it when they come back, nor does anybody else.
            return self._shelf.take_back(page)
        return self._shelf.give(page, secret, lasts_s=SENT_LASTS_S)

    async def _not_sent(self, visit: Visit, kept: Kept, error: RouterError) -> Response:
        secret = self._shelf.secret_of(visit.request)
        if not isinstance(kept, Begun) or secret is None:
            return self._pages.broken(visit, error, place=CHECK)
        if needs_new_key(error):
            with suppress(Unavailable, StoreFailed):
                await asyncio.to_thread(self._shelf.change, secret, _with_new_key)
        return self._pages.check(visit, self._pages.walk(kept), error)


def _with_new_key(kept: Kept) -> Kept:
    return kept.with_new_key() if isinstance(kept, Begun) else kept
