"""Identity: requests to learn who reported, before the custodians. Shows why somebody asks, and nothing of the report.

Whoever must not know of a case is told that there is no such request; who asked, that they have no say. Every look is a
line of the audit.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from router.console import identity
from router.console.attempt import attempted
from router.console.involved import as_told
from router.console.pages import factwords
from router.console.pages.ask import Ask, Desk, page
from router.console.pages.rendering import go, show
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Forbidden
from router.store import identities
from router.store.engine import transaction
from router.store.identities import GRANTED_DAYS, Request

LISTED: Final = "identity_requests_listed"
SHOWN: Final = "identity_request_shown"
STANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "waiting": ("waits for a custodian", "warn"),
        "granted": ("granted", "good"),
        "refused": ("refused", "alarm"),
        "expired": ("nobody decided in time", "plain"),
        "over": ("granted, and over", "plain"),
    }
)
"""How a request stands, in words, and in which tone."""
UNKNOWN: Final = "unknown_request"
LAPSE_EVERY_S: Final = 600.0
_ID: Final = re.compile(r"[0-9]{1,18}")
_STAYS: Final = frozenset({"reason_malformed", "already_decided", "request_expired", "asker_may_not"})
"""Refusals after which the request is shown again, with what was typed."""


def show_requests(ask: Ask) -> Response:
    """List what waits for whoever asks."""
    with transaction(ask.desk.engine) as connection:
        waiting = identities.waiting(connection)
    policies = {digest: ask.desk.policies.of(digest) for digest in {one.policy for one in waiting}}
    with transaction(ask.desk.engine) as connection:
        handle = ask.viewer.handle
        rows = [
            one for one in waiting if identity.why_not_decide(connection, policies[one.policy], one, handle) is None
        ]
    ask.note(LISTED, "identity_requests", detail=f"count={len(rows)}")
    return show(ask, "identity/list.html", rows=rows)


def show_request(ask: Ask) -> Response:
    """Show one request."""
    return _shown(ask)


def grant(ask: Ask) -> Response:
    """Say yes."""
    return _decided(ask, grant=True)


def refuse(ask: Ask) -> Response:
    """Say no."""
    return _decided(ask, grant=False)


def _decided(ask: Ask, *, grant: bool) -> Response:
    request, reason = _request(ask), ask.form.get("reason")
    try:
        identity.decide(
            ask.desk.engine, ask.desk.policies, request=request, handle=ask.viewer.handle, grant=grant, reason=reason
        )
    except Forbidden as error:
        if error.code not in _STAYS:
            raise Forbidden(as_told(error.code, UNKNOWN)) from None
        return _shown(ask, 422 if error.code == "reason_malformed" else 409, error)
    return go("/console/identity", said="identity_granted" if grant else "identity_refused")


def _shown(ask: Ask, status: int = 200, refused: Forbidden | None = None) -> Response:
    found = _found(ask)
    policy = ask.desk.policies.of(found.policy)
    attempt = attempted(ask.desk.engine, SHOWN, kind="person", handle=ask.viewer.handle, reference=found.reference)
    with transaction(ask.desk.engine) as connection:
        code = identity.why_not_decide(connection, policy, found, ask.viewer.handle)
    if code is not None:
        attempt.refuse(code, detail=f"person:{found.asked_by}", say=as_told(code, UNKNOWN))
    attempt.note(detail=f"person:{found.asked_by}")
    return show(
        ask,
        "identity/request.html",
        status,
        asked=found,
        stands=STANDS[found.stands],
        category=factwords.category(found.category, policy),
        days=GRANTED_DAYS,
        why=told(refused) if refused else None,
        mistake=told(refused) if refused and refused.code == "reason_malformed" else None,
    )


def _found(ask: Ask) -> Request:
    with transaction(ask.desk.engine) as connection:
        found = identities.find(connection, _request(ask))
    if found is None:
        attempted(ask.desk.engine, SHOWN, kind="person", handle=ask.viewer.handle, reference="").refuse(UNKNOWN)
    return found


def _request(ask: Ask) -> int:
    """Return the request's number; one that nobody has for what is none."""
    given = ask.path["request"]
    return int(given) if _ID.fullmatch(given) else 0


def chores(desk: Desk) -> list[tuple[Callable[[], None], float]]:
    """Return that requests end which nobody decided in time."""
    return [(partial(identity.lapse, desk.engine), LAPSE_EVERY_S)]


_ONE: Final = "/console/identity/{request}"
PAGES = (
    page("GET", "/console/identity", Right.GRANT_IDENTITY, show_requests),
    page("GET", _ONE, Right.GRANT_IDENTITY, show_request),
    page("POST", f"{_ONE}/grant", Right.GRANT_IDENTITY, grant, "reason"),
    page("POST", f"{_ONE}/refuse", Right.GRANT_IDENTITY, refuse, "reason"),
)
