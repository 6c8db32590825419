"""The names that the two documents define, and complaints about words that name nothing.

Reads the documents as they are, right or wrong; changes nothing but their lists of problems.
"""

from collections.abc import Collection, Iterable
from typing import Final

from router.configfile.yamltext import Document, Path, nearest, shown
from router.vocabulary import Scope

Found = list[tuple[Path, str]]
"""Words with their places."""
NEEDED: Final = frozenset({"team", "category"})
"""What every policy has: where there is none at all, that is said once, not of every word."""


class Names:
    """What exists, by kind, in the order of the files."""

    def __init__(self, rules: Document, ways: Document) -> None:
        self.rules = rules
        self.ways = ways
        self.channels = _keys(ways)
        self.teams = _keys(rules, "teams")
        self._people = _keys(rules, "people")
        self._categories = _keys(rules, "taxonomy")
        self._sites = _keys(rules, "sites")
        self._calendars = _keys(rules, "calendars")
        self._escalations = _keys(rules, "escalations")
        self._sentences = _keys(rules, "sentences")
        self._readers = {name: frozenset(word for _, word in ways.words(name, "readable_by")) for name in self.channels}
        self._hints: dict[tuple[str, str], str] = {}

    def teams_in(self, document: Document, place: Path) -> Found:
        """Return the teams named at `place`, after complaining of those that do not exist or stand twice."""
        return self._found("team", document, place, self.teams)

    def channels_in(self, place: Path) -> Found:
        """Return the channels named at `place` of the policy, likewise."""
        return self._found("channel", self.rules, place, self.channels)

    def members_in(self, place: Path) -> Found:
        """Return the people named at `place`, likewise."""
        return self._found("person", self.rules, place, self._people)

    def sentences_in(self, place: Path) -> Found:
        """Return the sentences named at `place`, likewise."""
        return self._found("sentence", self.rules, place, self._sentences)

    def calendar_at(self, place: Path) -> None:
        """Complain when the calendar named at `place` does not exist."""
        self._found("calendar", self.rules, place, self._calendars)

    def escalation_at(self, place: Path) -> None:
        """Complain when the escalation named at `place` does not exist."""
        self._found("escalation", self.rules, place, self._escalations)

    def conditions_at(self, place: Path) -> None:
        """Complain of the categories and sites that a `when` names and that do not exist."""
        self._found("category", self.rules, (*place, "category"), self._categories)
        self._found("site", self.rules, (*place, "site"), self._sites)

    def readers(self, channel: str) -> frozenset[str]:
        """Return the teams that read what arrives in `channel`; none if there is no such channel."""
        return self._readers.get(channel, frozenset())

    def scope(self, channel: str) -> object:
        """Return what the file says of who gets it: inside or outside."""
        return self.ways.at(channel, "scope")

    def only_inside(self, found: Found) -> None:
        """Complain of the channels that lead outside, where something is sent at once."""
        for place, channel in found:
            if self.scope(channel) == Scope.EXTERNAL:
                said = f"{shown(channel)} is external: name it in 'hold', where people must approve it first"
                self.rules.complain(place, "external_in_to", said)

    def has_desk(self, place: Path, team: str) -> None:
        """Complain when `team` could not be told by itself."""
        if team in self.teams and next(self.rules.words("teams", team, "desks"), None) is None:
            self.rules.complain(place, "no_desk", f"{shown(team)} has no desks: it could not be told")

    def once(self, found: Iterable[tuple[Path, str]]) -> None:
        """Complain of words that stand twice in one list."""
        seen: set[str] = set()
        for place, word in found:
            if word in seen:
                self.rules.complain(place, "twice", f"{shown(word)} stands twice here")
            seen.add(word)

    def _found(self, what: str, document: Document, place: Path, known: Collection[str]) -> Found:
        found = list(document.words(*place))
        for at, word in found:
            if word not in known and (known or what not in NEEDED):
                document.complain(at, f"unknown_{what}", f"unknown {what} {shown(word)}{self._hint(what, word, known)}")
        if len(found) > 1 and document is self.rules:
            self.once(found)
        return found

    def _hint(self, what: str, word: str, known: Collection[str]) -> str:
        """Return the nearest word; looked for once, however often the wrong one stands in the file."""
        if (what, word) not in self._hints:
            self._hints[what, word] = nearest(word, known)
        return self._hints[what, word]


def _keys(document: Document, *path: str) -> dict[str, None]:
    """Return the keys at `path`: in order, and quickly found."""
    return {str(key): None for key, _ in document.entries(*path)}
