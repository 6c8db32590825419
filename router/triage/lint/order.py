"""What the order of rules hides: routes that nothing can reach, and rules of which the earlier silently decides."""

from collections.abc import Iterator, Sequence

from router.configfile.yamltext import Path
from router.errors import Problem
from router.triage.file import RouteEntry, SeverityEntry
from router.triage.lint.reading import Files, placed
from router.triage.lint.regions import SEVERITY, Region, Rules, Taken, impossible, narrowed, wanted


def findings(files: Files) -> Iterator[Problem]:
    """Yield what is odd about the order of severity rules and of routes."""
    yield from _severity(files)
    yield from _Routes(files, (), files.written.routes, {}, None).findings()
    yield from _unrouted(files)


def _unrouted(files: Files) -> Iterator[Problem]:
    telling = [route for route in files.written.routes if _tells(route)]
    named = {category for one in placed(files) for category in one.own.when.category if _tells(one.entry)}
    rules = Rules([wanted(route.when) for route in telling], files.severities.always)
    for name in files.written.taxonomy:
        if name not in named and rules.taken({"category": (frozenset({name}),)}, (1 << len(telling)) - 1) is None:
            said = f"no route takes the category {name!r}: it would go to the fallback; name it in a route's `when`"
            yield files.rule(("taxonomy", name), "no_route", said)


def _tells(route: RouteEntry) -> bool:
    return bool(route.teams) or any(map(_tells, route.routes))


def _severity(files: Files) -> Iterator[Problem]:
    entries = files.written.severity
    always = {name: values for name, values in files.severities.always.items() if name != SEVERITY}
    rules = Rules([wanted(entry.when) for entry in entries], always)
    below = {
        severity: sum(1 << number for number, entry in enumerate(entries) if entry.set.rank < severity.rank)
        for severity in {entry.set for entry in entries}
    }
    same = {
        severity: sum(1 << number for number, entry in enumerate(entries) if entry.set is severity)
        for severity in {entry.set for entry in entries}
    }
    for number, entry in enumerate(entries):
        path: Path = ("severity", number)
        earlier = (1 << number) - 1
        taken = rules.taken(narrowed({}, wanted(entry.when)), earlier)
        if taken is not None:
            said = _unreachable(files, "rule", entry.id, taken, at=("severity",), entries=entries)
            yield files.rule(path, "unreachable", said)
            continue
        other = rules.crossing(number, earlier & ~same[entry.set])
        if other is None:
            other = rules.crossing(number, earlier & below[entry.set], loosely=True)
        if other is not None:
            yield files.rule(
                path, "overlap", _overlap(files, "rules", entry.id, ("severity", other), entries[other].id)
            )


class _Routes:
    """The routes of one list, within those around it."""

    def __init__(
        self, files: Files, path: Path, routes: Sequence[RouteEntry], region: Region, around: "_Routes | None"
    ) -> None:
        self._files = files
        self._path: Path = (*path, "routes")
        self._routes = routes
        self._region = region
        self._around = around
        self._at = 0
        """The route whose turn it is."""
        self._rules = Rules([wanted(route.when) for route in routes], files.severities.always)
        self._last = sum(1 << number for number, route in enumerate(routes) if not route.go_on)

    def findings(self) -> Iterator[Problem]:
        """Yield what is odd here and in nested lists."""
        for number, route in enumerate(self._routes):
            self._at = number
            path = (*self._path, number)
            region = narrowed(self._region, wanted(route.when))
            region = {**region, SEVERITY: (self._files.severities.of(region),)}
            nothing = impossible(region)
            if nothing is not None:
                yield self._files.rule(path, "unreachable", self._never(route, nothing))
                continue
            said = self._hidden(route, region)
            if said is not None:
                yield self._files.rule(path, "unreachable", said)
                continue
            other = self._rules.crossing(self._at, self._earlier)
            if other is not None:
                said = _overlap(self._files, "routes", route.id, (*self._path, other), self._routes[other].id)
                yield self._files.rule(path, "overlap", said)
            if route.routes:
                yield from _Routes(self._files, path, route.routes, region, self).findings()

    @property
    def _earlier(self) -> int:
        """The routes before the one whose turn it is, after which no other is tried."""
        return self._last & ((1 << self._at) - 1)

    def _never(self, route: RouteEntry, field: str) -> str:
        if field == SEVERITY:
            return f"nothing can match {route.id!r}: no concern like this has such a severity; lower severity_at_least"
        return f"nothing can match {route.id!r}: the routes around it want another {field}; change one of them"

    def _hidden(self, route: RouteEntry, region: Region) -> str | None:
        """Say by which earlier routes, here or further out, everything is taken that would reach `route`."""
        here: _Routes | None = self
        while here is not None:
            taken = here._rules.taken(region, here._earlier)  # noqa: SLF001 - the same class
            if taken is not None:
                return _unreachable(self._files, "route", route.id, taken, at=here._path, entries=here._routes)  # noqa: SLF001
            here = here._around  # noqa: SLF001
        return None


def _unreachable(
    files: Files, what: str, name: str, taken: Taken, *, at: Path, entries: Sequence[RouteEntry | SeverityEntry]
) -> str:
    listed = " and ".join(f"{entries[one].id!r} (line {files.rules.line((*at, one))})" for one in taken.by[:5])
    if len(taken.by) == 1:
        return f"{what} {name!r} is never reached: {listed} takes all that it matches; put it before that, or remove it"
    more = " and others" if len(taken.by) > len(taken.by[:5]) else ""
    return (
        f"{what} {name!r} is never reached: {listed}{more} together take every {taken.field} that it matches; "
        "put it before them, or remove it"
    )


def _overlap(files: Files, what: str, name: str, other: Path, other_name: str) -> str:
    return (
        f"{what} {other_name!r} (line {files.rules.line(other)}) and {name!r} share some concerns, and the order alone "
        "decides those; give the values that they share to one of the two, or a rule of their own before both"
    )
