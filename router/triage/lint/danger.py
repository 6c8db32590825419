"""Danger that a policy does not hurry for: less than critical, or drafted for outside bodies while nobody is rung up.

Looks at categories of the shipped taxonomy that can mean danger: what another one means, nobody here can know.
"""

from collections.abc import Iterator
from typing import Final

from router.configfile.yamltext import Path
from router.errors import Problem
from router.triage.file import RouteEntry
from router.triage.lint.reading import Files, Placed, placed
from router.triage.lint.regions import SEVERITY, Region, impossible, narrowed, wanted
from router.triage.parts import ABOUT_CHILDREN
from router.vocabulary import Severity, Urgency

NOW: Final = (Urgency.CHILD_IN_IMMEDIATE_DANGER, Urgency.LIVE_NOW)
"""What a child's danger now is called."""
_VIOLENCE: Final = "violence_or_threat"
_PAGERDUTY: Final = "pagerduty"


def findings(files: Files) -> Iterator[Problem]:
    """Yield danger that is less than critical, and routes whose drafts concern it and that ring nobody up."""
    yield from _not_critical(files)
    yield from _nobody_rung(files)


def _not_critical(files: Files) -> Iterator[Problem]:
    known = [name for name in files.written.taxonomy if name in ABOUT_CHILDREN]
    violence = [_VIOLENCE] if _VIOLENCE in files.written.taxonomy else []
    for urgency, names in (*((one, known) for one in NOW), (Urgency.DANGER_TO_LIFE, [*known, *violence])):
        mild = [name for name in names if _severities(files, name, urgency) - {Severity.CRITICAL}]
        if mild:
            said = (
                f"{urgency.value!r} can be less than critical (in {', '.join(mild)}): let the first severity rule say "
                f"critical for it"
            )
            yield files.rule(("severity",), "danger_not_critical", said)


def _severities(files: Files, category: str, urgency: Urgency) -> frozenset[str]:
    return files.severities.of(_narrowed({}, category, urgency))


def _nobody_rung(files: Files) -> Iterator[Problem]:
    pagers = _pagers(files)
    routes = tuple(placed(files))
    for number, one in enumerate(routes):
        if not one.entry.hold or _only_adds(one, routes) or not all(map(_may_pass, one.own.routes)):
            continue
        near = (*routes[:number], *(other for other in routes[number:] if _inside(other.path, one.path)))
        added = [other for other in near if _adds(other, one, routes)]
        for urgency in NOW:
            missed = [
                name
                for name in files.written.taxonomy
                if name in ABOUT_CHILDREN and not _rung(files, (one, *added), pagers, name, urgency)
            ]
            if missed:
                said = (
                    f"a concern of {urgency.value!r} ({', '.join(missed)}) is drafted for outside bodies here, and "
                    "nobody is rung up: before the routes, add one with `continue` whose `to` is a channel that pages"
                )
                yield files.rule((*one.path, "id"), "danger_pages_nobody", said)


def _rung(files: Files, routes: tuple[Placed, ...], pagers: frozenset[str], category: str, urgency: Urgency) -> bool:
    """Say whether no such concern comes to the first of the routes, or a channel that pages is told of it by one."""
    region = _narrowed(routes[0].region, category, urgency)
    if impossible(region):
        return True
    told = {to for route in routes if _is_met(files, route.region, region) for to in route.entry.to}
    return not pagers.isdisjoint(told)


def _pagers(files: Files) -> frozenset[str]:
    """Return the channels that ring people up: those that others name as `page`, and whose kind does nothing else."""
    named = {channel.page for channel in files.channels.values() if channel.page}
    return frozenset(named | {name for name, channel in files.channels.items() if channel.kind == _PAGERDUTY})


def _only_adds(one: Placed, routes: tuple[Placed, ...]) -> bool:
    """Say whether it, or a route around it, decides nothing alone."""
    return any(above.own.go_on for above in routes if _inside(one.path, above.path))


def _adds(other: Placed, one: Placed, routes: tuple[Placed, ...]) -> bool:
    """Say whether `other` is added to what `one` decides, where its conditions hold."""
    around = (above for above in routes if _inside(other.path, above.path) and not _inside(one.path, above.path))
    return next((above.own.go_on for above in around), False)


def _inside(path: Path, outer: Path) -> bool:
    return path[: len(outer)] == outer


def _may_pass(route: RouteEntry) -> bool:
    """Say whether some concerns go past a nested route, so that the one around it decides."""
    return route.go_on or bool(wanted(route.when))


def _is_met(files: Files, conditions: Region, region: Region) -> bool:
    """Say whether everything in `region` meets the conditions."""
    for field, clauses in conditions.items():
        have = (files.severities.of(region),) if field == SEVERITY else region.get(field, ())
        if not all(any(one <= clause for one in have) for clause in clauses):
            return False
    return True


def _narrowed(region: Region, category: str, urgency: Urgency) -> Region:
    return narrowed(region, {"category": frozenset({category}), "urgency": frozenset({urgency.value})})
