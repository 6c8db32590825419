"""The page of one case: its head, then its parts, each made by its own room.

Every look is a line of the audit, and written down as seen. Opens nothing that is sealed.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from router.console.pages import (
    access,
    actionwords,
    casedialogue,
    casefacts,
    caseflood,
    casekept,
    casenotes,
    caseoutside,
    caserouting,
    casetimeline,
    factwords,
    ledger,
    report,
    work,
)
from router.console.pages.ask import Ask, page
from router.console.pages.part import Part, policy_of
from router.console.pages.rendering import show
from router.console.pages.urgent import urgent
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Forbidden, RouterError
from router.store import caseviews, timeline
from router.store.audit import note
from router.store.casehead import CaseHead, head
from router.store.engine import transaction
from router.store.timeline import Event

VIEWED: Final = "case_viewed"
MOST_NEWS: Final = 20
CHANGED: Final = "changed_since"

PARTS: tuple[Part, ...] = (
    work.CLAIM,
    caseflood.FLOOD,
    report.REPORT,
    caseoutside.IDENTITY,
    casefacts.FACTS,
    casefacts.LINKED,
    casefacts.DECISION,
    ledger.LEDGER,
    caseoutside.OUTSIDE,
    casekept.KEPT,
    casedialogue.DIALOGUE,
    casenotes.NOTES,
    casetimeline.TIMELINE,
    work.WORK,
    caserouting.ROUTING,
)
"""What the case page is made of below its head, in order. Add yours here."""


def show_case(ask: Ask) -> Response:
    """Show the case in the address; with `print` everything at once, for paper."""
    return case_page(ask)


def case_page(
    ask: Ask,
    *,
    status: int = 200,
    refused: RouterError | None = None,
    mistakes: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    """Show the case in the address, after a form on it with why that was refused; `typed` holds what was typed.

    `mistakes` says per field what is wrong with it; `more` goes to the templates. Raises Forbidden, audited.
    """
    attempt = access.begin(ask, VIEWED)
    printed = "print" in ask.query
    with transaction(ask.desk.engine) as connection:
        case = head(connection, attempt.reference)
        if case is None:
            raise Forbidden("unknown_case")
        shown = [(part, part.values(ask, connection, case)) for part in PARTS]
        happened = news(ask, connection, case) if refused and refused.code == CHANGED else []
        caseviews.seen(connection, case.reference, ask.viewer.handle, case.version)
        note(connection, [attempt.entry(detail="print" if printed else "")])
    policy = policy_of(ask, case)
    values = {
        "case": case,
        "parts": [(part, values) for part, values in shown if not part.aside],
        "beside": [(part, values) for part, values in shown if part.aside],
        "yours": case.claimed_by == ask.viewer.handle,
        "warnings": [warning for _, values in shown for warning in _warnings(values)],
        "policy": policy,
        "urgent": urgent(ask, case.facts, policy) if case.open else None,
        "facts": factwords,
        "acts": actionwords,
        "mistakes": mistakes or {},
        "why": told(refused) if refused else None,
        "news": happened,
        "printed": printed,
    }
    return show(ask, "case.html", status, **{**values, **more})


def _warnings(values: Mapping[str, object]) -> list[str]:
    found = values.get("warnings", [])
    return list(found) if isinstance(found, list) else []


def news(ask: Ask, connection: Connection, case: CaseHead) -> list[Event]:
    """Return what happened with the case since the page was shown that a form on it came from."""
    version, _, mark = ask.form.get(access.VERSION).partition(".")
    if not mark.isdecimal() or not mark.isascii() or len(mark) > len(str(case.mark)) or not version:
        return []
    return timeline.since(connection, case.reference, int(mark), but=actionwords.LOOKS, limit=MOST_NEWS)


PAGES = (page("GET", "/console/cases/{reference}", Right.WORK_ON_CASES, show_case),)
