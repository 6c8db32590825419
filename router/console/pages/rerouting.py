"""The page on which the facts of a case are corrected: what they would lead to is shown before anything is done.

What would be sent is shown byte for byte; nothing is stored until somebody says why. Who does it has unlocked their
session: only who can open the case can hand its key on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from router.console import reroute
from router.console.pages import access, casebasis, factform, factwords
from router.console.pages.ask import Ask, page
from router.console.pages.casebasis import DO, STEP, Basis, basis, check_of
from router.console.pages.decided import Decided, Sending, decided, sendings
from router.console.pages.rendering import go
from router.console.pages.words import told
from router.console.reroute import Wanted
from router.console.rights import Right
from router.errors import Broken, Forbidden, RouterError
from router.store.engine import transaction

TEMPLATE: Final = "routing/reroute.html"
IN_FORCE: Final = "in_force"
"""The form's value for deciding by the policy in force, where the case was decided by another one."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen, in words."""

    decided: Decided
    corrected: tuple[str, ...]
    joining: tuple[str, ...]
    leaving: tuple[str, ...]
    staying: tuple[str, ...]
    without_key: tuple[str, ...]
    yourself_out: bool
    """Whoever does it could not open the case any more."""
    stopped: int
    recalled: tuple[Sending, ...]
    corrections: tuple[Sending, ...]
    told: tuple[Sending, ...]
    drafts: tuple[Sending, ...]
    later: tuple[Sending, ...]


def show_reroute(ask: Ask) -> Response:
    """Show the facts that decide, to be corrected."""
    found = basis(ask, reroute.ACTION, "reroute")
    return _page(ask, found, factform.of_facts(found.case.facts))


def take_reroute(ask: Ask) -> Response:
    """Show what the corrected facts lead to; or do it, where that was shown."""
    found = basis(ask, reroute.ACTION, "reroute preview")
    values = factform.typed(ask.form)
    by = found.force if found.force and ask.form.get("by") == IN_FORCE else found.own
    facts, mistakes = factform.read(by, values, found.case.facts)
    if facts is None:
        if ask.form.get(STEP) == DO:
            found.attempt.note("refused_facts_malformed")
        return _page(ask, found, values, mistakes=mistakes)
    wanted = Wanted(facts, by, found.own, ask.desk.console_url)
    if ask.form.get(STEP) != DO:
        return _foresee(ask, found, values, wanted)
    try:
        became = reroute.reroute(
            found.attempt, found.reader, wanted, reason=ask.form.get("reason"), check=check_of(ask, found)
        )
    except (Forbidden, Broken) as error:
        if error.code == "reason_malformed":
            return _foresee(ask, found, values, wanted, mistakes={"reason": told(error)})
        return _page(ask, found, values, refused=error)
    ask.desk.ring(became.to_ring)
    if became.still_open_to:
        return access.back(ask, "case_rerouted")
    return go("/console", said="case_rerouted_away")


def _foresee(
    ask: Ask, found: Basis, values: factform.Values, wanted: Wanted, *, mistakes: Mapping[str, str] = _NOTHING
) -> Response:
    try:
        with transaction(ask.desk.engine) as connection:
            check_of(ask, found)(connection)
            prospect = reroute.foresee(connection, found.case.reference, wanted)
    except (Forbidden, Broken) as error:
        return _page(ask, found, values, refused=error)
    change, policy = prospect.change, wanted.policy
    preview = Preview(
        decided=decided(policy, prospect.decision),
        corrected=tuple(factwords.LABELS[name] for name in prospect.corrected),
        joining=prospect.joining,
        leaving=prospect.leaving,
        staying=prospect.staying,
        without_key=prospect.without_key,
        yourself_out={*prospect.staying, *prospect.joining}.isdisjoint(ask.viewer.teams),
        stopped=len(change.stopped),
        recalled=sendings(policy, change.recalled),
        corrections=sendings(policy, change.corrected),
        told=sendings(policy, change.told),
        drafts=sendings(policy, change.drafts),
        later=sendings(policy, change.later),
    )
    return _page(ask, found, values, mistakes=mistakes, preview=preview)


def _page(
    ask: Ask,
    found: Basis,
    values: factform.Values,
    *,
    mistakes: Mapping[str, str] = _NOTHING,
    refused: RouterError | None = None,
    preview: Preview | None = None,
) -> Response:
    by_force = ask.form.get("by") == IN_FORCE
    fields = factform.fields(found.force if found.force and by_force else found.own, values, mistakes)
    return casebasis.shown(
        ask,
        found,
        TEMPLATE,
        mistakes=mistakes,
        refused=refused,
        preview=preview,
        fields=fields,
        other=found.force,
        by_force=by_force,
    )


PAGES = (
    page("GET", "/console/cases/{reference}/reroute", Right.WORK_ON_CASES, show_reroute),
    page(
        *("POST", "/console/cases/{reference}/reroute", Right.WORK_ON_CASES, take_reroute),
        f"{factform.NAMES} by version reason step",
        factform.LISTS,
    ),
)
