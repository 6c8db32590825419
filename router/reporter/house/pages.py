"""The pages that the house fills: other ways out, the privacy notice, the poster, and the blank page to leave to.

They show what `house.yaml` says and ask nothing.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import segno
from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from router.reporter.house.file import AWAY
from router.reporter.house.house import House
from router.reporter.rendering import Visit, add_page
from router.web import edge

PAPERS: Final = ("a4", "letter")


class HousePages:
    """The handlers."""

    def __init__(self, house: House, *, public_url: str) -> None:
        """`public_url` is where reporters reach these pages, as the poster prints it."""
        self._house = house
        self._public_url = public_url.rstrip("/")

    def routes(self) -> APIRouter:
        """Return the pages; they are not part of the API's document."""
        routes = APIRouter(include_in_schema=False)
        for place, template in (("/elsewhere", "elsewhere.html"), ("/privacy", "privacy.html"), (AWAY, "away.html")):
            add_page(routes, self._house, place, partial(_show, template))
        for paper in PAPERS:
            add_page(routes, self._house, f"/poster/{paper}", partial(self._poster, paper))
        return routes

    async def _poster(self, paper: str, visit: Visit) -> Response:
        """Show the sheet, with the address in the visit's language as it is written and as a code to scan."""
        address = f"{self._public_url}{visit.path('/report')}"
        code = segno.make(address, error="m", micro=False)
        drawn = code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
        return visit.page("poster.html", paper=paper, address=address, code=Markup(drawn))  # noqa: S704 - segno's


async def _show(template: str, visit: Visit) -> Response:
    return visit.page(template)


def house_files(house: House) -> APIRouter:
    """Return the routes of the style sheet in the house's colours and of its logo."""
    routes = APIRouter(include_in_schema=False)
    routes.add_route("/static/style.css", _file(house.stylesheet.encode(), "text/css"), methods=edge.READ)
    if house.picture:
        logo = house.picture
        routes.add_route(logo.path, _file(logo.content, logo.media_type), methods=edge.READ)
    return routes


def _file(content: bytes, media_type: str) -> Callable[[Request], Response]:
    def answer(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer
