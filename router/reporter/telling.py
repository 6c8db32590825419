"""How a person is told what was wrong with what they sent, and what of it they see again.

Counts and logs by code alone; says nothing that came from outside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from starlette.requests import Request

from router.errors import Fault, Refused, RouterError, Unavailable
from router.reporter import words
from router.reporter.form import DAY, TIME, ZONE, Typed
from router.reporter.rendering import Visit
from router.web import body, edge
from router.web.refusals import GUIDANCE, LEAVE_IT
from router.web.texts import is_material

MAX_FORM_BYTES: Final = 64 * 1024
"""Of a page's form as it is sent."""
KEY_BYTES: Final = 24
"""Random bytes of a form's own idempotency key: 32 characters."""


@dataclass(frozen=True, slots=True)
class Told:
    """How an error is told to a person."""

    status: int
    headers: Mapping[str, str]
    message: str | None
    faults: Sequence[Fault]


def told(error: RouterError | None, labels: Mapping[str, str]) -> Told:
    """Return how a person is told, on a page that asks for `labels`; counted and logged like every refusal."""
    if error is None:
        return Told(200, {}, None, ())
    if not isinstance(error, Refused | Unavailable):
        edge.failed(error)
        return Told(500, {}, words.plainly("internal_error"), ())
    status, headers = edge.refusal(error)
    faults = error.faults if isinstance(error, Refused) else ()
    asked = tuple(fault for fault in faults if fault.field in labels)
    code = error.code if isinstance(error, Refused) else "unavailable"
    return Told(status, headers, None if asked else words.plainly(code), asked)


def shown_again(typed: Typed, said: Told) -> Mapping[str, str]:
    """Return what the page shows to who typed it: words are kept for them, material goes back to nobody."""
    material = {fault.field for fault in said.faults if GUIDANCE[fault.code] == LEAVE_IT}
    return {name: text for name, text in without_material(typed).single.items() if name not in material}


def without_material(typed: Typed) -> Typed:
    """Return what was typed but for what surely is no words, whether or not anybody came to look for faults."""
    return replace(typed, single={name: text for name, text in typed.single.items() if not is_material(text)})


def moment_said(visit: Visit, typed: Typed) -> tuple[str, ...]:
    """Return a day and time that somebody typed, in words; as it was typed where that is no day."""
    day, time, zone = typed.get(DAY), typed.get(TIME), typed.get(ZONE)
    try:
        day = visit.language.day(datetime.fromisoformat(f"{day}T00:00Z"))
    except ValueError:
        zone = ""
    return tuple(word for word in (day, f"{time} UTC{zone}" if time else "") if word)


async def read_sent(request: Request, deadline_s: float) -> bytes:
    """Return the body of one of our forms; raises Refused for any other, and for one that is too large or too slow."""
    return await body.read_body(request, body.FORM, max_bytes=MAX_FORM_BYTES, deadline_s=deadline_s)


def check_sender(request: Request) -> None:
    """Refuse what another site's page made a browser send: it would use up the quota of the visitor's whole office.

    Browsers say so themselves, by https; those that do not are believed. Origin says nothing: we send no referrer.
    """
    if comes_from_elsewhere(request):
        raise Refused("sent_from_elsewhere")


def comes_from_elsewhere(request: Request) -> bool:
    """Say whether another site's page led or made a browser ask: our cookie does not come along then."""
    return request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}


def needs_new_key(error: RouterError | None) -> bool:
    """Say whether a form's key was wrong, or may be known to another page."""
    return error is not None and error.code.startswith(("idempotency", "sent_from_elsewhere"))
