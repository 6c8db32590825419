"""Following a report up at /follow-up, with the receipt: where it stands, and what staff wrote.

The receipt is in the body of a request alone, and nothing of a visit is kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from router.errors import RouterError
from router.reporter import receipts, words
from router.reporter.form import FOLLOW_UP_FIELDS, RECEIPT, read_typed
from router.reporter.house import House
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import MAX_FORM_BYTES, check_sender, told
from router.store.cases import CaseStatus
from router.store.messages import StoredMessage
from router.web import body

PLACE = "/follow-up"


@dataclass(frozen=True, slots=True)
class FollowDesk:
    """What the pages need from the rest of the product."""

    find: Callable[[bytes], CaseStatus | None]
    """Returns the status of the case whose receipt has this look-up id."""
    written: Callable[[bytes], Sequence[StoredMessage]]
    """Returns what staff wrote to the holder of that receipt, sealed to it."""
    hold_wrong: Callable[[Request, float], Awaitable[None]]
    """Counts a wrong receipt and waits until it may be answered; told when the request was read (the loop's clock)."""
    receipt_secret: bytes
    body_deadline_s: float


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
        return routes

    async def show(self, visit: Visit) -> Response:
        """Ask for the receipt."""
        return visit.page("follow_up.html", message=None, status=None, messages=())

    async def take(self, visit: Visit) -> Response:
        """Say where the case of a receipt stands; the same answer for every wrong one.

        And after the same time: see `guesses`. A right one is answered at once.
        """
        try:
            sent = await body.read_body(
                visit.request, body.FORM, max_bytes=MAX_FORM_BYTES, deadline_s=self._desk.body_deadline_s
            )
            typed = read_typed(sent, names=FOLLOW_UP_FIELDS)
            check_sender(visit.request)
            since = asyncio.get_running_loop().time()
            found = await asyncio.to_thread(
                receipts.followed,
                typed.single.get(RECEIPT, ""),
                self._desk.receipt_secret,
                find=self._desk.find,
                written=self._desk.written,
            )
        except RouterError as error:
            said = told(error, words.LABELS)
            return visit.page(
                "follow_up.html", said.status, said.headers, message=said.message, status=None, messages=()
            )
        if found is None:
            await self._desk.hold_wrong(visit.request, since)
            return visit.page("follow_up.html", 404, message=words.WRONG_RECEIPT, status=None, messages=())
        return visit.page("follow_up.html", message=None, status=_status(visit, found.status), messages=found.messages)


def _status(visit: Visit, found: CaseStatus) -> Mapping[str, str | Sequence[str | None] | None]:
    return {
        "words": words.state_in_words(found.state, found.referral_states),
        "received_at": visit.day(found.received_at),
        "acknowledge_by": visit.day(found.acknowledge_by),
        "feedback_by": visit.day(found.feedback_by),
        "identified_at": [visit.day(moment) for moment in found.identified_at],
    }
