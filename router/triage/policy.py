"""The policy: who must know of what, and how fast. From file to frozen rules; anything doubtful is an error.

One ordered tree with a closed vocabulary, no expressions: a condition names a fact and the values that will
do. Loading either gives a whole policy or every problem with its line; it never gives half a policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from router import catalogue
from router.catalogue import Catalogue, Channel
from router.configfile.shape import shape
from router.configfile.yamltext import read, read_file
from router.errors import PolicyErrors, Problem
from router.model import Facts
from router.triage import check
from router.triage.file import (
    CalendarEntry,
    Day,
    DuplicatesEntry,
    LegalProfile,
    Pace,
    PolicyFile,
    RouteDeadlineEntry,
    RouteEntry,
    Span,
    StepEntry,
)
from router.triage.handles import Handles
from router.triage.match import Rule, compiled
from router.triage.worktime import Calendar
from router.vocabulary import Awaited, Involved, Severity

FILE: Final = "policy.yaml"
FALLBACK: Final = "fallback"
"""The route's name in a decision when no route matched, or deciding failed."""


@dataclass(frozen=True, slots=True)
class Category:
    """Something that may be reported."""

    name: str
    label: str
    floor: Severity
    """Never less severe than this."""
    group: str
    """Heading under which the reporter's page lists it."""


@dataclass(frozen=True, slots=True)
class Team:
    """People who share a key and read the same desks."""

    name: str
    label: str
    involved_as: frozenset[Involved]
    """What a reporter says when this team is involved."""
    members: frozenset[bytes]
    """Digests of its members' account names, as `Policy.handles` makes them."""
    backup: str | None
    """The team that stands in for it."""
    desks: tuple[Channel, ...]
    """Where it can be told, the usual one first."""


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """If it matches, and none before it did, the severity is `sets` (but never below the floor)."""

    rule: Rule
    sets: Severity


@dataclass(frozen=True, slots=True)
class Times:
    """How long people have, by which clock, and who is told when nothing happens."""

    claim: Span
    decide: Span
    pace: Pace
    escalate: str | None
    """Name of the escalation."""


@dataclass(frozen=True, slots=True)
class Step:
    """When `after` has passed without what is awaited, these channels are told too."""

    awaited: Awaited
    """CLAIM or DECIDE, by the clock of the case's times; DELIVERY, in real time."""
    after: Span
    to: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """If it matches, and none before it did, these teams must know, by these channels."""

    name: str
    rule: Rule
    teams: tuple[Team, ...]
    to: tuple[Channel, ...]
    hold: tuple[Channel, ...]
    """External channels: drafts until people approve."""
    times: RouteDeadlineEntry | None
    """What it has otherwise than the severity says."""
    duplicates: DuplicatesEntry | None
    say: tuple[str, ...]
    """Names of the sentences that the reporter is shown."""
    goes_on: bool
    """Adds what it says; the next routes are tried too."""
    inner: "tuple[Route, ...]"
    """Tried in order when this one matched; whatever they do not say they have from this one."""


@dataclass(frozen=True, slots=True, repr=False)
class Policy:
    """Everything a decision needs, compiled; made by `parse_policy` only."""

    digest: str
    taxonomy: Mapping[str, Category]
    sites: Mapping[str, str]
    """Name to label."""
    teams: Mapping[str, Team]
    severities: tuple[SeverityRule, ...]
    routes: tuple[Route, ...]
    fallback: tuple[Team, ...]
    """Asked in this order; nothing that a reporter says can involve the last one."""
    legal_profile: LegalProfile
    times: Mapping[Severity, Times]
    reminders: Mapping[Awaited, Span]
    """How long before a deadline, in real time."""
    escalations: Mapping[str, tuple[Step, ...]]
    calendars: Mapping[str, Calendar]
    site_calendars: Mapping[str, Calendar]
    """The calendar of each site that has one."""
    calendar: Calendar | None
    """Whose hours count for the others."""
    sentences: Mapping[str, str]
    handles: Handles
    channels: Catalogue

    @property
    def key_teams(self) -> tuple[str, ...]:
        """Teams that a case key may ever be sealed to: each needs a team key."""
        told = {team.name for route in self.routes for team in route.teams} | {team.name for team in self.fallback}
        backups = {team.backup for team in self.teams.values() if team.backup}
        return tuple(sorted(told | backups))

    def unknown_in(self, facts: Facts) -> tuple[str, ...]:
        """Return the names of the facts whose value this policy does not know: category, site."""
        unknown = []
        if facts.category not in self.taxonomy:
            unknown.append("category")
        if facts.site is not None and facts.site not in self.sites:
            unknown.append("site")
        return tuple(unknown)


def load_policy(config_dir: Path) -> Policy:
    """Return the policy of `config_dir`; raises PolicyErrors with every problem of both files."""
    return parse_policy(*policy_texts(config_dir))


def policy_texts(config_dir: Path) -> tuple[str, str]:
    """Return the texts of policy.yaml and channels.yaml; raises PolicyErrors when one cannot be read."""
    problems: list[Problem] = []
    texts: list[str] = []
    for name in (FILE, catalogue.FILE):
        try:
            texts.append(read_file(config_dir / name))
        except PolicyErrors as error:
            problems.extend(error.problems)
    if problems:
        raise PolicyErrors(problems)
    return texts[0], texts[1]


def policy_digest(policy_text: str, channels_text: str) -> str:
    """Return the SHA-256, in hex, that names a policy: over both texts, each with its length."""
    both = [text.encode() for text in (policy_text, channels_text)]
    return sha256(b"".join(len(text).to_bytes(8) + text for text in both)).hexdigest()


def parse_policy(policy_text: str, channels_text: str, *, handle_key: bytes = b"") -> Policy:
    """Return the policy that the two texts say; raises PolicyErrors with every problem of both.

    Account names are digested under `handle_key`; what is stored (keys of likely duplicates) needs a secret one.
    """
    rules, ways = read(policy_text, FILE), read(channels_text, catalogue.FILE)
    channels = Catalogue(catalogue.read_channels(ways))
    written = shape(rules, PolicyFile)
    check.names(rules, ways)
    if written is None or rules.problems or ways.problems:
        raise PolicyErrors([*rules.problems, *ways.problems])
    handles = Handles(handle_key, written.handles.domains)
    calendars = MappingProxyType({name: _calendar(entry) for name, entry in written.calendars.items()})
    teams = _teams(written, channels, handles)
    severities = compiled((f"severity:{entry.id}", entry.when) for entry in written.severity)
    routes = compiled((f"route:{entry.id}", entry.when) for entry in written.routes)
    return Policy(
        digest=policy_digest(policy_text, channels_text),
        taxonomy=MappingProxyType(
            {n: Category(n, c.label, c.floor, c.group or c.label) for n, c in written.taxonomy.items()}
        ),
        sites=MappingProxyType({name: site.label for name, site in written.sites.items()}),
        teams=teams,
        severities=tuple(
            SeverityRule(rule, entry.set) for rule, entry in zip(severities, written.severity, strict=True)
        ),
        routes=tuple(_route(rule, entry, teams, channels) for rule, entry in zip(routes, written.routes, strict=True)),
        fallback=tuple(teams[name] for name in written.fallback),
        legal_profile=written.legal_profile,
        times=MappingProxyType({severity: _times(written, severity) for severity in Severity}),
        reminders=MappingProxyType(
            {Awaited(name): span for name, span in written.reminders if span is not None},
        ),
        escalations=MappingProxyType({name: _steps(steps, channels) for name, steps in written.escalations.items()}),
        calendars=calendars,
        site_calendars=MappingProxyType(
            {name: calendars[site.calendar] for name, site in written.sites.items() if site.calendar}
        ),
        calendar=calendars[written.deadlines.calendar] if written.deadlines.calendar else None,
        sentences=MappingProxyType(dict(written.sentences)),
        handles=handles,
        channels=channels,
    )


def _times(written: PolicyFile, severity: Severity) -> Times:
    entry = getattr(written.deadlines, severity)
    return Times(entry.claim, entry.decide, entry.clock, entry.escalate)


def _steps(steps: tuple[StepEntry, ...], channels: Catalogue) -> tuple[Step, ...]:
    return tuple(
        Step(awaited, after, tuple(channels.channels[name] for name in step.to))
        for step in steps
        for awaited, after in (
            (Awaited.CLAIM, step.unclaimed),
            (Awaited.DECIDE, step.undecided),
            (Awaited.DELIVERY, step.undelivered),
        )
        if after is not None
    )


def _calendar(entry: CalendarEntry) -> Calendar:
    days = tuple(Day)
    return Calendar(
        zone=ZoneInfo(entry.tz),
        days=frozenset(days.index(day) for day in entry.days),
        hours=tuple(sorted(entry.hours)),
        holidays=frozenset(entry.holidays),
    )


def _teams(written: PolicyFile, channels: Catalogue, handles: Handles) -> Mapping[str, Team]:
    return MappingProxyType(
        {
            name: Team(
                name=name,
                label=entry.label,
                involved_as=frozenset(entry.involved_as),
                members=frozenset(
                    handles.digest(handle) for person in entry.members for handle in written.people[person].handles
                ),
                backup=entry.backup,
                desks=tuple(channels.channels[desk] for desk in entry.desks),
            )
            for name, entry in written.teams.items()
        }
    )


def _route(rule: Rule, entry: RouteEntry, teams: Mapping[str, Team], channels: Catalogue) -> Route:
    return Route(
        name=entry.id,
        rule=rule,
        teams=tuple(teams[name] for name in entry.teams),
        to=tuple(channels.channels[name] for name in entry.to),
        hold=tuple(channels.channels[name] for name in entry.hold),
        times=entry.deadlines,
        duplicates=entry.link_duplicates,
        say=entry.say,
        goes_on=entry.go_on,
        inner=(),
    )
