"""The page of one case: its head, then its parts, each made by its own room.

Every look is a line of the audit, and written down as seen. Opens nothing that is sealed.
"""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from router.console.pages import access
from router.console.pages.ask import Ask, page
from router.console.pages.part import Part
from router.console.pages.rendering import go, show
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Forbidden, RouterError
from router.store.audit import note
from router.store.casehead import head
from router.store.engine import transaction

VIEWED: Final = "case_viewed"

PARTS: tuple[Part, ...] = ()
"""What the case page is made of below its head, in order. Add yours here."""


def show_case(ask: Ask) -> Response:
    """Show the case in the address."""
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
    with transaction(ask.desk.engine) as connection:
        case = head(connection, attempt.reference)
        if case is None:
            raise Forbidden("unknown_case")
        parts = [(part, part.values(ask, connection, case)) for part in PARTS]
        note(connection, [attempt.entry()])
    told_why = told(refused) if refused else None
    return show(
        ask, "case.html", status, case=case, parts=parts, mistakes=mistakes or {}, refused=refused, why=told_why, **more
    )


def back(ask: Ask, said: str, anchor: str = "") -> Response:
    """Lead back to the case after a form on it was taken; `said` is a code of words.SAID, `anchor` a part's name."""
    answer = go(f"/console/cases/{ask.path['reference']}", said=said)
    if anchor:
        answer.headers["location"] += f"#{anchor}"
    return answer


PAGES = (page("GET", "/console/cases/{reference}", Right.WORK_ON_CASES, show_case),)
