"""The report with all questions on one page, at /report/all: for whoever wants that, or keeps no cookies.

What was typed is shown again when something is wrong with it, from the request in memory; it is
never stored, and never in an address.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from router.errors import RouterError
from router.reporter import words
from router.reporter.choices import Choices
from router.reporter.form import REPORT_FIELDS, Typed, read_typed
from router.reporter.formpage import form_page
from router.reporter.guided.topics import LEAVE_IT
from router.reporter.house.house import House
from router.reporter.receiptpage import kept_page
from router.reporter.rendering import Visit, add_page
from router.reporter.telling import check_sender, read_sent

PLACE = "/report"
ALL = f"{PLACE}/all"


@dataclass(frozen=True, slots=True)
class ReportDesk:
    """What the pages need from the rest of the product."""

    choices: Callable[[], Choices]
    """What the policy in force lets a reporter choose."""
    submit: Callable[[Mapping[str, Any], Request, str | None], Awaitable[bytes]]
    """Takes a concern in as a person's; returns the body of the API's 201."""
    body_deadline_s: float


class ReportPages:
    """The handlers."""

    def __init__(self, desk: ReportDesk, house: House) -> None:
        self._desk = desk
        self._house = house

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter()
        for place in ("/", ""):
            add_page(routes, self._house, place, self.begin)
        add_page(routes, self._house, ALL, self.show)
        add_page(routes, self._house, PLACE, self.take, ["POST"])
        return routes

    async def begin(self, visit: Visit) -> Response:
        """Lead to the report."""
        return visit.go(PLACE)

    async def show(self, visit: Visit) -> Response:
        """Show the empty form."""
        return self.form(visit, Typed())

    async def take(self, visit: Visit) -> Response:
        """Take the report in and show the receipt, once; or show what is wrong with it."""
        typed = Typed()
        try:
            sent = await read_sent(visit.request, self._desk.body_deadline_s)
            typed = read_typed(sent, names=REPORT_FIELDS)
            check_sender(visit.request)
            answer = orjson.loads(await self._desk.submit(typed.concern(), visit.request, typed.key))
        except RouterError as error:
            return self.form(visit, typed, error)
        return kept_page(visit, answer)

    def form(
        self, visit: Visit, typed: Typed, error: RouterError | None = None, *, message: str | None = None
    ) -> Response:
        """Return the page with what was typed, and what is wrong with it or why it is shown."""
        return form_page(
            visit,
            "report.html",
            self._desk.choices(),
            words.LABELS,
            typed,
            error=error,
            message=message,
            advice=LEAVE_IT,
        )
