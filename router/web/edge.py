"""The outermost layer of a web part: security headers on every answer, a problem for every error.

The one place where every exception ends. Logs class and place of it, and our route's template;
never an exception's text, never anything of the request.
"""

from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from router.errors import Refused, RouterError, Unavailable
from router.telemetry import REFUSED, get_log
from router.web.refusals import MEDIA_TYPE, RETRY_AFTER_S, STATUS, problem_body

READ: Final = ["GET", "HEAD"]
"""What a page that changes nothing answers; probes and proxies ask with HEAD."""
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
CONTENT_POLICY: Final = (b"content-security-policy", _POLICY.encode())
"""Our own files' alone; scripts make no markup out of text."""
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)
"""Nothing kept in a browser's cache, so that a shared machine does not tell on a reporter."""
STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Sent where the part is reached by https."""


def refusal(error: Refused | Unavailable, *, status: int | None = None) -> tuple[int, dict[str, str]]:
    """Count and log a refusal; return its status and headers for whatever body tells of it."""
    code = error.code if isinstance(error, Refused) else "unavailable"
    status = status or STATUS[code]
    REFUSED.labels(code=code).inc()
    get_log().info("concern_refused", code=error.code)
    headers: dict[str, str] = {}
    if status == STATUS["token_refused"]:
        headers["WWW-Authenticate"] = "Bearer"
    if code == "body_too_slow":
        headers["Connection"] = "close"
    wait_s = error.retry_after_s if isinstance(error, Refused) else RETRY_AFTER_S
    if wait_s:
        headers["Retry-After"] = str(wait_s)
    return status, headers


def problem_answer(error: Refused | Unavailable) -> Response:
    """Return the problem document for `error`, counted and logged by its code."""
    status, headers = refusal(error)
    faults = error.faults if isinstance(error, Refused) else ()
    body = problem_body(error.code if isinstance(error, Refused) else "unavailable", faults)
    return Response(body, status, headers, MEDIA_TYPE)


def failed(error: Exception, *, route: str = "none") -> None:
    """Log an error that is ours: class and place, and the code if it has one; never its text."""
    code = error.code if isinstance(error, RouterError) else "unforeseen"
    get_log().error("request_failed", route=route, code=code, exc_info=error)


def answer_errors(app: FastAPI) -> None:
    """Replace every default error answer of `app`, of which some repeat what was sent."""

    async def ours(_request: Request, error: Exception) -> Response:
        if not isinstance(error, Refused | Unavailable):
            raise error
        return problem_answer(error)

    async def theirs(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 0
        answer = problem_answer(Refused(_CODES.get(status, "bad_request")))
        if status == STATUS["method_not_allowed"] and isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(Refused, ours)
    app.add_exception_handler(Unavailable, ours)
    app.add_exception_handler(HTTPException, theirs)
    app.add_exception_handler(RequestValidationError, theirs)


_CODES: Final = {404: "not_found", 405: "method_not_allowed"}


class Edge:
    """ASGI: adds the security headers, and turns what nobody foresaw into a silent 500."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = [CONTENT_POLICY, *SECURITY_HEADERS, *([STRICT_TRANSPORT] if https else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the process's edge
            failed(error, route=_template(scope))
            if not started:
                answer = Response(problem_body("internal_error"), STATUS["internal_error"], media_type=MEDIA_TYPE)
                await answer(scope, receive, send_with_headers)


def _template(scope: Scope) -> str:
    """Return our own pattern of the path, never the path that was asked for."""
    return str(getattr(scope.get("route"), "path", "none"))
