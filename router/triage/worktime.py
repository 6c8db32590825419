"""When people are at work, and what moment it is after so many of their hours or days.

Pure, but for a bounded memory of days already looked up: time zones come from the system's database, or from
`tzdata` where it has none. Never asks what time it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from router.triage.file import Span, Unit

MOST_DAYS: Final = 3660
"""How far ahead working time is looked for: ten years. A calendar that has too little in them has none."""

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


class Opening(NamedTuple):
    """A stretch of working time by one offset from UTC; what comes at `until` is no longer in it."""

    start: datetime
    until: datetime
    offset: timedelta


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days and hours of one place, on its own clock.

    People are at work whenever that clock shows working hours: an hour that is left out in spring is not worked,
    one that comes twice in autumn is worked twice.
    """

    zone: ZoneInfo
    days: frozenset[int]
    """0 is Monday, as in `date.weekday`."""
    hours: tuple[tuple[int, int], ...]
    """From and to in minutes after midnight, in order, apart from each other."""
    holidays: frozenset[date]
    _known: dict[date, tuple[Opening, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def after(self, moment: datetime, span: Span) -> datetime:
        """Return the moment (UTC) when `span` of working time has passed since `moment`.

        Minutes and hours count only while people are at work; what ends with the working day ends then, not the
        next morning. A working day later is the same time of day on the next day that people work; what comes
        outside of working hours counts from when they begin next. Raises ValueError `never_at_work` when there is
        not so much working time in ten years.
        """
        moment = moment.astimezone(UTC)
        return self._days_after(moment, span.amount) if span.unit is Unit.DAYS else self._time_after(moment, span.real)

    def _time_after(self, moment: datetime, left: timedelta) -> datetime:
        for opening in self._openings(moment):
            start = max(moment, opening.start)
            if left <= opening.until - start:
                return start + left
            left -= opening.until - start
        raise ValueError("never_at_work")

    def _days_after(self, moment: datetime, days: int) -> datetime:
        """Go on from when `moment` counts, day by day, to the first working moment that the clock shows no less."""
        first = next(self._openings(moment), None)
        if first is None:
            raise ValueError("never_at_work")
        shown = max(moment, first.start) + first.offset
        wanted, last = shown, shown.date()
        for opening in self._openings(first.until):
            day = (opening.start + opening.offset).date()
            if day > last:
                last, days = day, days - 1
                wanted = datetime.combine(day, shown.timetz()) if days == 0 else wanted
            if days <= 0 and opening.until + opening.offset > wanted:
                return max(wanted - opening.offset, opening.start)
        raise ValueError("never_at_work")

    def _openings(self, moment: datetime) -> Iterator[Opening]:
        """Yield what is not over at `moment` of each opening from then on, in order."""
        day = moment.astimezone(self.zone).date()
        for _ in range(MOST_DAYS):
            for opening in self._remembered(day):
                if moment < opening.until:
                    yield opening
            day += _DAY

    def _remembered(self, day: date) -> tuple[Opening, ...]:
        if day not in self._known:
            if len(self._known) >= MOST_DAYS:
                self._known.clear()
            self._known[day] = tuple(self._opened(day))
        return self._known[day]

    def _opened(self, day: date) -> Iterator[Opening]:
        if day.weekday() not in self.days or day in self.holidays:
            return
        midnight = datetime.combine(day, time(), UTC)
        parts = _parts(self.zone, midnight)
        for opens, closes in self.hours:
            for since, until, offset in parts:
                start = max(midnight + timedelta(minutes=opens) - offset, since)
                end = min(midnight + timedelta(minutes=closes) - offset, until)
                if start < end:
                    yield Opening(start, end, offset)


def _parts(zone: ZoneInfo, midnight: datetime) -> list[Opening]:
    """Return the stretches of the local day that have one offset from UTC each: two when clocks change, else one.

    `midnight` is when the day begins, as if the place were on UTC.
    """
    first = _offset(midnight.replace(tzinfo=zone))
    # The next midnight may come twice, then the second one counts; or be left out, then what was before it does.
    last = min(_offset((midnight + _DAY).replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    begins, ends = midnight - first, midnight + _DAY - last
    if first == last:
        return [Opening(begins, ends, first)]
    # The clocks change between `early`, which still has the first offset, and `late`, which does not any more.
    early, late = begins - _SECOND, ends + _SECOND
    while late - early > _SECOND:
        middle = early + (late - early) // (2 * _SECOND) * _SECOND
        early, late = (middle, late) if _offset(middle.astimezone(zone)) == first else (early, middle)
    return [Opening(begins, late, first), Opening(late, ends, last)]


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()
