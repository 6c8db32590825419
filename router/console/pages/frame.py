"""Serves the console's pages: who asks, whether they may, and that the form is ours.

A page is a function from `Ask` to an answer, and one line in its module's PAGES that names its right and its fields;
nothing else is served. What is refused is a page that says why, and a line of the audit. A form that names a field
which the page does not ask for is refused as a whole.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from router.console.pages.ask import Ask, Desk, Page
from router.console.pages.rendering import FORM_TOKEN, failed, home, show
from router.console.rights import may
from router.console.signin.cookie import give, read_cookie
from router.errors import Forbidden, Refused, RouterError
from router.store import sessions
from router.store.engine import transaction
from router.store.sessions import Session, Stage
from router.web import edge
from router.web.body import FORM, read_body
from router.web.forms import Form, read_form

MAX_FORM_BYTES: Final = 128 * 1024
DOORSTEP_THREADS: Final = 4
HOME, UNLOCK = "/console", "/console/unlock"
SIGN_IN, SECOND_FACTOR, ENROL = "/console/sign-in", "/console/sign-in/code", "/console/sign-in/enrol"
NEXT_STEP: Final = {Stage.PASSWORD: SECOND_FACTOR, Stage.ENROL: ENROL}
_ELSE: Final = "/console/{rest:path}"
"""Every other address: a person who mistyped one is told so on a page."""
NOTED_HERE: Final = frozenset({"role_missing", "sent_from_elsewhere", "form_outdated"})
"""What an act refuses by itself it has noted by itself, with the case that it is about."""


class Frame:
    """Serves pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shown: list[re.Pattern[str]] = []
        self._doorstep = ThreadPoolExecutor(DOORSTEP_THREADS, thread_name_prefix="doorstep")

    def routes(self, pages: Iterable[Page]) -> APIRouter:
        """Return the routes of `pages`."""
        made = APIRouter(include_in_schema=False)
        for one in pages:
            if one.method == "GET":
                self._shown.append(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", one.path)))
            methods: list[str] = edge.READ if one.method == "GET" else ["POST"]
            made.add_api_route(one.path, self._serving(one), methods=methods)
        made.add_api_route("/", self._serving(Page("GET", "/", None, _begin)), methods=edge.READ)
        made.add_api_route(_ELSE, self._serving(Page("GET", _ELSE, None, _nowhere)), methods=edge.READ)
        return made

    def _serving(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            cookie = read_cookie(request, https=self._desk.https)
            address = request.client.host if request.client else ""
            place = dict(request.path_params), request.query_params
            ask = Ask(self._desk, cookie, None, *place, Form(), page, address, request.cookies)
            elsewhere = cookie.new and request.headers.get("sec-fetch-site") == "cross-site"
            if elsewhere and page.method == "GET":
                return show(ask, "passing.html", address=_asked_for(request))
            try:
                if page.method == "POST":
                    ask = replace(ask, form=await self._form(request, page))
                answer = await self._run(ask, request)
            except RouterError as error:
                answer = failed(ask, error)
            # Whatever another site sends comes without our cookie: a new one would take the place of a good one.
            if cookie.new and not elsewhere and "set-cookie" not in answer.headers:
                give(answer, cookie, https=self._desk.https)
            return answer

        return serve

    async def _run(self, ask: Ask, request: Request) -> Response:
        """Answer in a thread; whoever still signs in waits for slow hashes and issuers among themselves."""
        inside = ask.page.right is not None and ask.page.stage is Stage.FULL
        pool = None if inside else self._doorstep
        return await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, self._answer, ask, request)

    async def _form(self, request: Request, page: Page) -> Form:
        deadline_s = self._desk.limits.body_deadline_s
        body = await read_body(request, FORM, max_bytes=MAX_FORM_BYTES, deadline_s=deadline_s)
        if b"%00" in body or b"\0" in body:
            # No keyboard sends it, and no database keeps it. The reporter's pages check each text, and name its field.
            raise Refused("not_a_form")
        return read_form(body, names=page.names | {FORM_TOKEN}, lists=page.lists)

    def _answer(self, ask: Ask, request: Request) -> Response:
        """Answer, or say why not; runs in a thread."""
        ask = replace(ask, session=self._session(ask))
        try:
            _check_sender(request, ask)
            step = _missing_step(request, ask)
            if step is not None:
                return step
            _check_right(ask)
            return ask.page.act(ask)
        except Forbidden as error:
            if error.code == "locked":
                return self._to_unlock(ask, request)
            if error.code in NOTED_HERE and not (ask.session is None and ask.desk.slowing.noted_enough(ask.address)):
                ask.note("page_refused", ask.page.path, f"refused_{error.code}", ask.page.method)
            return failed(ask, error)
        except RouterError as error:
            return failed(ask, error)

    def _to_unlock(self, ask: Ask, request: Request) -> Response:
        """Return the way to where the passphrase is asked for, and from there back to the page of the form."""
        back = request.url.path
        if ask.page.method == "POST":
            back = self._page_of_form(back)
        elif request.url.query:
            back = f"{back}?{request.url.query}"
        return RedirectResponse(f"{UNLOCK}?{urlencode({'next': back})}", 303)

    def _page_of_form(self, path: str) -> str:
        """Return the nearest page at or above an address that takes a form."""
        while len(path) > len(HOME) and not any(shown.fullmatch(path) for shown in self._shown):
            path = path.rpartition("/")[0]
        return path

    def _session(self, ask: Ask) -> Session | None:
        if ask.cookie.new:
            return None
        limits = self._desk.limits
        with transaction(self._desk.engine) as connection:
            found = sessions.find(connection, ask.cookie.session, idle_s=limits.idle_s)
            if found is not None and not ask.page.quiet:
                sessions.seen(connection, found.id, unlocked_s=limits.unlocked_s)
        return found


def _begin(_ask: Ask) -> Response:
    return RedirectResponse(HOME, 303)


def _nowhere(_ask: Ask) -> Response:
    raise Forbidden("unknown_page")


def _asked_for(request: Request) -> str:
    """Return path and query as they were sent; a route of ours has taken the path."""
    path, query = (request.scope[name].decode("ascii", "replace") for name in ("raw_path", "query_string"))
    return f"{path}?{query}" if query else str(path)


def _check_sender(request: Request, ask: Ask) -> None:
    """Refuse a form that no page of ours made for this browser.

    Browsers say where a form was sent from; those that do not must know the form's token all the same.
    """
    if ask.page.method == "GET":
        return
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("sent_from_elsewhere")
    if not ask.cookie.fits(ask.form.get(FORM_TOKEN)):
        raise Forbidden("form_outdated")


def _check_right(ask: Ask) -> None:
    if ask.page.right is not None and not may(ask.viewer.roles, ask.page.right):
        raise Forbidden("role_missing")


def _missing_step(request: Request, ask: Ask) -> Response | None:
    """Return the way to what is still missing before this page, None if nothing is."""
    if ask.page.right is None:
        return None
    if ask.session is None:
        if ask.page.method == "POST":
            raise Forbidden("signed_out")
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': asked})}", 303)
    if ask.session.stage is ask.page.stage:
        return None
    return RedirectResponse(NEXT_STEP.get(ask.session.stage) or home(ask.session), 303)
