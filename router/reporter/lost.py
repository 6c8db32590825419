"""The page for an address that is not there: whoever mistyped one is led on, in their language.

For browsers alone, which say that they show pages; programs get the problem document as everywhere. Repeats nothing of
the address.
"""

from collections.abc import Awaitable, Callable
from typing import Final, cast

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from router.errors import Refused
from router.reporter.house.house import House
from router.reporter.languages import languages
from router.reporter.rendering import Visit, language_of
from router.web import edge
from router.web.refusals import STATUS

_CODES: Final = {STATUS[code]: code for code in ("not_found", "method_not_allowed")}
_PROGRAMS: Final = "/api/"
_Handler = Callable[[Request, Exception], Awaitable[Response]]


def lead_on(app: FastAPI, house: House) -> None:
    """Let `app` answer browsers that ask for no page of ours with one that leads on."""
    otherwise = cast("_Handler", app.exception_handlers[HTTPException])

    async def answer(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code)
        is_browser = "text/html" in request.headers.get("accept", "")
        if code is None or not is_browser or request.url.path.startswith(_PROGRAMS):
            return await otherwise(request, error)
        status, headers = edge.refusal(Refused(code))
        visit = Visit(request, languages()[language_of(request, house)], house)
        return visit.page("lost.html", status, {**headers, **(error.headers or {})})

    app.add_exception_handler(HTTPException, answer)  # type: ignore[arg-type]
