"""The times of a case: by when somebody must have acted, and what is said when they have not.

Pure: counts from the moment of receipt, which is given. Everything that may have to be said later is planned here,
once; whoever says it needs neither the policy nor a clock of their own.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from router.catalogue import Channel
from router.model import Deadlines
from router.triage.file import Pace, RouteDeadlineEntry, Span
from router.triage.policy import Policy, Step, Times
from router.triage.worktime import Calendar
from router.vocabulary import Awaited, Notice, Severity

ACKNOWLEDGE_WITHIN: Final = timedelta(days=7)
"""Directive (EU) 2019/1937, article 9(1)(b)."""
FEEDBACK_MONTHS: Final = 3
"""Article 9(1)(f)."""


class Wait(NamedTuple):
    """Something to be said to a channel when its time comes, unless what is awaited was done."""

    due_at: datetime
    channel: Channel
    notice: Notice
    awaited: Awaited
    instead_of: str | None = None
    """The channel that has until then to get the case through."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What the times of one case are counted by."""

    received_at: datetime
    """In UTC."""
    times: Times
    calendar: Calendar | None
    """None: real time, day and night."""

    def after(self, span: Span) -> datetime:
        """Return the moment when `span` has passed; raises ValueError where people never work."""
        return self.calendar.after(self.received_at, span) if self.calendar else self.received_at + span.real


def clock_of(
    policy: Policy, severity: Severity, said: Sequence[RouteDeadlineEntry], *, site: str | None, received_at: datetime
) -> Clock:
    """Return the clock of a case received at a moment in UTC; of what routes said, the earlier counts before the later.

    Raises ValueError `no_calendar` when times are working ones, and nothing says whose.
    """
    times = policy.times[severity]
    for entry in reversed(said):
        times = Times(
            claim=entry.claim or times.claim,
            decide=entry.decide or times.decide,
            pace=entry.clock or times.pace,
            escalate=entry.escalate or times.escalate,
        )
    calendar = None
    if times.pace is Pace.WORKING:
        calendar = policy.site_calendars.get(site or "", policy.calendar)
        if calendar is None:
            raise ValueError("no_calendar")
    return Clock(received_at, times, calendar)


def deadlines(clock: Clock, *, statutory: bool) -> Deadlines:
    """Return by when somebody must have acted; `statutory` says that the law's times run too."""
    received_at = clock.received_at
    return Deadlines(
        claim_by=clock.after(clock.times.claim),
        decide_by=clock.after(clock.times.decide),
        acknowledge_by=received_at + ACKNOWLEDGE_WITHIN if statutory else None,
        feedback_by=months_after(received_at, FEEDBACK_MONTHS) if statutory else None,
    )


def waits(
    policy: Policy,
    clock: Clock,
    by: Deadlines,
    *,
    desk: Channel | None,
    escalated: Callable[[Sequence[Channel]], Sequence[Channel]],
    instead: Sequence[tuple[Channel, Channel]],
) -> list[Wait]:
    """Return what will be said unless somebody acts, in the order of its time.

    `desk` hears of deadlines; `escalated` says which channels of an escalation's step may be told; `instead` holds
    channels told at once, each with the one that gets the case should the first not. A channel hears of one thing once
    at a time: of a deadline that is escalated to it at the same moment, that it has passed; of one that it would only
    be reminded of, the escalation.
    """
    found = [] if desk is None else list(_of_deadlines(policy, clock, by, desk))
    if clock.times.escalate is not None:
        for step in policy.escalations[clock.times.escalate]:
            due_at = _reached(clock, step)
            found += [Wait(due_at, to, Notice.ESCALATION, step.awaited) for to in escalated(step.to)]
    once: dict[tuple[Awaited, str, datetime], Wait] = {}
    for wait in found:
        place = (wait.awaited, wait.channel.name, wait.due_at)
        if place not in once or once[place].notice is Notice.REMINDER:
            once[place] = wait
    return sorted((*once.values(), *_instead(clock, instead)), key=_time)


def _instead(clock: Clock, pairs: Sequence[tuple[Channel, Channel]]) -> Iterator[Wait]:
    """Yield what other channels are told when the first ones do not get it, in real time."""
    for first, other in pairs:
        due_at = clock.received_at + first.instead_after
        yield Wait(due_at, other, Notice.INSTEAD, Awaited.DELIVERY, instead_of=first.name)


def _of_deadlines(policy: Policy, clock: Clock, by: Deadlines, desk: Channel) -> Iterator[Wait]:
    for awaited, moment in (
        (Awaited.CLAIM, by.claim_by),
        (Awaited.DECIDE, by.decide_by),
        (Awaited.ACKNOWLEDGE, by.acknowledge_by),
        (Awaited.FEEDBACK, by.feedback_by),
    ):
        if moment is None:
            continue
        before = policy.reminders.get(awaited)
        if before is not None and moment - before.real > clock.received_at:
            yield Wait(moment - before.real, desk, Notice.REMINDER, awaited)
        yield Wait(moment, desk, Notice.OVERDUE, awaited)


def _reached(clock: Clock, step: Step) -> datetime:
    """Return when the step's time has come; a delivery is awaited in real time, because machines do not sleep."""
    return clock.received_at + step.after.real if step.awaited is Awaited.DELIVERY else clock.after(step.after)


def _time(wait: Wait) -> datetime:
    return wait.due_at


def months_after(moment: datetime, months: int) -> datetime:
    """Return the same day and time `months` calendar months later, or that month's last day if it has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
