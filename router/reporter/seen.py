"""The page that says honestly what of a reporter can be hidden, and what cannot; read before one says who one is.

Asks nothing, and keeps nothing of who read it.
"""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from router.reporter import words
from router.reporter.choices import Choices
from router.reporter.house.house import House
from router.reporter.rendering import Visit, add_page

PLACE: Final = "/who-sees-what"


class SeenPage:
    """The handler."""

    def __init__(self, choices: Callable[[], Choices], house: House) -> None:
        self._choices = choices
        self._house = house

    def routes(self) -> APIRouter:
        """Return the page; it is not part of the API's document."""
        routes = APIRouter(include_in_schema=False)
        add_page(routes, self._house, PLACE, self.show)
        return routes

    async def show(self, visit: Visit) -> Response:
        """Show it, with what each way to be known means here."""
        hints = words.identity_hints(custodians=self._choices().custodians)
        return visit.page("who_sees_what.html", ways=[(words.IDENTITY[way], hints[way]) for way in words.IDENTITY])
