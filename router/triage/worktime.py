"""When people are at work, and what moment it is after so many of their hours or days.

Pure: time zones come from the system's database, or from `tzdata` where it has none.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from router.triage.file import Span


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days and hours of one place, on its own clock."""

    zone: ZoneInfo
    days: frozenset[int]
    """0 is Monday, as in `date.weekday`."""
    hours: tuple[tuple[int, int], ...]
    """From and to in minutes after midnight, in order, apart from each other."""
    holidays: frozenset[date]

    def after(self, moment: datetime, span: Span) -> datetime:
        """Return the moment (UTC) when `span` of working time has passed since `moment`.

        Minutes and hours count only while people are at work. A working day later is the same time of day on the
        next day that people work; what comes outside of working hours counts from when they begin next.
        """
        raise NotImplementedError
