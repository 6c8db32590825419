"""Fixed times of the day, on the clock of one place.

Pure, but for the system's list of time zones: the moment to look from is passed in.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.model import Frozen

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY: Final = timedelta(days=1)
_CLOCK_CHANGE: Final = timedelta(hours=1)


def _time(value: Any) -> time:
    parts = _TIME.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise PydanticCustomError("odd_value", 'a time of the day such as "08:00" is wanted here, in quotes')
    return time(int(parts[1]), int(parts[2]))


def _ascending(times: tuple[time, ...]) -> tuple[time, ...]:
    if list(times) != sorted(set(times)):
        raise PydanticCustomError("odd_value", "times must stand here in their order, and each once")
    return times


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("odd_value", "a time zone such as Europe/Berlin is wanted here") from None
    return value


TimeOfDay = Annotated[time, BeforeValidator(_time), WithJsonSchema({"type": "string", "pattern": f"^{_TIME.pattern}$"})]
"""`"08:00"`, in quotes: without them YAML takes it for a number."""


class FixedTimes(Frozen):
    """So many times of each day."""

    at: Annotated[tuple[TimeOfDay, ...], Field(min_length=1, max_length=24), AfterValidator(_ascending)]
    zone: Annotated[str, AfterValidator(_zone)]

    def last(self, now: datetime) -> datetime:
        """Return the latest of them that is not after `now`."""
        return max(moment for moment in self._around(now) if moment <= now)

    def next(self, now: datetime) -> datetime:
        """Return the earliest of them that is after `now`."""
        return min(moment for moment in self._around(now) if moment > now)

    @property
    def longest_gap(self) -> timedelta:
        """The longest time from one to the next, on a day when clocks are put back."""
        minutes = [60 * one.hour + one.minute for one in self.at]
        following = [*minutes[1:], minutes[0] + 24 * 60]
        gaps = [after - before for before, after in zip(minutes, following, strict=True)]
        return timedelta(minutes=max(gaps)) + _CLOCK_CHANGE

    def _around(self, now: datetime) -> Iterator[datetime]:
        """Yield those of yesterday, today and tomorrow; a time that a clock change leaves out comes an hour later."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        for day in (today - _DAY, today, today + _DAY):
            for one in self.at:
                yield datetime.combine(day, one, zone).astimezone(UTC)
