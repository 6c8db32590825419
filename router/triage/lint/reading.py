"""Both files as they were written, held together for those who look for what is odd in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from router.bodies.directory import NOBODY, Directory
from router.catalogue import Channel, read_ways
from router.configfile.shape import shape
from router.configfile.yamltext import Document, Path, read
from router.errors import Problem
from router.triage.assemble import inherited
from router.triage.file import PolicyFile, RouteEntry
from router.triage.lint.possible import Severities
from router.triage.lint.regions import Region, narrowed, wanted
from router.triage.policy import FILE


@dataclass(frozen=True, slots=True)
class Files:
    """The two documents, and what was made of them."""

    rules: Document
    ways: Document
    written: PolicyFile
    channels: Mapping[str, Channel]
    severities: Severities
    notes_back: frozenset[str] = frozenset()
    """Channels that sources.yaml uses: by them a ticket is told that it was taken over."""
    directory: Directory = NOBODY
    """The outside bodies beside the channels."""

    def rule(self, path: Path, code: str, said: str) -> Problem:
        """Return a finding in the policy's file."""
        return Problem(self.rules.file, self.rules.line(path), code, said)

    def way(self, path: Path, code: str, said: str) -> Problem:
        """Return a finding in the channels' file."""
        return Problem(self.ways.file, self.ways.line(path), code, said)


@dataclass(frozen=True, slots=True)
class Placed:
    """A route, where it stands, and what can reach it."""

    path: Path
    own: RouteEntry
    """As it was written."""
    entry: RouteEntry
    """With what it has from the routes around it."""
    region: Region


def read_both(policy_text: str, channels_text: str) -> Files | None:
    """Return both files, or None when the policy's shape is so wrong that nothing can be said of it."""
    rules = read(policy_text, FILE)
    ways, catalogue = read_ways(channels_text)
    written = shape(rules, PolicyFile)
    if written is None:
        return None
    return Files(rules, ways, written, catalogue.channels, Severities(written), directory=catalogue.bodies)


def placed(files: Files) -> Iterator[Placed]:
    """Yield every route, each before those nested in it."""
    todo = _inside(files.written.routes, (), None, {})
    while todo:
        one = todo.pop()
        yield one
        todo.extend(_inside(one.own.routes, one.path, one.entry, one.region))


def _inside(routes: tuple[RouteEntry, ...], path: Path, outer: RouteEntry | None, region: Region) -> list[Placed]:
    """Return the routes of one list, the last first."""
    found = [
        Placed(
            path=(*path, "routes", number),
            own=route,
            entry=inherited(route, outer) if outer else route,
            region=narrowed(region, wanted(route.when)),
        )
        for number, route in enumerate(routes)
    ]
    return found[::-1]
