"""What may stand in policy.yaml: every key, and the values that each knows.

The models are the language; the references between the parts of a file are `check`'s business.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StringConstraints
from pydantic_core import PydanticCustomError

from router.bodies.body import known_country
from router.configfile.yamltext import nearest
from router.model import Frozen
from router.triage.legal import LegalEntry, LegalProfile
from router.vocabulary import (
    Awaited,
    Code,
    Country,
    EvidenceState,
    Involved,
    Name,
    NoticedHow,
    Region,
    Severity,
    SubjectHandle,
    Urgency,
    VerdictSource,
    WhereFound,
)

_HOURS = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")


class ReportedBy(StrEnum):
    """Who filed: a person at the page or anonymously by the interface, or a machine client with a token."""

    PERSON = "person"
    CLIENT = "client"


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | dict) else [value]


class Unit(StrEnum):
    """Of a span of time; a day is 24 hours in real time and one working day in working time."""

    MINUTES = "m"
    HOURS = "h"
    DAYS = "d"


class Span(NamedTuple):
    """How long: `30m`, `4h`, `2d`. The unit is kept, because a working day is not a number of hours."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    @property
    def real(self) -> timedelta:
        """Return the span in real time."""
        return _LONG[self.unit] * self.amount


_LONG: Final = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1), Unit.DAYS: timedelta(days=1)}


def _span(value: Any) -> Span:
    parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise PydanticCustomError("odd_value", "a time such as 30m, 4h or 2d is wanted here")
    return Span(int(parts[1]), Unit(parts[2]))


def _time_of_day(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    return 60 * hour + minute


def minutes_of(hours: object) -> tuple[int, int] | None:
    """Return from and to of a text such as `08:00-17:00`, in minutes after midnight, or None if it is no such text."""
    parts = _HOURS.fullmatch(hours) if isinstance(hours, str) else None
    opens, closes = (_time_of_day(parts[1]), _time_of_day(parts[2])) if parts else (0, 0)
    return (opens, closes) if opens < closes else None


def _hours(value: Any) -> tuple[int, int]:
    minutes = minutes_of(value)
    if minutes is None:
        raise PydanticCustomError("odd_value", 'hours such as "08:00-18:00" are wanted here, within one day, in quotes')
    return minutes


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("odd_value", 'a date such as "2026-12-25" is wanted here, in quotes') from None


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = {"hint": nearest(value, available_timezones())}
        raise PydanticCustomError("odd_value", "a time zone such as Europe/Berlin is wanted here{hint}", hint) from None
    return value


def _domain(value: str) -> str:
    if not _DOMAIN.fullmatch(value):
        raise PydanticCustomError("odd_value", "a domain such as example.org or CORP is wanted here, without @ or \\")
    return value


Duration = Annotated[Span, BeforeValidator(_span)]
Hours = Annotated[tuple[int, int], BeforeValidator(_hours)]
"""From and to, in minutes after midnight of the calendar's own clock; `24:00` ends a day."""
Date = Annotated[date, BeforeValidator(_date)]
Zone = Annotated[str, AfterValidator(_zone)]
"""An IANA time zone."""
Domain = Annotated[str, AfterValidator(_domain)]
"""What may stand before `\\` or behind `@` in an account name."""
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=600, pattern=r"^[^\x00-\x1f\x7f<>]*$")]
"""Something said to reporters, of the operator's own."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f<>]*$")]
"""A line for people to read, of the operator's own."""
Here = Annotated[Region, AfterValidator(known_country)]
"""A country or a part of one."""
LinkField = Literal[
    "category", "site", "where_found", "country", "source_ticket", "asset_tag", "hashes", "url", "subject_handle"
]
_Any = BeforeValidator(_one_or_many)
_Some = Field(default=(), min_length=1)


class When(Frozen):
    """Conditions that must all hold; each names one value or a list of which any will do."""

    category: Annotated[tuple[Code, ...], _Any] = _Some
    noticed_how: Annotated[tuple[NoticedHow, ...], _Any] = _Some
    where_found: Annotated[tuple[WhereFound, ...], _Any] = _Some
    site: Annotated[tuple[Code, ...], _Any] = _Some
    urgency: Annotated[tuple[Urgency, ...], _Any] = _Some
    evidence_state: Annotated[tuple[EvidenceState, ...], _Any] = _Some
    country: Annotated[tuple[Country, ...], _Any] = _Some
    involves: Annotated[tuple[Involved, ...], _Any] = _Some
    verdict_source: Annotated[tuple[VerdictSource, ...], _Any] = _Some
    reported_by: Annotated[tuple[ReportedBy, ...], _Any] = Field(default=(), min_length=1, alias="from")


class RouteWhen(When):
    """A route may also ask for the severity that the rules before it found."""

    severity_at_least: Severity | None = None


class Day(StrEnum):
    """A day of the week; in the order of `date.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Pace(StrEnum):
    """Which clock a span is measured by."""

    ALWAYS = "always"
    """Real time, day and night."""
    WORKING = "working"
    """The calendar of the concern's site, or the one that `deadlines` names."""


class Marking(StrEnum):
    """Who outside may see a concern: the labels of TLP 2.0, as a file writes them."""

    RED = "red"
    AMBER_STRICT = "amber_strict"
    AMBER = "amber"
    GREEN = "green"
    CLEAR = "clear"


class CategoryEntry(Frozen):
    """One line of the taxonomy."""

    label: Label
    floor: Severity
    group: Label | None = None
    tlp: Marking | None = None
    """What is said over everything that leaves the organisation; None: `parts.unless_said`."""


class CalendarEntry(Frozen):
    """When people are at work."""

    tz: Zone
    days: Annotated[tuple[Day, ...], _Any] = Field(min_length=1)
    hours: Annotated[tuple[Hours, ...], _Any] = Field(min_length=1)
    holidays: tuple[Date, ...] = ()


class SiteEntry(Frozen):
    """An entity or place of the company."""

    label: Label
    calendar: Code | None = None
    region: Here | None = None
    """Where it is; None: where the organisation is."""


class PersonEntry(Frozen):
    """A member of staff and the account names by which somebody might name them."""

    handles: Annotated[tuple[SubjectHandle, ...], _Any] = Field(min_length=1)


class HandlesEntry(Frozen):
    """How account names are compared."""

    domains: Annotated[tuple[Domain, ...], _Any] = ()
    """The organisation's own: `name@domain` and `domain\\name` are then the same as `name`.

    With none, whatever stands before or after is left out: rather one team too many left out than one too few.
    """


class TeamEntry(Frozen):
    """A team; `involved_as` is what reporters say when it is involved."""

    label: Label
    involved_as: Annotated[tuple[Involved, ...], _Any] = ()
    members: Annotated[tuple[Code, ...], _Any] = ()
    """Names from `people`."""
    backup: Code | None = None
    desks: Annotated[tuple[Name, ...], _Any] = ()


class SeverityEntry(Frozen):
    """First match sets the severity; a rule without `when` always matches."""

    id: Name
    when: When = When()
    set: Severity


AWAITED_BY: Final[Mapping[str, Awaited]] = MappingProxyType(
    {"unclaimed": Awaited.CLAIM, "undecided": Awaited.DECIDE, "undelivered": Awaited.DELIVERY}
)
"""The keys of a step, of which each says exactly one, and what each waits for."""


class StepEntry(Frozen):
    """One step of an escalation: after so long without something, these channels are told too."""

    unclaimed: Duration | None = None
    undecided: Duration | None = None
    undelivered: Duration | None = None
    to: Annotated[tuple[Name, ...], _Any] = Field(min_length=1)


class DeadlineEntry(Frozen):
    """How long people have; every time counts from when the concern was received."""

    claim: Duration
    decide: Duration
    clock: Pace = Pace.ALWAYS
    escalate: Name | None = None


class RouteDeadlineEntry(Frozen):
    """What a route has otherwise than the severity says."""

    claim: Duration | None = None
    decide: Duration | None = None
    clock: Pace | None = None
    escalate: Name | None = None


class DeadlinesEntry(Frozen):
    """The policy's own times, by severity; statutory ones are the law's."""

    calendar: Code | None = None
    """Whose working hours count where the site has none of its own."""
    critical: DeadlineEntry
    high: DeadlineEntry
    medium: DeadlineEntry
    low: DeadlineEntry


class RemindersEntry(Frozen):
    """How long before a deadline the first team told is reminded of it, in real time."""

    claim: Duration | None = None
    decide: Duration | None = None
    acknowledge: Duration | None = None
    feedback: Duration | None = None


class DuplicatesEntry(Frozen):
    """Cases with equal values in all of these fields, within the time, are linked; never dropped."""

    by: Annotated[tuple[LinkField, ...], _Any] = Field(min_length=1)
    within: Duration


class RouteEntry(Frozen):
    """First match wins; a route without `when` always matches.

    What a nested route does not say, it has from the one around it; where none of them matches, that one itself
    decides. With `continue`, what the route says is added, and the next ones are tried too.
    """

    id: Name
    when: RouteWhen = RouteWhen()
    teams: Annotated[tuple[Code, ...], _Any] = ()
    to: Annotated[tuple[Name, ...], _Any] = ()
    hold: Annotated[tuple[Name, ...], _Any] = ()
    deadlines: RouteDeadlineEntry | None = None
    link_duplicates: DuplicatesEntry | None = None
    say: Annotated[tuple[Name, ...], _Any] = ()
    go_on: StrictBool = Field(default=False, alias="continue")
    routes: "tuple[RouteEntry, ...]" = ()


class PolicyFile(Frozen):
    """The whole file."""

    policy: Literal["concern-router/1"]
    """The language's name and version."""
    region: Here | None = None
    """Where the organisation is: whose outside bodies are asked when neither the concern nor its site says."""
    legal_profile: LegalProfile = LegalProfile.EU_EMPLOYER
    legal: LegalEntry | None = None
    """What follows from the profile `custom`; with that alone."""
    taxonomy: Mapping[Code, CategoryEntry] = Field(min_length=1)
    calendars: Mapping[Code, CalendarEntry] = {}
    sites: Mapping[Code, SiteEntry] = {}
    handles: HandlesEntry = HandlesEntry()
    people: Mapping[Code, PersonEntry] = {}
    teams: Mapping[Code, TeamEntry] = Field(min_length=1)
    severity: tuple[SeverityEntry, ...] = Field(min_length=1)
    deadlines: DeadlinesEntry
    reminders: RemindersEntry = RemindersEntry()
    escalations: Mapping[Name, Annotated[tuple[StepEntry, ...], Field(min_length=1)]] = {}
    sentences: Mapping[Name, Sentence] = {}
    routes: tuple[RouteEntry, ...] = Field(min_length=1)
    fallback: Annotated[tuple[Code, ...], _Any] = Field(min_length=1)
