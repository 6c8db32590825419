"""The page on which a team is taken out of a case because it is in conflict; what follows is shown before.

Who does it has unlocked their session, and is not of that team alone. Nothing is stored until somebody says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from router.console import conflict
from router.console.opening import hold_key
from router.console.pages import access, casebasis
from router.console.pages.ask import Ask, page
from router.console.pages.casebasis import DO, STEP, Basis, basis, check_of
from router.console.pages.decided import Decided, Sending, decided, sendings
from router.console.pages.rendering import go
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Broken, Forbidden, RouterError
from router.store import conflicts, progress
from router.store.engine import transaction
from router.store.progress import Access
from router.vocabulary import Notice, ReferralState

TEMPLATE: Final = "routing/conflict.html"
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen, in words."""

    decided: Decided
    team: str
    key_taken: bool
    joining: tuple[str, ...]
    without_key: tuple[str, ...]
    yourself_out: bool
    stopped: int
    recalled: tuple[Sending, ...]
    told: tuple[Sending, ...]
    drafts: tuple[Sending, ...]
    later: tuple[Sending, ...]


def show_conflict(ask: Ask) -> Response:
    """Ask which team is in conflict."""
    return _page(ask, basis(ask, conflict.ACTION, "conflict"))


def take_conflict(ask: Ask) -> Response:
    """Show what taking the team out leads to; or do it, where that was shown."""
    found = basis(ask, conflict.ACTION, "conflict preview")
    team = ask.form.get("team")
    if team not in found.own.teams:
        if ask.form.get(STEP) == DO:
            found.attempt.note("refused_unknown_team")
        return _page(ask, found, mistakes={"team": "Choose one of the list."})
    if ask.form.get(STEP) != DO:
        return _foresee(ask, found, team)
    try:
        reason = found.attempt.check_reason(ask.form.get("reason"))
        but = conflict.members_in_conflict(ask.desk.engine, found.case.reference, team)
        key = hold_key(found.attempt, found.reader, but=but)
        removed = conflict.take_out(
            found.attempt, key, team=team, reason=reason, console_url=ask.desk.console_url, check=check_of(ask, found)
        )
    except (Forbidden, Broken) as error:
        if error.code == "reason_malformed":
            return _foresee(ask, found, team, mistakes={"reason": told(error)})
        return _page(ask, found, refused=error)
    ask.desk.ring((*removed.recalled, *removed.told))
    with transaction(ask.desk.engine) as connection:
        may = progress.access(connection, found.case.reference, ask.viewer.handle)
    if may is Access.READER:
        return access.back(ask, "case_conflict_found")
    return go("/console", said="case_rerouted_away")


def _foresee(ask: Ask, found: Basis, team: str, *, mistakes: Mapping[str, str] = _NOTHING) -> Response:
    try:
        with transaction(ask.desk.engine) as connection:
            check_of(ask, found)(connection)
            seen = conflict.foresee(connection, found.case.reference, team, console_url=ask.desk.console_url)
            stays = conflicts.readers(connection, found.case.reference) - {team}
    except (Forbidden, Broken) as error:
        return _page(ask, found, refused=error)
    posted = [plan for plan in seen.posted if plan.fields.notice is not Notice.RECALLED]
    preview = Preview(
        decided=decided(found.own, seen.decision),
        team=team,
        key_taken=seen.key_taken,
        joining=seen.joining,
        without_key=seen.without_key,
        yourself_out={*stays, *seen.joining}.isdisjoint(ask.viewer.teams),
        stopped=seen.stopped,
        recalled=sendings(found.own, [plan for plan in seen.posted if plan.fields.notice is Notice.RECALLED]),
        told=sendings(found.own, [plan for plan in posted if plan.state is ReferralState.DUE]),
        drafts=sendings(found.own, [plan for plan in posted if plan.state is ReferralState.DRAFT]),
        later=sendings(found.own, [plan for plan in posted if plan.state is ReferralState.STANDBY]),
    )
    return _page(ask, found, mistakes=mistakes, preview=preview)


def _page(
    ask: Ask,
    found: Basis,
    *,
    mistakes: Mapping[str, str] = _NOTHING,
    refused: RouterError | None = None,
    preview: Preview | None = None,
) -> Response:
    with transaction(ask.desk.engine) as connection:
        before = conflicts.found(connection, found.case.reference)
        readers = conflicts.readers(connection, found.case.reference)
    return casebasis.shown(
        ask,
        found,
        TEMPLATE,
        mistakes=mistakes,
        refused=refused,
        preview=preview,
        teams=[(name, name in readers, name in before) for name in found.own.teams],
    )


PAGES = (
    page("GET", "/console/cases/{reference}/conflict", Right.WORK_ON_CASES, show_conflict),
    page("POST", "/console/cases/{reference}/conflict", Right.WORK_ON_CASES, take_conflict, "team version reason step"),
)
