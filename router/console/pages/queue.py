"""The queue: which cases wait for somebody of one's teams, the most urgent first."""

from starlette.responses import Response

from router.console.pages.ask import Ask, page
from router.console.pages.rendering import show
from router.console.rights import Right


def show_queue(ask: Ask) -> Response:
    """Show the queue."""
    return show(ask, "queue.html")


PAGES = (page("GET", "/console", Right.WORK_ON_CASES, show_queue),)
