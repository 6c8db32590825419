"""Escalations that come too late: after the deadline whose breach they should prevent."""

from collections.abc import Iterator
from dataclasses import dataclass

from router.configfile.yamltext import Path
from router.errors import Problem
from router.triage.file import (
    CalendarEntry,
    DeadlineEntry,
    Pace,
    RouteDeadlineEntry,
    Span,
    StepEntry,
    Unit,
)
from router.triage.lint.reading import Files, placed
from router.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class _Times:
    """What people have, by one clock, and where it is said."""

    claim: Span
    decide: Span
    pace: Pace
    escalate: str | None
    where: str
    path: Path


def findings(files: Files) -> Iterator[Problem]:
    """Yield each step that comes later than its deadline, for a route and a severity that can occur."""
    late: dict[tuple[str, int, str], list[str]] = {}
    for times in _all_times(files):
        steps = files.written.escalations.get(times.escalate or "", ())
        calendars = _calendars(files) if times.pace is Pace.WORKING else ()
        for number, step in enumerate(steps):
            for key, deadline, span in _guards(step, times):
                if _later(span, deadline, calendars):
                    line = files.rules.line(times.path)
                    place = f"{times.where} (line {line}), where that is {deadline}"
                    late.setdefault((str(times.escalate), number, key), []).append(place)
    for (name, number, key), places in late.items():
        span = getattr(files.written.escalations[name][number], key)
        what = "claim" if key == "unclaimed" else "decide"
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        said = f"{name!r} waits {span} here, longer than the time to {what} of {places[0]}{more}: let it come earlier"
        yield files.rule(("escalations", name, number, key), "late_escalation", said)


def _all_times(files: Files) -> Iterator[_Times]:
    deadlines = files.written.deadlines
    can_occur = files.severities.of({})
    for severity in Severity:
        base: DeadlineEntry = getattr(deadlines, severity)
        if severity in can_occur:
            path: Path = ("deadlines", str(severity))
            yield _Times(base.claim, base.decide, base.clock, base.escalate, f"severity {severity}", path)
    for one in placed(files):
        if one.own.deadlines is None or one.entry.deadlines is None:
            continue
        can_occur = files.severities.of(one.region)
        for severity in Severity:
            if severity in can_occur:
                base = getattr(deadlines, severity)
                where = f"route {one.own.id!r} at severity {severity}"
                yield _route_times(one.entry.deadlines, base, where, (*one.path, "deadlines"))


def _route_times(own: RouteDeadlineEntry, base: DeadlineEntry, where: str, path: Path) -> _Times:
    """Return the times of a route: its own, else the severity's."""
    return _Times(
        own.claim or base.claim,
        own.decide or base.decide,
        own.clock or base.clock,
        own.escalate or base.escalate,
        where,
        path,
    )


def _guards(step: StepEntry, times: _Times) -> Iterator[tuple[str, Span, Span]]:
    if step.unclaimed is not None:
        yield "unclaimed", times.claim, step.unclaimed
    if step.undecided is not None:
        yield "undecided", times.decide, step.undecided


def _calendars(files: Files) -> tuple[CalendarEntry, ...]:
    """Return the calendars by which working time may be counted."""
    written = files.written
    names = {written.deadlines.calendar, *(site.calendar for site in written.sites.values())}
    return tuple(entry for name, entry in written.calendars.items() if name in names)


def _later(span: Span, deadline: Span, calendars: tuple[CalendarEntry, ...]) -> bool:
    """Say whether `span` is longer than `deadline`: in real time, or by the hours of any of the calendars."""
    if not calendars or span.unit == deadline.unit:
        return span.real > deadline.real
    return any(_minutes(span, calendar) > _minutes(deadline, calendar) for calendar in calendars)


def _minutes(span: Span, calendar: CalendarEntry) -> int:
    """Return how many working minutes `span` has, a day being as many as the calendar's hours."""
    a_day = sum(closes - opens for opens, closes in calendar.hours)
    return span.amount * {Unit.MINUTES: 1, Unit.HOURS: 60, Unit.DAYS: a_day}[span.unit]
