"""The console's pages, a module for each group; `frame` serves them all, and says who may see which.

A group's module ends in its PAGES, and may have `chores(desk)`: what it does now and then beside requests.
"""

from collections.abc import Callable

from router.console.pages import (
    account,
    approvals,
    auditlog,
    behalf,
    case,
    casedialogue,
    casenotes,
    casetimeline,
    casework,
    channels,
    conflictfound,
    custody,
    floods,
    handovers,
    kept,
    ledger,
    outside,
    people,
    queue,
    rerouting,
    routing,
    signingin,
    singlesignon,
    tasks,
    unlocking,
)
from router.console.pages.ask import Desk, Page

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *floods.PAGES,
    *case.PAGES,
    *casework.PAGES,
    *casetimeline.PAGES,
    *ledger.PAGES,
    *casenotes.PAGES,
    *casedialogue.PAGES,
    *tasks.PAGES,
    *behalf.PAGES,
    *signingin.PAGES,
    *singlesignon.PAGES,
    *unlocking.PAGES,
    *account.PAGES,
    *people.PAGES,
    *rerouting.PAGES,
    *conflictfound.PAGES,
    *outside.PAGES,
    *kept.PAGES,
    *handovers.PAGES,
    *approvals.PAGES,
    *custody.PAGES,
    *routing.PAGES,
    *auditlog.PAGES,
    *channels.PAGES,
)
"""Everything that the console serves."""


def chores(desk: Desk) -> list[tuple[Callable[[], None], float]]:
    """Return what is done now and then, with the seconds between."""
    return [
        *casework.chores(desk),
        *behalf.chores(desk),
        *outside.chores(desk),
        *kept.chores(desk),
        *handovers.chores(desk),
        *custody.chores(desk),
        *signingin.chores(desk),
    ]
