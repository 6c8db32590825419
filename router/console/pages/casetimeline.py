"""The timeline of a case: its newest entries on the case page, all of them, a page at a time, on one of their own."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from router.console.pages import access, actionwords
from router.console.pages.ask import Ask, page
from router.console.pages.part import Part
from router.console.pages.rendering import show
from router.console.rights import Right
from router.store import timeline
from router.store.audit import note
from router.store.casehead import CaseHead
from router.store.engine import transaction
from router.store.timeline import Place

VIEWED: Final = "case_timeline_viewed"
ON_CASE, ON_PAGE, ON_PAPER = 15, 100, 1000
_PLACE: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6})Z-(audit|attempt)-(\d{1,18})")


def _newest(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    most = ON_PAPER if "print" in ask.query else ON_CASE
    found = timeline.events(connection, case.reference, but=actionwords.LOOKS, limit=most + 1)
    return {"events": found[:most], "more": len(found) > most}


def show_timeline(ask: Ask) -> Response:
    """Show a page of the timeline; with `looks` each look at the case too. Raises Forbidden, audited."""
    attempt = access.begin(ask, VIEWED)
    looks = "looks" in ask.query
    but: Collection[str] = () if looks else actionwords.LOOKS
    after = _place(ask.query.get("after", ""))
    with transaction(ask.desk.engine) as connection:
        found = timeline.events(connection, attempt.reference, but=but, after=after, limit=ON_PAGE + 1)
        note(connection, [attempt.entry(detail="looks" if looks else "")])
    further = found[ON_PAGE - 1].place if len(found) > ON_PAGE else None
    return show(
        ask,
        "case/timeline_page.html",
        reference=attempt.reference,
        events=found[:ON_PAGE],
        further=_written(further) if further else None,
        first=after is None,
        looks=looks,
        acts=actionwords,
    )


def _written(place: Place) -> str:
    return f"{place.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z-{place.source}-{place.id}"


def _place(given: str) -> Place | None:
    """Return where a page begins; from the start for an address that we did not make."""
    found = _PLACE.fullmatch(given)
    if found is None:
        return None
    try:
        return Place(datetime.fromisoformat(f"{found[1]}+00:00"), found[2], int(found[3]))
    except ValueError:
        return None


TIMELINE = Part("timeline", "case/timeline.html", _newest, "Timeline")
PAGES = (page("GET", "/console/cases/{reference}/timeline", Right.WORK_ON_CASES, show_timeline),)
