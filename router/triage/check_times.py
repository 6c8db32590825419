"""What a policy's times say about each other: calendars, deadlines and escalations that exist and can be kept."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from router.configfile.yamltext import Document, Path, shown
from router.triage.file import (
    AWAITED_BY,
    DeadlineEntry,
    Pace,
    PolicyFile,
    RouteDeadlineEntry,
    RouteEntry,
    Span,
    minutes_of,
)
from router.triage.naming import Names
from router.triage.worktime import Calendar

FURTHEST: Final = timedelta(days=1826)
"""Five years: a deadline in working time that is further away can hardly be meant, and may never come."""
SEVERITIES: Final = ("critical", "high", "medium", "low")
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


def check(known: Names) -> None:
    """Add to the policy's document what is wrong with calendars, deadlines and escalations; routes aside."""
    rules = known.rules
    for name, _ in rules.entries("calendars"):
        _calendar(known, ("calendars", name))
    for name, _ in rules.entries("sites"):
        known.calendar_at(("sites", name, "calendar"))
    known.calendar_at(("deadlines", "calendar"))
    for severity, _ in rules.entries("deadlines"):
        deadline(known, ("deadlines", severity))
    for name, _ in rules.entries("escalations"):
        for number, step in rules.entries("escalations", name):
            _step(known, ("escalations", name, number), step)


def deadline(known: Names, place: Path) -> None:
    """Complain of an escalation that does not exist, and of working time without a calendar."""
    rules = known.rules
    known.escalation_at((*place, "escalate"))
    if rules.at(*place, "clock") == Pace.WORKING and rules.at("deadlines", "calendar") is None:
        said = "working time needs a calendar for concerns without a site of their own: name it in deadlines: calendar"
        rules.complain((*place, "clock"), "no_calendar", said)


def too_far(rules: Document, written: PolicyFile, calendars: Mapping[str, Calendar]) -> None:
    """Add to `rules` every span of working time that one of the calendars does not reach in five years."""
    known: dict[tuple[str, Span], bool] = {}
    for place, span in _in_working_time(written):
        for name, calendar in calendars.items():
            if (name, span) not in known:
                known[name, span] = _reaches(calendar, span)
            if not known[name, span]:
                said = f"{shown(str(span))} of working time is more than five years by the calendar {shown(name)}"
                rules.complain(place, "too_far", said)


def _reaches(calendar: Calendar, span: Span) -> bool:
    try:
        return calendar.after(_START, span) - _START <= FURTHEST
    except ValueError:
        return False


def _in_working_time(written: PolicyFile) -> Iterator[tuple[Path, Span]]:
    """Yield every span that working time may be counted by: of all if there is any, as routes say it for each other."""
    deadlines: list[tuple[Path, DeadlineEntry | RouteDeadlineEntry | None]]
    deadlines = [(("deadlines", name), getattr(written.deadlines, name)) for name in SEVERITIES]
    deadlines += [
        ((*place, "deadlines"), route.deadlines) for place, route in _with_places(written.routes, ("routes",))
    ]
    if not any(entry and entry.clock is Pace.WORKING for _, entry in deadlines):
        return
    for place, entry in deadlines:
        yield from _spans(place, entry, ("claim", "decide"))
    for name, steps in written.escalations.items():
        for number, step in enumerate(steps):
            yield from _spans(("escalations", name, number), step, ("unclaimed", "undecided"))


def _with_places(routes: tuple[RouteEntry, ...], place: Path) -> Iterator[tuple[Path, RouteEntry]]:
    for number, route in enumerate(routes):
        yield (*place, number), route
        yield from _with_places(route.routes, (*place, number, "routes"))


def _spans(place: Path, entry: object, keys: tuple[str, ...]) -> Iterator[tuple[Path, Span]]:
    for key in keys:
        span = getattr(entry, key, None)
        if span is not None:
            yield (*place, key), span


def _calendar(known: Names, place: Path) -> None:
    rules = known.rules
    known.once(rules.words(*place, "days"))
    known.once(rules.words(*place, "holidays"))
    openings = [(minutes_of(word), at, word) for at, word in rules.words(*place, "hours")]
    in_order = sorted((times, at, word) for times, at, word in openings if times is not None)
    for (before, _, first), (after, at, second) in pairwise(in_order):
        if after[0] <= before[1]:
            said = f"{shown(first)} and {shown(second)} overlap or touch; write one, or leave a break between them"
            rules.complain(at, "hours_overlap", said)


def _step(known: Names, place: Path, step: object) -> None:
    known.only_inside(known.channels_in((*place, "to")))
    said = [key for key in AWAITED_BY if isinstance(step, dict) and key in step]
    if isinstance(step, dict) and len(said) != 1:
        found = f"{' and '.join(said)} stand" if said else "none stands"
        hint = f"a step waits for one thing: exactly one of {', '.join(AWAITED_BY)}; {found} here"
        known.rules.complain(place, "one_wait", hint)
