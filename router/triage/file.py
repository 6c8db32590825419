"""What may stand in policy.yaml: every key, and the values that each knows.

The models are the language; the references between the parts of a file are `check`'s business.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from router.model import Frozen
from router.vocabulary import (
    Code,
    Country,
    EvidenceState,
    Involved,
    Name,
    NoticedHow,
    Severity,
    Urgency,
    VerdictSource,
    WhereFound,
)

_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ReportedBy(StrEnum):
    """Who filed: a person at the page or anonymously by the interface, or a machine client with a token."""

    PERSON = "person"
    CLIENT = "client"


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | dict) else [value]


def _duration(value: Any) -> timedelta:
    parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise PydanticCustomError("odd_value", "a time such as 30m, 4h or 2d is wanted here")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f<>]*$")]
"""A line for people to read, of the operator's own."""
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


class CategoryEntry(Frozen):
    """One line of the taxonomy."""

    label: Label
    floor: Severity
    group: Label | None = None


class SiteEntry(Frozen):
    """An entity or place of the company."""

    label: Label


class TeamEntry(Frozen):
    """A team; `involved_as` is what reporters say when it is involved."""

    label: Label
    involved_as: Annotated[tuple[Involved, ...], _Any] = ()
    backup: Code | None = None
    desks: Annotated[tuple[Name, ...], _Any] = ()


class SeverityEntry(Frozen):
    """First match sets the severity; a rule without `when` always matches."""

    id: Name
    when: When = When()
    set: Severity


class RouteEntry(Frozen):
    """First match wins; a route without `when` always matches."""

    id: Name
    when: RouteWhen = RouteWhen()
    teams: Annotated[tuple[Code, ...], _Any] = Field(min_length=1)
    to: Annotated[tuple[Name, ...], _Any] = Field(min_length=1)
    hold: Annotated[tuple[Name, ...], _Any] = ()


def _each_severity(times: Mapping[Severity, timedelta]) -> Mapping[Severity, timedelta]:
    missing = [severity.value for severity in Severity if severity not in times]
    if missing:
        raise PydanticCustomError("missing_severity", "respond_within lacks {names}", {"names": ", ".join(missing)})
    return times


class DeadlinesEntry(Frozen):
    """The policy's own times; statutory ones are the law's."""

    respond_within: Annotated[Mapping[Severity, Duration], AfterValidator(_each_severity)]


class PolicyFile(Frozen):
    """The whole file."""

    policy: Literal["concern-router/1"]
    """The language's name and version."""
    taxonomy: Mapping[Code, CategoryEntry] = Field(min_length=1)
    sites: Mapping[Code, SiteEntry] = {}
    teams: Mapping[Code, TeamEntry] = Field(min_length=1)
    severity: tuple[SeverityEntry, ...] = Field(min_length=1)
    deadlines: DeadlinesEntry
    routes: tuple[RouteEntry, ...] = Field(min_length=1)
    fallback: Annotated[tuple[Code, ...], _Any] = Field(min_length=1)
