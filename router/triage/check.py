"""What the parts of the two files say about each other: names that exist, promises that hold.

Works on the documents as they are, right or wrong, so that a file's problems come all at once.
"""

from collections.abc import Iterable

from router.configfile.yamltext import Document, Path, nearest, shown
from router.vocabulary import Scope


def names(rules: Document, ways: Document) -> None:
    """Add to the documents every name that leads nowhere and every promise that the files would break."""
    _Check(rules, ways).run()


class _Check:
    """One pass over both documents."""

    def __init__(self, rules: Document, ways: Document) -> None:
        self._rules = rules
        self._ways = ways
        self._teams = [str(name) for name, _ in rules.entries("teams")]
        self._channels = [str(name) for name, _ in ways.entries()]
        self._categories = [str(name) for name, _ in rules.entries("taxonomy")]
        self._sites = [str(name) for name, _ in rules.entries("sites")]

    def run(self) -> None:
        for name in self._channels:
            self._known("team", self._ways, self._ways.words(name, "readable_by"), self._teams)
        for name in self._teams:
            self._team(name)
        self._ids("severity")
        self._ids("routes")
        for part in ("severity", "routes"):
            for index, _ in self._rules.entries(part):
                self._known(
                    "category", self._rules, self._rules.words(part, index, "when", "category"), self._categories
                )
                self._known("site", self._rules, self._rules.words(part, index, "when", "site"), self._sites)
        for index, _ in self._rules.entries("routes"):
            self._route(index)
        self._fallback()

    def _known(self, what: str, document: Document, found: Iterable[tuple[Path, str]], known: list[str]) -> None:
        for place, word in found:
            if word not in known:
                document.complain(place, f"unknown_{what}", f"unknown {what} {shown(word)}{nearest(word, known)}")

    def _ids(self, part: str) -> None:
        seen: dict[str, int] = {}
        for index, _ in self._rules.entries(part):
            name = self._rules.at(part, index, "id")
            if not isinstance(name, str):
                continue
            place = (part, index, "id")
            if name == "fallback":
                self._rules.complain(place, "reserved", "'fallback' is the name of what happens when nothing matches")
            if name in seen:
                self._rules.complain(place, "duplicate_id", f"{shown(name)} stands twice; first in line {seen[name]}")
            seen.setdefault(name, self._rules.line(place))

    def _readers(self, channel: str) -> set[str]:
        return {word for _, word in self._ways.words(channel, "readable_by")}

    def _involved_as(self, team: str) -> set[str]:
        return {word for _, word in self._rules.words("teams", team, "involved_as")}

    def _team(self, name: str) -> None:
        desks = list(self._rules.words("teams", name, "desks"))
        self._known("channel", self._rules, desks, self._channels)
        self._known("team", self._rules, self._rules.words("teams", name, "backup"), self._teams)
        for place, desk in desks:
            if self._ways.at(desk, "scope") == Scope.EXTERNAL:
                self._rules.complain(place, "external_desk", f"{shown(desk)} is external; a desk must be internal")
            elif desk in self._channels and name not in self._readers(desk):
                said = f"{shown(name)} is not in readable_by of {shown(desk)}, so nobody of it would see it"
                self._rules.complain(place, "desk_not_read", said)
        backup = self._rules.at("teams", name, "backup")
        if backup == name:
            self._rules.complain(("teams", name, "backup"), "own_backup", "a team cannot stand in for itself")
        elif isinstance(backup, str) and backup in self._teams:
            self._has_desk(("teams", name, "backup"), backup)

    def _has_desk(self, place: Path, team: str) -> None:
        if team in self._teams and not list(self._rules.words("teams", team, "desks")):
            self._rules.complain(place, "no_desk", f"{shown(team)} has no desks: it could not be told")

    def _route(self, index: str | int) -> None:
        route: Path = ("routes", index)
        teams = list(self._rules.words(*route, "teams"))
        to = list(self._rules.words(*route, "to"))
        hold = list(self._rules.words(*route, "hold"))
        self._known("team", self._rules, teams, self._teams)
        self._known("channel", self._rules, [*to, *hold], self._channels)
        for place, channel in to:
            if self._ways.at(channel, "scope") == Scope.EXTERNAL:
                said = f"{shown(channel)} is external: name it in 'hold', where people must approve it first"
                self._rules.complain(place, "external_in_to", said)
        for place, channel in hold:
            if self._ways.at(channel, "scope") == Scope.INTERNAL:
                self._rules.complain(place, "internal_in_hold", f"{shown(channel)} is internal: name it in 'to'")
        for found in (teams, to, hold):
            self._once(found)
        readers = {team for _, channel in to for team in self._readers(channel)}
        for place, team in teams:
            self._has_desk(place, team)
            if team in self._teams and team not in readers:
                said = f"{shown(team)} would get a key but reads no channel in 'to': nobody would tell it"
                self._rules.complain(place, "team_not_told", said)

    def _once(self, found: list[tuple[Path, str]]) -> None:
        seen: set[str] = set()
        for place, word in found:
            if word in seen:
                self._rules.complain(place, "twice", f"{shown(word)} stands twice here")
            seen.add(word)

    def _fallback(self) -> None:
        found = list(self._rules.words("fallback"))
        self._known("team", self._rules, found, self._teams)
        self._once(found)
        for place, team in found:
            self._has_desk(place, team)
        if not found or found[-1][1] not in self._teams:
            return
        place, last = found[-1]
        if self._involved_as(last):
            said = f"{shown(last)} can be said to be involved; the last one must have no involved_as"
            self._rules.complain(place, "fallback_involved", said)
        desks = [desk for _, desk in self._rules.words("teams", last, "desks")]
        if desks and not any(self._beyond_all(desk) for desk in desks):
            said = (
                f"every desk of {shown(last)} can be read by a team that may be involved; the last resort needs its own"
            )
            self._rules.complain(place, "fallback_read", said)

    def _beyond_all(self, channel: str) -> bool:
        return not any(self._involved_as(team) for team in self._readers(channel))
