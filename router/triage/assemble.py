"""Put a policy together from its file, after `check` found nothing wrong: names become what they name.

What nested routes have from the one around them is worked out here, once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from router.catalogue import Catalogue
from router.marking import Tlp
from router.triage.file import (
    AWAITED_BY,
    CalendarEntry,
    CategoryEntry,
    Day,
    PolicyFile,
    RouteDeadlineEntry,
    RouteEntry,
    StepEntry,
)
from router.triage.handles import Handles
from router.triage.legal import law_of
from router.triage.match import Rule, RuleList, compiled
from router.triage.parts import Category, Policy, Route, SeverityRule, Step, Team, Times, unless_said
from router.triage.whose import Regions
from router.triage.worktime import Calendar
from router.vocabulary import Awaited, Severity

INHERITED: Final = ("teams", "to", "hold", "say", "link_duplicates")
"""What a nested route has from the one around it where it does not say it; `deadlines` are inherited key by key."""


def assembled(written: PolicyFile, channels: Catalogue, *, digest: str, handle_key: bytes) -> Policy:
    """Return the policy that `written` says; every name in it must exist."""
    handles = Handles(handle_key, written.handles.domains)
    calendars = calendars_of(written)
    teams = _teams(written, channels, handles)
    routes = _Tree(written, teams, channels).routes(written.routes)
    severities = compiled((f"severity:{entry.id}", entry.when) for entry in written.severity)
    return Policy(
        digest=digest,
        taxonomy=MappingProxyType({name: _category(name, entry) for name, entry in written.taxonomy.items()}),
        sites=MappingProxyType({name: site.label for name, site in written.sites.items()}),
        teams=teams,
        severities=tuple(
            SeverityRule(rule, entry.set) for rule, entry in zip(severities, written.severity, strict=True)
        ),
        severity_rules=RuleList(severities),
        routes=routes,
        route_rules=_list(routes),
        fallback=tuple(teams[name] for name in written.fallback),
        law=law_of(written.legal_profile, written.legal),
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
        regions=Regions(
            written.region,
            MappingProxyType({name: site.region for name, site in written.sites.items() if site.region}),
        ),
        sentences=MappingProxyType(dict(written.sentences)),
        handles=handles,
        channels=channels,
    )


def _category(name: str, entry: CategoryEntry) -> Category:
    tlp = Tlp[entry.tlp.name] if entry.tlp else unless_said(name)
    return Category(name, entry.label, entry.floor, entry.group or entry.label, tlp)


def inherited(entry: RouteEntry, outer: RouteEntry) -> RouteEntry:
    """Return `entry` with what it has from `outer`, the route around it.

    An empty list is said, too: `hold: []` has no drafts. A route with `continue` adds what it says itself
    and has nothing from the one around it: that would bring in teams which the deciding one left out.
    """
    if entry.go_on:
        return entry
    more = {name: getattr(outer, name) for name in INHERITED if name not in entry.model_fields_set}
    if outer.deadlines is not None:
        own = entry.deadlines or RouteDeadlineEntry()
        more["deadlines"] = outer.deadlines.model_copy(
            update={name: getattr(own, name) for name in own.model_fields_set}
        )
    return entry.model_copy(update=more)


class _Tree:
    """The routes and those inside them, their rules sharing one bound on what they remember."""

    def __init__(self, written: PolicyFile, teams: Mapping[str, Team], channels: Catalogue) -> None:
        self._teams = teams
        self._channels = channels.channels
        self._rules = iter(compiled((f"route:{entry.id}", entry.when) for entry in _flat(written.routes)))

    def routes(self, entries: Iterable[RouteEntry]) -> tuple[Route, ...]:
        return tuple([self._route(next(self._rules), entry) for entry in entries])

    def _route(self, rule: Rule, entry: RouteEntry) -> Route:
        inner = self.routes([inherited(one, entry) for one in entry.routes])
        return Route(
            name=entry.id,
            rule=rule,
            teams=tuple([self._teams[name] for name in entry.teams]),
            to=tuple([self._channels[name] for name in entry.to]),
            hold=tuple([self._channels[name] for name in entry.hold]),
            times=entry.deadlines,
            duplicates=entry.link_duplicates,
            say=entry.say,
            goes_on=entry.go_on,
            inner=inner,
            inner_rules=_list(inner),
        )


_NO_RULES: Final = RuleList(())


def _list(routes: Sequence[Route]) -> RuleList:
    return RuleList(route.rule for route in routes) if routes else _NO_RULES


def _flat(entries: tuple[RouteEntry, ...]) -> Iterator[RouteEntry]:
    """Yield each route and those inside it, as they stand in the file."""
    for entry in entries:
        yield entry
        yield from _flat(entry.routes)


def _times(written: PolicyFile, severity: Severity) -> Times:
    entry = getattr(written.deadlines, severity)
    return Times(entry.claim, entry.decide, entry.clock, entry.escalate)


def _steps(steps: tuple[StepEntry, ...], channels: Catalogue) -> tuple[Step, ...]:
    return tuple(
        Step(awaited, getattr(step, key), tuple(channels.channels[name] for name in step.to))
        for step in steps
        for key, awaited in AWAITED_BY.items()
        if getattr(step, key) is not None
    )


def calendars_of(written: PolicyFile) -> Mapping[str, Calendar]:
    """Return the calendars by name."""
    return MappingProxyType({name: _calendar(entry) for name, entry in written.calendars.items()})


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
