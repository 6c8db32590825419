"""Working time: what a clock on the wall would show, also on the days when it is changed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.triage import worktime
from router.triage.file import Span, Unit, minutes_of
from router.triage.worktime import Calendar

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
WEEK = (0, 1, 2, 3, 4)
MINUTE = timedelta(minutes=1)
NEVER_MORE_THAN = timedelta(days=60)


def calendar(
    *hours: tuple[int, int], zone: ZoneInfo = BERLIN, days: tuple[int, ...] = WEEK, holidays: tuple[str, ...] = ()
) -> Calendar:
    return Calendar(zone, frozenset(days), hours or ((8 * 60, 17 * 60),), frozenset(map(date.fromisoformat, holidays)))


def span(text: str) -> Span:
    return Span(int(text[:-1]), Unit(text[-1]))


def after(when: str, much: str, where: Calendar) -> str:
    """Return local time for local time, as people would say it; `*` says that it is the second of two such hours."""
    moment = datetime.fromisoformat(when.rstrip("*")).replace(tzinfo=where.zone, fold=int(when.endswith("*")))
    ends = where.after(moment, span(much)).astimezone(where.zone)
    assert (ends.second, ends.microsecond) == (0, 0)
    return f"{ends:%a %Y-%m-%d %H:%M}{'*' if ends.fold else ''}"


@pytest.mark.parametrize(
    ("when", "much", "ends"),
    [
        # 2026-11-30 is a Monday.
        ("2026-11-30 09:00", "30m", "Mon 2026-11-30 09:30"),
        ("2026-11-30 16:00", "1h", "Mon 2026-11-30 17:00"),  # ends with the day, not the next morning
        ("2026-11-30 16:30", "1h", "Tue 2026-12-01 08:30"),
        ("2026-11-30 17:00", "1m", "Tue 2026-12-01 08:01"),  # exactly at closing time
        ("2026-11-30 17:00", "1d", "Wed 2026-12-02 08:00"),
        ("2026-11-30 16:59", "1d", "Tue 2026-12-01 16:59"),
        ("2026-11-30 08:00", "1d", "Tue 2026-12-01 08:00"),
        ("2026-11-30 07:59", "9h", "Mon 2026-11-30 17:00"),
        ("2026-11-30 03:00", "2d", "Wed 2026-12-02 08:00"),
        ("2026-12-04 16:00", "2h", "Mon 2026-12-07 09:00"),  # Friday afternoon
        ("2026-12-04 16:00", "1d", "Mon 2026-12-07 16:00"),
        ("2026-12-05 12:00", "4h", "Mon 2026-12-07 12:00"),  # Saturday
        ("2026-12-05 12:00", "1d", "Tue 2026-12-08 08:00"),
        ("2026-11-30 09:00", "10d", "Mon 2026-12-14 09:00"),
        ("2026-12-23 16:00", "1d", "Mon 2026-12-28 16:00"),  # over the holidays
        ("2026-12-24 12:00", "1h", "Mon 2026-12-28 09:00"),
        ("2028-02-28 16:30", "1h", "Tue 2028-02-29 08:30"),  # leap day
        ("2028-02-28 10:00", "2d", "Wed 2028-03-01 10:00"),
        ("2028-02-29 10:00", "1d", "Wed 2028-03-01 10:00"),
    ],
)
def test_counts_while_people_are_at_work(when: str, much: str, ends: str) -> None:
    assert after(when, much, calendar(holidays=("2026-12-24", "2026-12-25"))) == ends


@pytest.mark.parametrize(
    ("when", "much", "ends"),
    [
        ("2026-11-30 11:30", "30m", "Mon 2026-11-30 12:00"),
        ("2026-11-30 11:30", "1h", "Mon 2026-11-30 13:30"),
        ("2026-11-30 12:00", "1m", "Mon 2026-11-30 13:01"),
        ("2026-11-30 12:30", "1d", "Tue 2026-12-01 13:00"),  # in the lunch break: counts from its end
        ("2026-11-30 11:59", "1d", "Tue 2026-12-01 11:59"),
        ("2026-11-30 08:00", "16h", "Tue 2026-12-01 17:00"),
    ],
)
def test_counts_around_the_lunch_break(when: str, much: str, ends: str) -> None:
    assert after(when, much, calendar((480, 720), (780, 1020))) == ends


@pytest.mark.parametrize(
    ("zone", "when", "much", "ends"),
    [
        # Clocks go forward at 02:00 on Sunday 2027-03-28 in Berlin, 2027-03-14 in New York.
        (BERLIN, "2027-03-28 01:30", "1h", "Sun 2027-03-28 03:30"),
        (BERLIN, "2027-03-27 02:30", "1d", "Sun 2027-03-28 03:00"),  # there is no 02:30 that day
        (BERLIN, "2027-03-27 02:30", "2d", "Mon 2027-03-29 02:30"),
        (BERLIN, "2027-03-28 00:00", "23h", "Mon 2027-03-29 00:00"),
        (NEW_YORK, "2027-03-14 01:30", "1h", "Sun 2027-03-14 03:30"),
        (NEW_YORK, "2027-03-13 02:30", "1d", "Sun 2027-03-14 03:00"),
        # And back at 03:00 on Sunday 2027-10-31, at 02:00 on 2027-11-07.
        (BERLIN, "2027-10-31 01:30", "1h", "Sun 2027-10-31 02:30"),
        (BERLIN, "2027-10-31 01:30", "2h", "Sun 2027-10-31 02:30*"),
        (BERLIN, "2027-10-31 02:30*", "1h", "Sun 2027-10-31 03:30"),
        (BERLIN, "2027-10-30 02:30", "1d", "Sun 2027-10-31 02:30"),  # the first of the two
        (BERLIN, "2027-10-31 02:30*", "1d", "Mon 2027-11-01 02:30"),
        (BERLIN, "2027-10-31 02:00*", "1d", "Mon 2027-11-01 02:00"),
        (BERLIN, "2027-10-30 03:00", "1d", "Sun 2027-10-31 03:00"),  # not when the first 03:00 would have been
        (BERLIN, "2027-10-31 00:00", "25h", "Mon 2027-11-01 00:00"),
        (NEW_YORK, "2027-11-07 00:30", "2h", "Sun 2027-11-07 01:30*"),
        # In Havana midnight comes twice, in Beirut it is left out in spring and 23:00 comes twice in autumn.
        (ZoneInfo("America/Havana"), "2027-11-07 00:30", "1h", "Sun 2027-11-07 00:30*"),
        (ZoneInfo("America/Havana"), "2027-11-06 23:30", "25h", "Sun 2027-11-07 23:30"),
        (ZoneInfo("Asia/Beirut"), "2027-03-27 23:30", "1h", "Sun 2027-03-28 01:30"),
        (ZoneInfo("Asia/Beirut"), "2027-03-27 00:30", "1d", "Sun 2027-03-28 01:00"),
        (ZoneInfo("Asia/Beirut"), "2027-10-30 23:30", "1h", "Sat 2027-10-30 23:30*"),
        # In Newfoundland clocks went back a minute after midnight: yesterday came again.
        (ZoneInfo("America/St_Johns"), "2010-11-06 23:30", "2h", "Sun 2010-11-07 00:30"),
    ],
)
def test_counts_real_hours_when_clocks_change(zone: ZoneInfo, when: str, much: str, ends: str) -> None:
    assert after(when, much, calendar((0, 24 * 60), zone=zone, days=tuple(range(7)))) == ends


@pytest.mark.parametrize(
    ("when", "much", "ends"),
    [
        ("2027-03-26 12:00", "9h", "Mon 2027-03-29 12:00"),  # the same hours before and after
        ("2027-03-26 16:00", "1d", "Mon 2027-03-29 16:00"),
        ("2027-10-29 12:00", "9h", "Mon 2027-11-01 12:00"),
        ("2027-10-29 16:00", "1d", "Mon 2027-11-01 16:00"),
    ],
)
def test_office_hours_stay_what_they_are_when_clocks_change(when: str, much: str, ends: str) -> None:
    assert after(when, much, calendar()) == ends


def test_the_hour_that_is_left_out_is_not_worked_and_the_one_that_comes_twice_is_worked_twice() -> None:
    nights = calendar((60, 210), days=(5, 6))  # 01:00 to 03:30, Saturday and Sunday

    assert after("2027-03-28 01:00", "90m", nights) == "Sun 2027-03-28 03:30"
    assert after("2027-03-28 01:00", "91m", nights) == "Sat 2027-04-03 01:01"
    assert after("2027-10-31 01:00", "210m", nights) == "Sun 2027-10-31 03:30"


def test_a_day_without_any_of_its_hours_is_no_working_day() -> None:
    """From 02:00 to 03:00 there is nothing on the day when clocks go forward."""
    nights = calendar((120, 180), days=(5, 6))

    assert after("2027-03-27 02:15", "1d", nights) == "Sat 2027-04-03 02:15"
    assert after("2027-03-27 02:15", "46m", nights) == "Sat 2027-04-03 02:01"


def test_a_time_of_day_that_one_day_lacks_is_the_next_moment_of_work() -> None:
    """From 01:30 to 02:30 half is left out on the day when clocks go forward."""
    nights = calendar((90, 150), days=(5, 6))

    assert after("2027-03-27 02:15", "1d", nights) == "Sat 2027-04-03 01:30"


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("08:30-17:15", (510, 1035)),
        ("00:00-24:00", (0, 1440)),
        ("17:00-08:00", None),
        ("08:00-08:00", None),
        ("24:00-24:00", None),
        ("8:00-17:00", None),
        ("", None),
        (830, None),
        (None, None),
    ],
)
def test_hours_are_minutes_after_midnight(written: object, minutes: tuple[int, int] | None) -> None:
    assert minutes_of(written) == minutes


def test_midnight_shifts_end_at_midnight() -> None:
    late = calendar((22 * 60, 24 * 60), days=(0, 1))

    assert after("2026-11-30 23:30", "30m", late) == "Tue 2026-12-01 00:00"
    assert after("2026-11-30 23:30", "31m", late) == "Tue 2026-12-01 22:01"


def test_moments_may_come_from_any_zone_and_go_out_in_utc() -> None:
    ends = calendar().after(datetime(2026, 11, 30, 9, tzinfo=NEW_YORK), span("30m"))

    assert ends == datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
    assert ends.tzinfo is UTC


@pytest.mark.parametrize("much", ["1m", "1h", "1d", "99999d"])
def test_a_place_where_nobody_ever_works_ends_with_a_code(much: str) -> None:
    one_year = [date(2026, 1, 1) + timedelta(days=n) for n in range(12 * 366)]
    never = calendar(holidays=tuple(day.isoformat() for day in one_year))

    with pytest.raises(ValueError, match=r"^never_at_work$"):
        never.after(datetime(2026, 11, 30, tzinfo=UTC), span(much))


@pytest.mark.parametrize("much", ["99999d", "99999h"])
def test_more_work_than_ten_years_hold_ends_with_a_code(much: str) -> None:
    with pytest.raises(ValueError, match=r"^never_at_work$"):
        calendar((480, 481)).after(datetime(2026, 11, 30, tzinfo=UTC), span(much))


@pytest.mark.parametrize(
    "region", ["Europe", "America", "Africa", "Asia", "Pacific", "Australia", "Antarctica", "Atlantic"]
)
def test_whoever_works_day_and_night_works_all_the_time_in_every_zone(region: str) -> None:
    for name in sorted(name for name in available_timezones() if name.startswith(f"{region}/")):
        always = calendar((0, 24 * 60), zone=ZoneInfo(name), days=tuple(range(7)))
        begin = datetime(2027, 1, 1, tzinfo=UTC)

        assert always.after(begin, span("9000h")) == begin + timedelta(hours=9000), name


def test_what_is_remembered_of_days_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worktime, "MOST_DAYS", 10)
    office = calendar()
    for day in range(40):
        office.after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day), span("1h"))
        assert 0 < len(office._known) <= 10

    assert after("2026-11-30 16:30", "1h", office) == "Tue 2026-12-01 08:30"


# Against a clock that is asked every minute.


def open_minutes(where: Calendar, begin: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield each minute that the wall clock shows working hours, in UTC and as the clock shows it."""
    moment = begin
    while moment < begin + NEVER_MORE_THAN:
        shown = moment.astimezone(where.zone).replace(tzinfo=None)
        minutes = 60 * shown.hour + shown.minute
        if (
            shown.weekday() in where.days
            and shown.date() not in where.holidays
            and any(opens <= minutes < closes for opens, closes in where.hours)
        ):
            yield moment, shown
        moment += MINUTE
    raise AssertionError("the example is too long for the oracle")


def minute_by_minute(where: Calendar, begin: datetime, much: Span) -> datetime:
    minutes = open_minutes(where, begin)
    if much.unit is not Unit.DAYS:
        for _ in range(much.amount * (60 if much.unit is Unit.HOURS else 1)):
            moment, _ = next(minutes)
        return moment + MINUTE
    _, start = next(minutes)
    days, wanted = [start.date()], start
    for moment, shown in minutes:
        if shown.date() > days[-1]:
            days.append(shown.date())
            if len(days) == much.amount + 1:
                wanted = datetime.combine(shown.date(), start.time())
        if len(days) > much.amount and shown >= wanted:
            return moment
    raise AssertionError


HOURS = [((480, 1020),), ((480, 720), (780, 1020)), ((0, 1440),), ((60, 210),), ((150, 165), (1320, 1440))]
places = st.builds(
    lambda hours, **more: calendar(*hours, **more),
    st.sampled_from(HOURS),
    zone=st.sampled_from(
        [BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Havana"), ZoneInfo("Asia/Beirut")]
    ),
    days=st.sampled_from([WEEK, (5, 6), tuple(range(7)), (6,)]),
    holidays=st.sampled_from([(), ("2027-03-28", "2028-02-29"), ("2027-10-31", "2027-11-01", "2027-11-07")]),
)
# Half of all moments lie around a change of clocks or the leap day.
CHANGES = [datetime(2027, 3, 14), datetime(2027, 3, 28), datetime(2027, 4, 4), datetime(2027, 10, 3)]  # noqa: DTZ001 - hypothesis adds the zone
CHANGES += [datetime(2027, 10, 31), datetime(2027, 11, 7), datetime(2028, 2, 29), datetime(2026, 12, 31)]  # noqa: DTZ001
minutes = st.integers(-3 * 1440, 3 * 1440).map(lambda n: n * MINUTE)
moments = st.builds(lambda day, off: day.replace(tzinfo=UTC) + off, st.sampled_from(CHANGES), minutes) | st.integers(
    0, 2 * 365 * 1440
).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * MINUTE)
short = st.integers(1, 300).map(lambda n: Span(n, Unit.MINUTES)) | st.integers(1, 9).map(lambda n: Span(n, Unit.HOURS))
spans = short | st.integers(1, 3).map(lambda n: Span(n, Unit.DAYS))


@settings(max_examples=150, deadline=None)
@given(where=places, begin=moments, much=spans)
def test_is_what_the_clock_on_the_wall_says(where: Calendar, begin: datetime, much: Span) -> None:
    assert where.after(begin, much) == minute_by_minute(where, begin, much)


@given(where=places, begin=moments, later=st.integers(0, 5 * 1440), much=short)
def test_what_comes_later_never_ends_earlier(where: Calendar, begin: datetime, later: int, much: Span) -> None:
    assert where.after(begin, much) <= where.after(begin + later * MINUTE, much)


@given(begin=moments, later=st.integers(0, 5 * 1440), days=st.integers(1, 30), hours=st.sampled_from(HOURS[:2]))
def test_neither_do_whole_days(begin: datetime, later: int, days: int, hours: tuple[tuple[int, int], ...]) -> None:
    """In hours that never come twice; where they do, the same time of day the next day comes but once."""
    office = calendar(*hours)

    assert office.after(begin, Span(days, Unit.DAYS)) <= office.after(begin + later * MINUTE, Span(days, Unit.DAYS))


@given(where=places, begin=moments, much=spans)
def test_ends_in_working_hours(where: Calendar, begin: datetime, much: Span) -> None:
    ends = where.after(begin, much)

    # The last minute before the end is a working one, or the end begins one.
    first = next(open_minutes(where, ends - MINUTE))[0]
    assert ends - MINUTE <= first <= ends
    assert ends > begin


@given(where=places, begin=moments, one=st.integers(1, 300), other=st.integers(1, 300))
def test_spans_add_up(where: Calendar, begin: datetime, one: int, other: int) -> None:
    in_two = where.after(where.after(begin, Span(one, Unit.MINUTES)), Span(other, Unit.MINUTES))

    assert in_two == where.after(begin, Span(one + other, Unit.MINUTES))
