"""What routes say: names that exist, each name once, and somebody who is told at the end of every way.

Follows nested routes with what they have from those around them, so that what is missing after that is found.
"""

from dataclasses import dataclass
from typing import Any

from router.configfile.yamltext import Path, shown
from router.triage.check_times import deadline
from router.triage.naming import Found, Names
from router.vocabulary import Scope

RESERVED = "fallback"


def check(known: Names) -> None:
    """Add to the policy's document what is wrong with severity rules and routes."""
    _Walk(known).run()


@dataclass(frozen=True, slots=True)
class _Around:
    """What a route has from those around it."""

    teams: Found
    to: Found
    goes_on: bool
    """It, or one around it, only adds: it decides nothing alone, so need not tell anybody."""


class _Walk:
    """One pass over the severity rules and all routes."""

    def __init__(self, known: Names) -> None:
        self._known = known
        self._rules = known.rules
        self._seen: dict[str, int] = {}

    def run(self) -> None:
        for index, _ in self._rules.entries("severity"):
            self._id(("severity", index))
            self._known.conditions_at(("severity", index, "when"))
        self._seen = {}
        self._list((), _Around([], [], goes_on=False))

    def _list(self, place: Path, around: _Around) -> None:
        for index, route in self._rules.entries(*place, "routes"):
            if isinstance(route, dict):
                self._route((*place, "routes", index), route, around)

    def _id(self, place: Path) -> None:
        name, at = self._rules.at(*place, "id"), (*place, "id")
        if not isinstance(name, str):
            return
        if name == RESERVED:
            said = f"{RESERVED!r} is the name of what happens when nothing matches"
            self._rules.complain(at, "reserved", said)
        if name in self._seen:
            self._rules.complain(at, "duplicate_id", f"{shown(name)} stands twice; first in line {self._seen[name]}")
        self._seen.setdefault(name, self._rules.line(at))

    def _route(self, place: Path, route: dict[str, Any], around: _Around) -> None:
        self._id(place)
        self._known.conditions_at((*place, "when"))
        teams, to = self._own(place)
        deadline(self._known, (*place, "deadlines"))
        if route.get("link_duplicates"):
            self._known.once(self._rules.words(*place, "link_duplicates", "by"))
        goes_on = route.get("continue") is True
        if goes_on:
            self._adds(place, route)
            mine = _Around(teams, to, goes_on=True)
        else:
            mine = _Around(
                teams if "teams" in route else around.teams, to if "to" in route else around.to, around.goes_on
            )
        self._told(place, mine, decides=not mine.goes_on and not _gives_away(route))
        self._list(place, mine)

    def _own(self, place: Path) -> tuple[Found, Found]:
        """Return the teams and internal channels that the route itself names, after holding them to their rules."""
        known = self._known
        teams, to = known.teams_in(self._rules, (*place, "teams")), known.channels_in((*place, "to"))
        known.only_inside(to)
        for at, channel in known.channels_in((*place, "hold")):
            if known.scope(channel) == Scope.INTERNAL:
                self._rules.complain(at, "internal_in_hold", f"{shown(channel)} is internal: name it in 'to'")
        known.sentences_in((*place, "say"))
        for at, team in teams:
            known.has_desk(at, team)
        return teams, to

    def _adds(self, place: Path, route: dict[str, Any]) -> None:
        if not any(route.get(key) for key in ("teams", "to", "hold", "say", "deadlines", "link_duplicates", "routes")):
            said = "with `continue` a route adds what it says, and this one says nothing: teams, to, hold or say"
            self._rules.complain((*place, "continue"), "adds_nothing", said)

    def _told(self, place: Path, route: _Around, *, decides: bool) -> None:
        """Whoever gets a key must be told, and a route that decides must tell somebody."""
        readers = {team for _, channel in route.to for team in self._known.readers(channel)}
        for at, team in route.teams:
            if team in self._known.teams and team not in readers:
                here = at if at[: len(place)] == place else (*place, "id")
                said = f"{shown(team)} would get a key but reads no channel in 'to': nobody would tell it"
                self._rules.complain(here, "team_not_told", said)
        for key, found in (("teams", route.teams), ("to", route.to)):
            if decides and not found and self._rules.at(*place, key) in (None, []):
                said = f"{key!r} is missing: a route without `continue` says who is told, or has it from the one around"
                self._rules.complain((*place, key), "missing", said)


def _gives_away(route: dict[str, Any]) -> bool:
    """Say whether a route inside always decides instead: one without `when` and without `continue`."""
    inner = route.get("routes")
    return isinstance(inner, list) and any(
        isinstance(one, dict) and not one.get("when") and one.get("continue") is not True for one in inner
    )
