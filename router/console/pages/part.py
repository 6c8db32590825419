"""A part of the case page, and the case that it is a part of.

The page is one, and what it shows is made in several rooms: each gives a `Part`, listed in `pages.case.PARTS`. A module
that makes a part never imports `pages.case`, which imports it; the forms' own pages may, to show the case again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from router.console.pages.ask import Ask
from router.errors import RouterError
from router.store.casehead import CaseHead
from router.triage.policy import Policy


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the case page.

    Its template sees what all pages show, `case` (the CaseHead) and its own `values` as `part`. A form in it carries
    `{{ csrf() }}` and `{{ version(case) }}`, and shows what was typed when `here` is the form's own page.
    """

    name: str
    """A word for the address: `#name` leads to the section, which has this id."""
    template: str
    values: Callable[[Ask, Connection, CaseHead], Mapping[str, object]]
    """Asked for in the transaction that notes the look at the case; changes nothing.

    Sentences in `warnings` among them show at the head of the page.
    """
    title: str = ""
    """How the list of what is on the page calls it; empty: it is not listed."""
    aside: bool = False
    """Stands beside the others: what one does, not what one reads."""


def policy_of(ask: Ask, case: CaseHead) -> Policy | None:
    """Return the policy that the case was decided by; None when this version cannot read it."""
    try:
        return ask.desk.policies.of(case.policy)
    except RouterError:
        return None
