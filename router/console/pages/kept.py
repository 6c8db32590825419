"""The form by which a reviewer opens a kept copy of what left, and the page that shows it, once."""

from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.responses import Response

from router.console import keeping
from router.console.keeping import OPENED, open_kept
from router.console.pages import access
from router.console.pages.ask import Ask, Desk, page
from router.console.pages.casenotes import number
from router.console.pages.casework import on_case
from router.console.pages.rendering import show
from router.console.rights import Right
from router.console.unlocking import unlocked

TEND_EVERY_S: Final = 60.0


def open_copy(ask: Ask) -> Response:
    """Show one copy, in answer to a form that says why; the audit knows before anybody sees it."""
    attempt = access.begin(ask, OPENED)
    reader = unlocked(ask.desk.engine, ask.viewer, ask.cookie)
    reason = attempt.check_reason(ask.form.get("reason"))
    opened = open_kept(attempt, reader, number(ask.form.get("kept")) or 0, reason=reason)
    return show(ask, "case/kept_opened.html", reference=attempt.reference, opened=opened)


def chores(desk: Desk) -> list[tuple[Callable[[], None], float]]:
    """Return that copies get their time, and go when it has passed."""
    return [(partial(keeping.tend, desk.engine, desk.policies), TEND_EVERY_S)]


PAGES = (page("POST", "/console/cases/{reference}/open-kept", Right.WORK_ON_CASES, on_case(open_copy), "kept reason"),)
