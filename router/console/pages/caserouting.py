"""A part of the case page: where it leads to who else should have the case, and who had it before."""

from collections.abc import Mapping

from sqlalchemy import Connection

from router.console.pages.ask import Ask
from router.console.pages.part import Part
from router.store import decisions
from router.store.casehead import CaseHead


def _routing(_ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    return {"earlier": decisions.earlier(connection, case.reference)}


ROUTING = Part("routing", "case/routing.html", _routing, "Re-route", aside=True)
