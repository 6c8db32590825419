"""What the pages begin with by which a case goes to others: the case, its policy, and who has unlocked what.

The form and its preview stand at one address, so that whoever must unlock first is led back there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from router.console.attempt import Attempt
from router.console.opening import Reader
from router.console.pages import access, actionwords, factwords
from router.console.pages.ask import Ask
from router.console.pages.case import VIEWED, news
from router.console.pages.rendering import show
from router.console.pages.words import TOLD, told
from router.console.unlocking import unlocked
from router.errors import Broken, Forbidden, RouterError
from router.store.casehead import CaseHead, head
from router.store.engine import transaction
from router.store.progress import Access
from router.triage.policy import Policy

STEP: Final = "step"
"""The field that says whether something is to be done, or only foreseen."""
DO: Final = "do"
_SHUT_OUT: Final = frozenset({"unknown_case", "locked", "signed_out", *(access.value for access in Access)})
"""Refusals after which there is no case to show."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The case, the policies that it may be decided by, and whoever asks with their key open."""

    attempt: Attempt
    reader: Reader
    case: CaseHead
    own: Policy
    force: Policy | None
    """The policy in force, where the case was decided by another one."""


def basis(ask: Ask, action: str, detail: str) -> Basis:
    """Return it for the case in the address; raises Forbidden (refusals but `locked` are audited), Broken.

    What is done has an entry of its own, by `action`; all else is a look at the case, with `detail`.
    """
    does = ask.form.get(STEP) == DO
    attempt = access.begin(ask, action if does else VIEWED)
    reader = unlocked(ask.desk.engine, ask.viewer, ask.cookie)
    with transaction(ask.desk.engine) as connection:
        case = head(connection, attempt.reference)
    if case is None:
        raise Forbidden("unknown_case")
    if not does:
        attempt.note(detail=detail)
    own = ask.desk.policies.of(case.policy)
    force = ask.desk.policies.in_force()
    return Basis(attempt, reader, case, own, None if force.digest == own.digest else force)


def check_of(ask: Ask, found: Basis) -> Callable[[Connection], None]:
    """Return what raises Forbidden `changed_since` unless the case is as the form's page showed it."""
    return lambda connection: access.check_version(connection, found.case.reference, ask.form.get(access.VERSION))


def shown(
    ask: Ask,
    found: Basis,
    template: str,
    *,
    mistakes: Mapping[str, str],
    refused: RouterError | None = None,
    **values: object,
) -> Response:
    """Return the form's page; `refused` is why nothing was done. Raises it where there is no case to show."""
    if refused is not None and refused.code in _SHUT_OUT:
        raise refused
    with transaction(ask.desk.engine) as connection:
        happened = news(ask, connection, found.case) if refused and refused.code == "changed_since" else []
    stale = isinstance(refused, Broken) or (refused is not None and refused.code != "nothing_changed")
    return show(
        ask,
        template,
        409 if stale else 422 if mistakes or refused else 200,
        case=found.case,
        policy=found.own,
        facts_in_words=factwords,
        acts=actionwords,
        mistakes=mistakes,
        why=_told(refused) if refused else None,
        news=happened,
        **values,
    )


def _told(error: RouterError) -> str:
    # Of stepping out of a case the same code says something else.
    return TOLD["nobody_to_tell"] if error.code == "nobody_left" else told(error)
