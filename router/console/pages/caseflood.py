"""The part of a case page that says that it came in a flood: whether it waits, until when, and how that ended."""

from collections.abc import Mapping

from sqlalchemy import Connection

from router.console.pages.ask import Ask
from router.console.pages.part import Part
from router.store import parked
from router.store.casehead import CaseHead


def _link(_ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    return {"link": parked.link_of(connection, case.reference)}


FLOOD = Part("flood", "case/flood.html", _link)
