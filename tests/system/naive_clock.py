"""Working time counted the slow way, minute by minute, to hold against the product's: shares no line with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """When people are at work: on these weekdays, between these times of the local clock, but not on holidays."""

    zone: str
    weekdays: frozenset[int]
    hours: Sequence[tuple[time, time]]
    holidays: frozenset[date]

    def local(self, moment: datetime) -> datetime:
        """Return what the clock on the wall shows."""
        return moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def workday(self, day: date) -> bool:
        """Say whether anybody comes on that day."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def open_at(self, moment: datetime) -> bool:
        """Say whether people are at work in the minute that begins now."""
        shown = self.local(moment)
        return self.workday(shown.date()) and any(
            start <= shown.time() < (end if end != time() else time.max) for start, end in self.hours
        )

    def opens(self, moment: datetime) -> datetime:
        """Return the first minute from `moment` on in which people are at work."""
        while not self.open_at(moment):
            moment += MINUTE
        return moment

    def minutes_after(self, moment: datetime, minutes: int) -> datetime:
        """Walk until so many minutes were worked."""
        while minutes:
            minutes -= self.open_at(moment)
            moment += MINUTE
        return moment

    def days_after(self, moment: datetime, days: int) -> datetime:
        """Walk to the same time of day, so many days with work later."""
        begun = self.local(self.opens(moment))
        day = begun.date()
        while days:
            day += DAY
            days -= self.workday(day)
        # From well before the day begins anywhere: the first minute of it that shows as much, and is worked.
        wanted = datetime.combine(day, begun.time())
        found = datetime.combine(day, time(), UTC) - DAY
        while self.local(found) < wanted or not self.open_at(found):
            found += MINUTE
        return found


def three_months_after(moment: datetime) -> datetime:
    """Return the same day three months later, or the last one before it that there is."""
    month, year = moment.month + 3, moment.year
    if month > 12:
        month, year = month - 12, year + 1
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise AssertionError
