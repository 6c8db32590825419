"""The reporters' pages: /report and /follow-up. No script, no account, nothing kept but the report.

What was typed is shown again when something is wrong with it, from the request in memory; it is
never stored, and never in an address.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from router import clock
from router.errors import Fault, Refused, RouterError, Unavailable
from router.reporter import receipts, words
from router.reporter.form import FOLLOW_UP_FIELDS, RECEIPT, REPORT_FIELDS, ZONE, Typed, read_typed
from router.store.cases import CaseStatus
from router.store.messages import StoredMessage
from router.web import body, edge
from router.web.refusals import GUIDANCE, LEAVE_IT

MAX_FORM_BYTES: Final = 64 * 1024
KEY_BYTES: Final = 24
"""Random bytes of a form's own idempotency key: 32 characters."""
ZONES: Final = tuple(
    f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    for minutes in sorted({*range(-720, 841, 60), -570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765})
)
"""Offsets in use, in hours and minutes from UTC."""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A category as the page lists it."""

    name: str
    label: str
    group: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page offers: categories in their order, and sites with their labels."""

    categories: Sequence[Kind]
    sites: Mapping[str, str]

    @property
    def groups(self) -> Mapping[str, Sequence[Kind]]:
        """Return the categories under their headings."""
        groups: dict[str, list[Kind]] = {}
        for kind in self.categories:
            groups.setdefault(kind.group, []).append(kind)
        return groups


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages need from the rest of the product."""

    choices: Callable[[], Choices]
    """What the policy in force lets a reporter choose."""
    submit: Callable[[Mapping[str, Any], Request, str | None], Awaitable[bytes]]
    """Takes a concern in as a person's; returns the body of the API's 201."""
    find: Callable[[bytes], CaseStatus | None]
    """Returns the status of the case whose receipt has this look-up id."""
    written: Callable[[bytes], Sequence[StoredMessage]]
    """Returns what staff wrote to the holder of that receipt, sealed to it."""
    wait_for_guess_s: Callable[[Request], int]
    """Counts a wrong receipt; returns seconds to wait when this address had too many."""
    receipt_secret: bytes
    body_deadline_s: float


class Pages:
    """The handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/", self.begin, methods=edge.READ)
        routes.add_api_route("/report", self.show_report, methods=edge.READ)
        routes.add_api_route("/report", self.take_report, methods=["POST"])
        routes.add_api_route("/follow-up", self.show_follow_up, methods=edge.READ)
        routes.add_api_route("/follow-up", self.take_follow_up, methods=["POST"])
        return routes

    async def begin(self, _request: Request) -> Response:
        """Lead to the report."""
        return RedirectResponse("/report", 303)

    async def show_report(self, _request: Request) -> Response:
        """Show the empty form."""
        return self._report(Typed())

    async def take_report(self, request: Request) -> Response:
        """Take the report in and show the receipt, once; or show what is wrong with it."""
        typed = Typed()
        try:
            sent = await self._read(request)
            typed = read_typed(sent, names=REPORT_FIELDS)
            check_sender(request)
            answer = orjson.loads(await self._desk.submit(typed.concern(), request, typed.key))
        except RouterError as error:
            return self._report(typed, error)
        return kept_page(answer)

    async def show_follow_up(self, _request: Request) -> Response:
        """Ask for the receipt."""
        return page("follow_up.html", 200, message=None, status=None, messages=())

    async def take_follow_up(self, request: Request) -> Response:
        """Say where the case of a receipt stands; the same answer for every wrong one.

        A right one is always answered, whatever others behind the same address tried: nobody guesses 120 bits, and
        a colleague could keep a whole office from its answers.
        """
        try:
            typed = read_typed(await self._read(request), names=FOLLOW_UP_FIELDS)
            check_sender(request)
            found = await asyncio.to_thread(
                receipts.followed,
                typed.single.get(RECEIPT, ""),
                self._desk.receipt_secret,
                find=self._desk.find,
                written=self._desk.written,
            )
            wait_s = self._desk.wait_for_guess_s(request) if found is None else 0
            if wait_s:
                raise Refused("quota_exceeded", retry_after_s=wait_s)
        except RouterError as error:
            said = told(error, words.LABELS)
            return page("follow_up.html", said.status, said.headers, message=said.message, status=None, messages=())
        if found is None:
            return page("follow_up.html", 404, message=words.WRONG_RECEIPT, status=None, messages=())
        return page("follow_up.html", 200, message=None, status=_status(found.status), messages=found.messages)

    async def _read(self, request: Request) -> bytes:
        return await body.read_body(request, body.FORM, max_bytes=MAX_FORM_BYTES, deadline_s=self._desk.body_deadline_s)

    def _report(self, typed: Typed, error: RouterError | None = None) -> Response:
        choices = self._desk.choices()
        said = told(error, words.LABELS)
        return page(
            "report.html",
            said.status,
            said.headers,
            message=said.message,
            faults=said.faults,
            wrong={fault.field for fault in said.faults},
            typed=shown_again(typed, said),
            ticked=typed.several,
            key=_key(typed, error),
            groups=choices.groups,
            sites=choices.sites,
            zones=ZONES,
            zone=typed.single.get(ZONE) or clock.now().astimezone().isoformat()[-6:],
            asked=words.LABELS,
            words=words,
        )


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
    return {name: text for name, text in typed.single.items() if name not in material}


def check_sender(request: Request) -> None:
    """Refuse what another site's page made a browser send: it would use up the quota of the visitor's whole office.

    Browsers say so themselves, by https; those that do not are believed. Origin says nothing: we send no referrer.
    """
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise Refused("sent_from_elsewhere")


def _key(typed: Typed, error: RouterError | None) -> str:
    """Return the form's key: the same again, unless the key was wrong or may be known to another page."""
    if typed.key and not (error and error.code.startswith(("idempotency", "sent_from_elsewhere"))):
        return typed.key
    return secrets.token_urlsafe(KEY_BYTES)


def page(template: str, status_code: int, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
    """Return a page made of one of our templates."""
    return HTMLResponse(_templates.get_template(template).render(values), status_code, dict(headers or {}))


def kept_page(answer: Mapping[str, Any], *, on_behalf: bool = False) -> Response:
    """Return the page that shows the receipt, once: to the reporter, or to who took the report down for them."""
    return page(
        "receipt.html",
        201,
        receipt=answer["receipt"],
        guidance=answer.get("guidance", ()),
        acknowledge_by=_day(_moment(answer["acknowledge_by"])),
        feedback_by=_day(_moment(answer["feedback_by"])),
        on_behalf=on_behalf,
    )


def _status(found: CaseStatus) -> Mapping[str, str | Sequence[str] | None]:
    return {
        "words": words.state_in_words(found.state, found.referral_states),
        "received_at": _day(found.received_at),
        "acknowledge_by": _day(found.acknowledge_by),
        "feedback_by": _day(found.feedback_by),
        "identified_at": [f"{moment.day} {moment:%B %Y}" for moment in found.identified_at],
    }


def _moment(text: str | None) -> datetime | None:
    """Return a date of the answer; there is none where the law sets no such time."""
    return datetime.fromisoformat(text) if text else None


def _day(moment: datetime | None) -> str | None:
    return f"{moment.day} {moment:%B %Y}" if moment else None
