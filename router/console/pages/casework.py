"""The forms on a case: claim, keep, give back, hand over, close, hold, step out, try a delivery again, open the report.

Each reads the form, calls the act, and leads back to the case; what was refused shows the case again, with what was
typed and what changed since.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from starlette.responses import Response

from router.console import casework, deliveries, progress
from router.console.acting import IN_CONSOLE, By, taken
from router.console.lapsing import LOOK_EVERY_S, end_lapsed
from router.console.opening import OPENED, hold_key, shown, to_be_seen
from router.console.pages import access
from router.console.pages.ask import Act, Ask, Desk, Page, page
from router.console.pages.case import case_page
from router.console.pages.rendering import go, show
from router.console.pages.words import told
from router.console.rights import Right
from router.console.unlocking import unlocked
from router.errors import Broken, Forbidden, Refused, RouterError
from router.store.engine import transaction
from router.store.progress import Access, standing
from router.vocabulary import CaseOutcome

FIELDS: Final[Mapping[str, str]] = {
    "reason_malformed": "reason",
    "not_a_colleague": "to",
    "unknown_outcome": "outcome",
    "nobody_left": "though_last",
}
"""Which field of its form a refusal is about."""
_SHUT_OUT: Final = frozenset({"unknown_case", "locked", *(access.value for access in Access)})
"""Refusals after which there is no case to show again."""
_STATE: Final = frozenset(
    {"changed_since", "already_claimed", "not_claimed", "nobody_left", "held_before", "not_held", "not_parked"}
)
"""Refusals because the case is not as the page said."""


def claim(ask: Ask) -> Response:
    """Take the case."""
    lasts_s = ask.desk.limits.claim_s
    progress.claim(ask.desk.engine, **_whose(ask), lasts_s=lasts_s)
    return access.back(ask, "case_claimed")


def keep(ask: Ask) -> Response:
    """Go on having the case, which any page of it does too; raises Forbidden, Taken when one has it no more."""
    attempt = access.begin(ask, "case_kept")
    with transaction(ask.desk.engine) as connection:
        case = standing(connection, attempt.reference)
    if case is not None and case.claimed_by != ask.viewer.handle:
        refused = taken(case)
        attempt.refuse(refused.code, say=refused)
    return access.back(ask, "case_kept")


def release(ask: Ask) -> Response:
    """Give the case back, one's own or one whose holder is away."""
    progress.release(ask.desk.engine, **_whose(ask), seen=_by(ask).seen)
    return access.back(ask, "case_released")


def hand_over(ask: Ask) -> Response:
    """Give one's own case to a colleague."""
    casework.hand_over(ask.desk.engine, _by(ask), to=ask.form.get("to"), words=ask.form.get("text"))
    return access.back(ask, "case_handed_over")


def close(ask: Ask) -> Response:
    """Close the case with its outcome."""
    if ask.form.get("outcome") not in set(CaseOutcome):
        access.begin(ask, "case_closed").refuse("unknown_outcome")
    to_ring = progress.close(
        ask.desk.engine,
        **_whose(ask),
        outcome=CaseOutcome(ask.form.get("outcome")),
        told=ask.form.get("told") == "yes",
        seen=_by(ask).seen,
    )
    ask.desk.ring(to_ring)
    return access.back(ask, "case_closed")


def hold(ask: Ask) -> Response:
    """Keep the case from being deleted."""
    casework.hold(ask.desk.engine, _by(ask), reason=ask.form.get("reason"))
    return access.back(ask, "case_held")


def lift(ask: Ask) -> Response:
    """Let it be deleted again when its time has come."""
    casework.lift(ask.desk.engine, _by(ask), reason=ask.form.get("reason"))
    return access.back(ask, "case_hold_lifted")


def recuse(ask: Ask) -> Response:
    """Step out of the case."""
    though_last = ask.form.get("though_last") == "yes"
    by = By(ask.path["reference"], ask.viewer.handle, IN_CONSOLE)
    casework.recuse(ask.desk.engine, by, reason=ask.form.get("reason"), though_last=though_last)
    return go("/console", said="case_recused")


def retry(ask: Ask) -> Response:
    """Try again what a channel did not take."""
    attempt = access.begin(ask, deliveries.RETRIED)
    who = ("person", ask.viewer.handle)
    moved = deliveries.retry(ask.desk.engine, who, attempt.reference, ask.form.get("channel"), ask.form.get("reason"))
    ask.desk.ring({row.channel for row in moved})
    return access.back(ask, "delivery_retried", "ledger")


def open_report(ask: Ask) -> Response:
    """Show what was reported, once, in answer to a form that says why; the audit knows before anybody sees it."""
    attempt = access.begin(ask, OPENED)
    reader = unlocked(ask.desk.engine, ask.viewer, ask.cookie)
    reason = attempt.check_reason(ask.form.get("reason"))
    content = to_be_seen(attempt, shown(attempt, hold_key(attempt, reader), reason), ask.viewer.handle)
    return show(ask, "case/opened.html", reference=attempt.reference, content=content, identity=content.identity.value)


def on_case(act: Act) -> Act:
    """Return `act` so that what it refuses shows the case again, with what was typed; for forms on the case page."""

    def acted(ask: Ask) -> Response:
        try:
            return act(ask)
        except (Forbidden, Refused, Broken) as error:
            if error.code in _SHUT_OUT:
                raise
            return again(ask, error)

    return acted


def again(ask: Ask, error: RouterError) -> Response:
    """Show the case after a form on it was refused, which is on record already."""
    faults = error.faults if isinstance(error, Refused) else ()
    mistakes = {fault.field: told(Refused(fault.code)) for fault in faults}
    if error.code in FIELDS:
        mistakes = {FIELDS[error.code]: told(error)}
    stale = error.code in _STATE or error.code.startswith("case_")
    return case_page(ask, status=409 if stale or isinstance(error, Broken) else 422, refused=error, mistakes=mistakes)


def _by(ask: Ask) -> By:
    # A form without a version is not from a page of ours: it saw nothing.
    seen = ask.form.get(access.VERSION) or "nothing"
    return By(ask.path["reference"], ask.viewer.handle, IN_CONSOLE, seen, ask.desk.limits.claim_s)


def _whose(ask: Ask) -> dict[str, str]:
    return {"reference": ask.path["reference"], "handle": ask.viewer.handle, "login": IN_CONSOLE}


def chores(desk: Desk) -> list[tuple[Callable[[], None], float]]:
    """Return what is done now and then: claims that nobody worked under end."""
    return [(partial(end_lapsed, desk.engine), LOOK_EVERY_S)]


def _form(name: str, act: Act, names: str = "") -> Page:
    return page("POST", f"/console/cases/{{reference}}/{name}", Right.WORK_ON_CASES, on_case(act), names)


PAGES = (
    _form("claim", claim),
    _form("keep", keep),
    _form("release", release, "version"),
    _form("hand-over", hand_over, "to text version"),
    _form("close", close, "outcome told version"),
    _form("hold", hold, "reason version"),
    _form("lift", lift, "reason version"),
    _form("recuse", recuse, "reason though_last"),
    _form("retry", retry, "channel reason"),
    _form("open", open_report, "reason"),
)
