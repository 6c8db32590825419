"""Following a report up at /follow-up with the receipt: where it stands, what staff wrote, what is written to them.

The receipt is in the body of a request alone, and nothing of a visit is kept: each page is the answer to a form that
brings the receipt along, so closing it ends the visit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from router.errors import Refused, RouterError, Unavailable
from router.reporter import receipts
from router.reporter.following import words as followwords
from router.reporter.following.letters import Letters
from router.reporter.following.standing import IN_WORDS, stage_of
from router.reporter.form import KEY, RECEIPT, Typed, read_typed
from router.reporter.formpage import key_of
from router.reporter.house.house import House
from router.reporter.receiptpage import kept_page
from router.reporter.receipts import Followed
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import check_sender, read_sent, shown_again, told
from router.reporter.words import WRONG_RECEIPT
from router.store.byreceipt import FollowedCase, Line, Written
from router.vocabulary import NoticedHow, ReporterKind
from router.web.texts import as_kept

PLACE: Final = "/follow-up"
MESSAGE, HARM, REASON, KIND = "message", "narrative", "reason", "kind"
RETALIATION: Final = "retaliation"
"""The category of what happened to somebody because they reported."""
LONGEST_HARM: Final = 3900
"""Characters; which report it is about is sealed with them."""


@dataclass(frozen=True, slots=True)
class Form:
    """One of the forms of the page."""

    name: str
    fields: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Where it is sent to."""
        return f"{PLACE}/{self.name}"

    @property
    def names(self) -> frozenset[str]:
        """The fields that it may have."""
        return self.fields | {RECEIPT, KEY}


WRITE: Final = Form("write", frozenset({MESSAGE, KIND}))
HARMED: Final = Form("harm", frozenset({HARM, "involves"}))
WITHDRAW: Final = Form("withdraw", frozenset({REASON}))
ASK: Final = Form("")


@dataclass(frozen=True, slots=True)
class FollowDesk:
    """What the pages need from the rest of the product."""

    find: Callable[[bytes], FollowedCase | None]
    """Returns the case whose receipt has this look-up id."""
    written: Callable[[bytes], Sequence[Line]]
    """Returns its dialogue, as far as it is sealed to the holder of that receipt."""
    outside: Callable[[], Collection[str]]
    """Returns the channels that lead out of the organisation."""
    letters: Letters
    submit: Callable[[Mapping[str, Any], Request, str | None], Awaitable[bytes]]
    """Takes a concern in as a person's; returns the body of the API's 201."""
    categories: Callable[[], Collection[str]]
    """Returns what a concern may be about."""
    hold_wrong: Callable[[Request, float], Awaitable[None]]
    """Counts a wrong receipt and waits until it may be answered; told when the request was read (the loop's clock)."""
    receipt_secret: bytes
    body_deadline_s: float


Act = Callable[[Visit, Typed, Followed], Awaitable[Response]]


class FollowPages:
    """The handlers."""

    def __init__(self, desk: FollowDesk, house: House) -> None:
        self._desk = desk
        self._house = house

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter()
        add_page(routes, self._house, PLACE, self.show)
        add_page(routes, self._house, PLACE, self.take, ["POST"])
        for form, act in ((WRITE, self._write), (HARMED, self._report_harm), (WITHDRAW, self._withdraw)):
            add_page(routes, self._house, form.place, self.begin)
            add_page(routes, self._house, form.place, self._taking(form, act), ["POST"])
        return routes

    async def show(self, visit: Visit) -> Response:
        """Ask for the receipt."""
        return self._page(visit)

    async def begin(self, visit: Visit) -> Response:
        """Lead whoever comes back to a form's address to the page that asks for the receipt."""
        return visit.go(PLACE)

    async def take(self, visit: Visit) -> Response:
        """Say where the case of a receipt stands; the same answer for every wrong one.

        And after the same time: see `guesses`. A right one is answered at once.
        """

        async def show(visit: Visit, typed: Typed, followed: Followed) -> Response:
            return self._page(visit, followed, typed=typed)

        return await self._answer(visit, ASK, show)

    def _taking(self, form: Form, act: Act) -> Callable[[Visit], Awaitable[Response]]:
        async def take(visit: Visit) -> Response:
            return await self._answer(visit, form, act)

        return take

    async def _answer(self, visit: Visit, form: Form, act: Act) -> Response:
        typed, followed = Typed(), None
        try:
            sent = await read_sent(visit.request, self._desk.body_deadline_s)
            since = asyncio.get_running_loop().time()
            typed = read_typed(sent, names=form.names)
            check_sender(visit.request)
            followed = await self._followed(typed)
            if followed is not None:
                return await act(visit, typed, followed)
        except RouterError as error:
            return self._page(visit, followed, form, typed, error)
        await self._desk.hold_wrong(visit.request, since)
        return self._page(visit, status=404, message=WRONG_RECEIPT)

    async def _followed(self, typed: Typed) -> Followed | None:
        return await asyncio.to_thread(
            receipts.followed,
            typed.get(RECEIPT),
            self._desk.receipt_secret,
            find=self._desk.find,
            written=self._desk.written,
        )

    async def _write(self, visit: Visit, typed: Typed, followed: Followed) -> Response:
        """Keep an answer, or more facts."""
        text = as_kept(typed.get(MESSAGE), field=MESSAGE)
        kind = ReporterKind.ANSWER if typed.get(KIND) == ReporterKind.ANSWER.value else ReporterKind.ADDITION
        return await self._keep(visit, typed, followed, kind, text)

    async def _withdraw(self, visit: Visit, typed: Typed, followed: Followed) -> Response:
        """Ask the team to withdraw the report, once."""
        text = as_kept(typed.get(REASON), field=REASON) if typed.get(REASON).strip() else ""
        return await self._keep(visit, typed, followed, ReporterKind.WITHDRAWAL, text)

    async def _keep(self, visit: Visit, typed: Typed, followed: Followed, kind: ReporterKind, text: str) -> Response:
        key = key_of(typed, None)
        written = await asyncio.to_thread(
            self._desk.letters.keep, followed.holder, followed.case, kind=kind, words=text, key=key
        )
        if written is Written.TOO_MANY:
            raise Refused("messages_full")
        return self._page(visit, await self._followed(typed), typed=typed, done=followwords.DONE[kind, written])

    async def _report_harm(self, visit: Visit, typed: Typed, followed: Followed) -> Response:
        """Take in what happened because somebody reported, as a concern of its own with a receipt of its own.

        Which report it is about is sealed with it. The team of that one is not told.
        """
        text = as_kept(typed.get(HARM), field=HARM, longest=LONGEST_HARM)
        concern = {
            "category": RETALIATION,
            "noticed_how": NoticedHow.COLLEAGUE_WITNESS.value,
            HARM: f"About the earlier report {followed.case.reference}:\n\n{text}",
            **{name: list(values) for name, values in typed.several.items() if values},
        }
        answer = orjson.loads(await self._desk.submit(concern, visit.request, typed.key))
        return kept_page(visit, answer, second=True)

    def _page(
        self,
        visit: Visit,
        followed: Followed | None = None,
        form: Form = ASK,
        typed: Typed | None = None,
        error: RouterError | None = None,
        *,
        status: int | None = None,
        message: str | None = None,
        done: str | None = None,
    ) -> Response:
        typed = typed or Typed()
        said = told(error, followwords.LABELS)
        return visit.page(
            "follow_up.html",
            status or said.status,
            said.headers,
            message=message or (followwords.NOT_NOW if isinstance(error, Unavailable) else said.message),
            faults=said.faults,
            wrong={fault.field for fault in said.faults},
            done=done,
            followed=followed,
            stands=IN_WORDS[stage_of(followed.case, self._desk.outside())] if followed else None,
            form=form.name,
            receipt=typed.get(RECEIPT),
            typed=shown_again(typed, said) if error else {},
            ticked=typed.several if error else {},
            key=key_of(typed if error else Typed(), error),
            harm=RETALIATION in self._desk.categories(),
            asked=followwords.LABELS,
            words=followwords,
        )
