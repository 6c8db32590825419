"""What people hand over outside themselves: what waits for that, each sheet, and the form that records it.

A sheet shows to reviewers of its case alone, as people approved it. Every look is a line of the audit. Sends nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from starlette.responses import Response

from router.channels.hand_over.steps import steps
from router.console import handing
from router.console.acting import IN_CONSOLE, By
from router.console.approving import Desk
from router.console.attempt import attempted
from router.console.handing import Given
from router.console.pages.ask import Ask, page
from router.console.pages.ask import Desk as Console
from router.console.pages.rendering import go, show
from router.console.pages.urgent import urgent
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Forbidden, RouterError
from router.store import handovers, progress
from router.store.casehead import head
from router.store.engine import transaction
from router.store.handovers import HandOver
from router.store.progress import Access
from router.triage.policy import Policy

LISTED: Final = "handovers_listed"
SHOWN: Final = "handover_shown"
UNKNOWN: Final = "unknown_handover"
MOST: Final = 100
LATELY: Final = 20
TEND_EVERY_S: Final = 30.0
FIELD_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "body_unknown": "body",
        "desk_malformed": "desk",
        "external_reference_malformed": "external_reference",
        "handed_at_malformed": "date",
        "handed_at_future": "date",
        "handed_at_early": "date",
    }
)
"""Which field of the form was wrong, by the code of the refusal."""
ZONES: Final = (
    *(f"-{hours:02}:00" for hours in range(12, 9, -1)),
    *("-09:30", "-09:00", "-08:00", "-07:00", "-06:00", "-05:00", "-04:00", "-03:30", "-03:00", "-02:00", "-01:00"),
    *("+00:00", "+01:00", "+02:00", "+03:00", "+03:30", "+04:00", "+04:30", "+05:00", "+05:30", "+05:45", "+06:00"),
    *("+06:30", "+07:00", "+08:00", "+08:45", "+09:00", "+09:30", "+10:00", "+10:30", "+11:00", "+12:00", "+12:45"),
    *("+13:00", "+14:00"),
)
"""Every difference from UTC that is in use."""


def show_list(ask: Ask) -> Response:
    """List what waits to be handed over of cases that whoever asks may see, and what was lately."""
    handle = ask.viewer.handle
    with transaction(ask.desk.engine) as connection:
        waiting = handovers.waiting(connection, handle, limit=MOST)
        recorded = handovers.recorded(connection, handle, limit=LATELY)
    ask.note(LISTED, "handovers", detail=f"count={len(waiting)}")
    return show(ask, "handovers/list.html", waiting=waiting, recorded=recorded)


def show_one(ask: Ask) -> Response:
    """Show one sheet, its steps, and the form that records that it was handed over."""
    return _shown(ask)


def record(ask: Ask) -> Response:
    """Record that it was handed over."""
    found = handing.find(_desk(ask), ask.path["referral"])
    by = By(found.reference if found else "", ask.viewer.handle, IN_CONSOLE, lasts_s=ask.desk.limits.claim_s)
    try:
        handing.record(_desk(ask), by, referral=ask.path["referral"], given=_given(ask))
    except Forbidden as error:
        if error.code in FIELD_OF or error.code == "handover_recorded":
            return _shown(ask, 409 if error.code == "handover_recorded" else 422, error)
        # Whoever may not see the case learns nothing of what leaves for it, not even that it is there.
        raise Forbidden(UNKNOWN) from None
    return go(f"/console/handovers/{ask.path['referral']}", said="handover_recorded")


def _shown(ask: Ask, status: int = 200, refused: Forbidden | None = None) -> Response:
    desk, handle = _desk(ask), ask.viewer.handle
    one = handing.find(desk, ask.path["referral"])
    reference = one.reference if one else ""
    attempt = attempted(ask.desk.engine, SHOWN, kind="person", handle=handle, reference=reference)
    if one is None:
        attempt.refuse(UNKNOWN)
    with transaction(ask.desk.engine) as connection:
        access = progress.access(connection, reference, handle)
        earlier = handovers.before(connection, one)
        case = head(connection, reference)
    if access is not Access.READER:
        attempt.refuse(access.value, say=UNKNOWN)
    attempt.note(detail=f"{one.channel}:{one.revision}{' print' if 'print' in ask.query else ''}")
    values = _values(ask, one)
    field = FIELD_OF.get(refused.code) if refused else None
    return show(
        ask,
        "handovers/one.html",
        status,
        **values,
        earlier=earlier,
        urgent=urgent(ask, case.facts, _policy(ask, one)) if case else None,
        why=told(refused) if refused else None,
        mistakes={field: told(refused)} if refused and field else {},
    )


def _values(ask: Ask, one: HandOver) -> dict[str, Any]:
    known = handing.laid(_desk(ask), one)
    return {
        "one": one,
        "sheet": known.sheet,
        "same": known.same,
        "bodies": known.bodies,
        "steps": steps(known.sheet) if known.sheet else (),
        "zones": ZONES,
        "printed": "print" in ask.query,
    }


def _policy(ask: Ask, one: HandOver) -> Policy | None:
    try:
        return ask.desk.policies.of(one.case_policy)
    except RouterError:
        return None


def _given(ask: Ask) -> Given:
    form = ask.form
    return Given(form.get("body"), form.get("desk"), form.get("external_reference"), _moment(form))


def _moment(form: Any) -> datetime | None:
    """Return the time that was typed, None if it is none; a zone that the form does not offer is none."""
    day, hour, zone = (form.get(name).strip() for name in ("date", "time", "zone"))
    if zone not in ZONES:
        return None
    try:
        return datetime.fromisoformat(f"{day}T{hour}{zone}")
    except ValueError:
        return None


def _desk(ask: Ask) -> Desk:
    return Desk(ask.desk.engine, ask.desk.policies)


def chores(console: Console) -> list[tuple[Callable[[], None], float]]:
    """Return that whoever is on duty hears of what waits to be handed over."""
    return [(partial(handing.tend, Desk(console.engine, console.policies), console.ring), TEND_EVERY_S)]


_ONE: Final = "/console/handovers/{referral}"
PAGES = (
    page("GET", "/console/handovers", Right.WORK_ON_CASES, show_list),
    page("GET", _ONE, Right.WORK_ON_CASES, show_one),
    page("POST", _ONE, Right.WORK_ON_CASES, record, "body desk external_reference date time zone"),
)
