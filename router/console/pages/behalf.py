"""Taking a report down for somebody: makes the link, and shows what became of the last ones."""

from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.responses import Response

from router.console.behalf import LASTS_S, Link, end_links, forget_links, make_link
from router.console.pages.ask import Ask, Desk, page
from router.console.pages.rendering import go, show
from router.console.rights import Right
from router.errors import Forbidden
from router.store import behalf
from router.store.engine import transaction

PLACE: Final = "/console/behalf"
SHOWN: Final = 10
FORGET_S: Final = 3600


def show_links(ask: Ask) -> Response:
    """Say how it goes, and what became of one's own links."""
    ask.note("behalf_links_listed", f"person:{ask.viewer.handle}")
    return _links_page(ask)


def make(ask: Ask) -> Response:
    """Make a link and show it, this once."""
    try:
        link = make_link(ask.desk.engine, ask.viewer.handle, public_url=ask.desk.public_url)
    except Forbidden as error:
        return _links_page(ask, status=409, refused=error.code)
    return _links_page(ask, status=201, link=link)


def end(ask: Ask) -> Response:
    """End one's own links that were not used."""
    end_links(ask.desk.engine, ask.viewer.handle)
    return go(PLACE, said="links_ended")


def chores(desk: Desk) -> list[tuple[Callable[[], None], float]]:
    """Forget links that ended long ago."""
    return [(partial(forget_links, desk.engine), FORGET_S)]


def _links_page(ask: Ask, *, status: int = 200, link: Link | None = None, refused: str | None = None) -> Response:
    with transaction(ask.desk.engine) as connection:
        links = behalf.made_by(connection, ask.viewer.handle, limit=SHOWN)
    unused = any(one.used_at is None and one.ends_at > ask.now for one in links)
    return show(
        ask,
        "behalf.html",
        status,
        links=links,
        link=link,
        refused=refused,
        unused=unused,
        minutes=LASTS_S // 60,
    )


PAGES = (
    page("GET", PLACE, Right.WORK_ON_CASES, show_links),
    page("POST", PLACE, Right.WORK_ON_CASES, make),
    page("POST", f"{PLACE}/end", Right.WORK_ON_CASES, end),
)
