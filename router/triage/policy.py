"""The policy: who must know of what, and how fast. From file to frozen rules; anything doubtful is an error.

One ordered tree with a closed vocabulary, no expressions: a condition names a fact and the values that will
do. Loading either gives a whole policy or every problem with its line; it never gives half a policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from router import catalogue
from router.catalogue import Catalogue, Channel
from router.configfile.shape import shape
from router.configfile.yamltext import read, read_file
from router.errors import PolicyErrors, Problem
from router.model import Facts
from router.triage import check
from router.triage.file import PolicyFile, RouteEntry
from router.triage.match import Rule, compiled
from router.vocabulary import Involved, Severity

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
class Route:
    """If it matches, and none before it did, these teams must know, by these channels."""

    name: str
    rule: Rule
    teams: tuple[Team, ...]
    to: tuple[Channel, ...]
    hold: tuple[Channel, ...]
    """External channels: drafts until people approve."""


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
    respond_within: Mapping[Severity, timedelta]
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


def parse_policy(policy_text: str, channels_text: str) -> Policy:
    """Return the policy that the two texts say; raises PolicyErrors with every problem of both."""
    rules, ways = read(policy_text, FILE), read(channels_text, catalogue.FILE)
    channels = Catalogue(catalogue.read_channels(ways))
    written = shape(rules, PolicyFile)
    check.names(rules, ways)
    if written is None or rules.problems or ways.problems:
        raise PolicyErrors([*rules.problems, *ways.problems])
    teams = _teams(written, channels)
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
        respond_within=MappingProxyType(dict(written.deadlines.respond_within)),
        channels=channels,
    )


def _teams(written: PolicyFile, channels: Catalogue) -> Mapping[str, Team]:
    return MappingProxyType(
        {
            name: Team(
                name=name,
                label=entry.label,
                involved_as=frozenset(entry.involved_as),
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
    )
