"""Concerns that came in a flood and wait for a look: which there are, and what one does about all of a flood, or one.

Shows only cases that one may work on. Opens none.
"""

from starlette.responses import Response

from router.console import floods
from router.console.acting import IN_CONSOLE, By
from router.console.pages import access
from router.console.pages.ask import Ask, page
from router.console.pages.casework import on_case
from router.console.pages.rendering import go, show
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Forbidden
from router.model import AuditEntry
from router.store import parked
from router.store.audit import note
from router.store.engine import transaction

HOME = "/console/floods"


def show_floods(ask: Ask) -> Response:
    """List the floods of which something waits, the most urgent first."""
    return _floods(ask)


def _floods(ask: Ask, refused: Forbidden | None = None) -> Response:
    """Show them; after a form that was not taken, with why."""
    who = ask.viewer.handle
    with transaction(ask.desk.engine) as connection:
        found = parked.floods(connection, who)
        note(connection, [AuditEntry(f"person:{who}", "floods_listed", "floods", detail=f"count={len(found)}")])
    status = 200 if refused is None else 422 if refused.code == "reason_malformed" else 409
    return show(
        ask,
        "floods.html",
        status,
        floods=found,
        most=parked.SHOWN,
        about=ask.path.get("flood", ""),
        why=told(refused) if refused else None,
        odd_reason=refused is not None and refused.code == "reason_malformed",
    )


def let_go(ask: Ask) -> Response:
    """Have the channels of a flood's cases told now."""
    try:
        ended = floods.let_go(ask.desk.engine, flood=ask.path["flood"], handle=ask.viewer.handle, login=IN_CONSOLE)
    except Forbidden as refused:
        return _floods(ask, refused)
    ask.desk.ring(ended.to_ring)
    return go(HOME, said="flood_let_go")


def close(ask: Ask) -> Response:
    """Close a flood's cases as one."""
    try:
        floods.close(
            ask.desk.engine,
            flood=ask.path["flood"],
            handle=ask.viewer.handle,
            login=IN_CONSOLE,
            reason=ask.form.get("reason"),
        )
    except Forbidden as refused:
        return _floods(ask, refused)
    return go(HOME, said="flood_closed")


def let_go_case(ask: Ask) -> Response:
    """Have the channels of one case told now."""
    by = By(ask.path["reference"], ask.viewer.handle, IN_CONSOLE, lasts_s=ask.desk.limits.claim_s)
    ask.desk.ring(floods.let_go_case(ask.desk.engine, by))
    return access.back(ask, "case_let_go", "flood")


PAGES = (
    page("GET", HOME, Right.WORK_ON_CASES, show_floods),
    page("POST", f"{HOME}/{{flood}}/let-go", Right.WORK_ON_CASES, let_go),
    page("POST", f"{HOME}/{{flood}}/close", Right.WORK_ON_CASES, close, "reason"),
    page("POST", "/console/cases/{reference}/let-go", Right.WORK_ON_CASES, on_case(let_go_case)),
)
