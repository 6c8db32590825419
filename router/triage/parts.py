"""What a policy is made of, compiled and frozen: teams, rules, routes, times; and which routes match.

Says nothing of files; `policy.py` reads them, and `assemble.py` puts this together.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.catalogue import Catalogue, Channel
from router.marking import Tlp
from router.model import Facts, RuleTried
from router.triage.file import DuplicatesEntry, Pace, RouteDeadlineEntry, Span
from router.triage.handles import Handles
from router.triage.legal import Law
from router.triage.match import Rule, RuleList
from router.triage.whose import Regions
from router.triage.worktime import Calendar
from router.vocabulary import Awaited, Involved, Severity

ABOUT_CHILDREN: Final = frozenset(
    {
        *("csam_suspected", "grooming_suspected", "child_at_risk", "livestreamed_abuse_suspected"),
        "sexual_extortion",
    }
)
"""Of the taxonomy that ships: for the eyes of those alone to whom it is sent, unless a policy says otherwise."""


def unless_said(category: str) -> Tlp:
    """Return the marking of a category that the policy says none of."""
    return Tlp.RED if category in ABOUT_CHILDREN else Tlp.AMBER_STRICT


@dataclass(frozen=True, slots=True)
class Category:
    """Something that may be reported."""

    name: str
    label: str
    floor: Severity
    """Never less severe than this."""
    group: str
    """Heading under which the reporter's page lists it."""
    tlp: Tlp
    """Who may see it outside."""


@dataclass(frozen=True, slots=True)
class Team:
    """People who share a key and read the same desks."""

    name: str
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
    """Tried in order when this one matched; whatever they did not say they have from this one already."""
    inner_rules: RuleList
    """The rules of `inner`, asked all at once."""


@dataclass(frozen=True, slots=True, repr=False)
class Policy:
    """Everything a decision needs, compiled; made by `parse_policy` only."""

    digest: str
    taxonomy: Mapping[str, Category]
    sites: Mapping[str, str]
    """Name to label."""
    teams: Mapping[str, Team]
    severities: tuple[SeverityRule, ...]
    severity_rules: RuleList
    """The rules of `severities`, asked all at once."""
    routes: tuple[Route, ...]
    route_rules: RuleList
    """The rules of `routes`, asked all at once."""
    fallback: tuple[Team, ...]
    """Asked in this order; nothing that a reporter says can involve the last one."""
    law: Law
    """What follows from the legal profile."""
    times: Mapping[Severity, Times]
    reminders: Mapping[Awaited, Span]
    """How long before a deadline, in real time."""
    escalations: Mapping[str, tuple[Step, ...]]
    calendars: Mapping[str, Calendar]
    site_calendars: Mapping[str, Calendar]
    """The calendar of each site that has one."""
    calendar: Calendar | None
    """Whose hours count for the others."""
    regions: Regions
    """Where the organisation and its sites are."""
    sentences: Mapping[str, str]
    handles: Handles
    channels: Catalogue

    @property
    def key_teams(self) -> tuple[str, ...]:
        """Teams that a case key may ever be sealed to: each needs a team key."""
        told = {team.name for route in everyone(self.routes) for team in route.teams}
        told.update(team.name for team in self.fallback)
        backups = {team.backup for team in self.teams.values() if team.backup}
        return tuple(sorted(told | backups))

    def tlp(self, category: str) -> Tlp:
        """Return who outside may see a concern of this category; the fewest if the policy does not know it."""
        found = self.taxonomy.get(category)
        return found.tlp if found else Tlp.RED

    def severity_rule(self, view: Mapping[str, Any]) -> SeverityRule | None:
        """Return the first severity rule that matches, or None."""
        for position in self.severity_rules.matching(view):
            return self.severities[position]
        return None

    def severities_tried(self, view: Mapping[str, Any]) -> Iterator[RuleTried]:
        """Yield why each severity rule matched or did not, up to the first that did."""
        first = next(self.severity_rules.matching(view), len(self.severities) - 1)
        return self.severity_rules.tried(view, 0, first + 1)

    def candidates(self, view: Mapping[str, Any]) -> Iterator[Route]:
        """Yield the routes whose word counts, in order: what each says is added to what those before it said.

        `view` holds the facts, `from` and `severity_at_least`. All but the last have `continue`; the last one
        names the decision. None at all: nothing matched. What a nested route has from the one around it is in it.
        """
        return _matching(self.routes, self.route_rules, view)

    def routes_tried(self, view: Mapping[str, Any]) -> Iterator[RuleTried]:
        """Yield why each route matched or did not, in order, up to the one that decides.

        Of more than `match.MOST_LISTED` routes beside each other, those that did not match are told together.
        """
        return _tried(self.routes, self.route_rules, view)

    def unknown_in(self, facts: Facts) -> tuple[str, ...]:
        """Return the names of the facts whose value this policy does not know: category, site."""
        unknown = []
        if facts.category not in self.taxonomy:
            unknown.append("category")
        if facts.site is not None and facts.site not in self.sites:
            unknown.append("site")
        return tuple(unknown)


def everyone(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield each route and those inside it, as they stand in the file."""
    for route in routes:
        yield route
        yield from everyone(route.inner)


def _matching(routes: Sequence[Route], rules: RuleList, view: Mapping[str, Any]) -> Generator[Route, None, bool]:
    """Yield the routes whose word counts; return whether one decided."""
    for position in rules.matching(view):
        route = routes[position]
        if not route.inner or not (yield from _matching(route.inner, route.inner_rules, view)):
            yield route
        if not route.goes_on:
            return True
    return False


def _tried(routes: Sequence[Route], rules: RuleList, view: Mapping[str, Any]) -> Iterator[RuleTried]:
    begin = 0
    for position in rules.matching(view):
        route = routes[position]
        yield from rules.tried(view, begin, position + 1)
        if route.inner:
            yield from _tried(route.inner, route.inner_rules, view)
        begin = position + 1
        if not route.goes_on:
            return
    yield from rules.tried(view, begin, len(routes))
