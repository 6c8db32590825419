"""A policy as a picture's content: what stands in each box, in order; and the same as a Mermaid flowchart.

Pure. `drawing` makes an SVG of it. Shows names and conditions, never an account of somebody.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from router.catalogue import Channel
from router.channels.setting import as_written
from router.triage.assemble import inherited
from router.triage.file import DeadlineEntry, Pace, PolicyFile, RouteDeadlineEntry, RouteEntry, RouteWhen, When
from router.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class Told:
    """Channels that are told by one way."""

    label: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """One rule or route: what it wants, and what it does."""

    name: str
    depth: int
    conditions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    at_once: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    later: tuple[Told, ...] = ()
    sets: Severity | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole picture."""

    severity: tuple[Box, ...]
    routes: tuple[Box, ...]
    fallback: tuple[str, ...]
    times: tuple[Box, ...]
    ways: tuple[Box, ...]
    """Channels that another one stands in for."""


def outline(written: PolicyFile, channels: Mapping[str, Channel]) -> Outline:
    """Return what a picture of the policy shows."""
    return Outline(
        severity=tuple(Box(entry.id, 0, tuple(conditions(entry.when)), sets=entry.set) for entry in written.severity),
        routes=tuple(_routes(written, written.routes, None, 0)),
        fallback=written.fallback,
        times=tuple(_times(written, severity) for severity in reversed(Severity)),
        ways=tuple(_way(channel) for channel in channels.values() if channel.instead),
    )


def conditions(when: When) -> Iterator[str]:
    """Yield each condition as a few words; nothing when everything matches."""
    for name, info in When.model_fields.items():
        values = getattr(when, name)
        if values:
            yield f"{info.alias or name}: {', '.join(map(str, values))}"
    if isinstance(when, RouteWhen) and when.severity_at_least is not None:
        worst = when.severity_at_least is Severity.CRITICAL
        yield f"severity: {when.severity_at_least}{'' if worst else ' or worse'}"


def _routes(written: PolicyFile, routes: tuple[RouteEntry, ...], outer: RouteEntry | None, depth: int) -> Iterator[Box]:
    for own in routes:
        entry = inherited(own, outer) if outer else own
        escalation = own.deadlines.escalate if own.deadlines else None
        yield Box(
            name=entry.id,
            depth=depth,
            conditions=tuple(conditions(entry.when)),
            notes=tuple(_notes(own)),
            teams=entry.teams,
            at_once=entry.to,
            drafts=entry.hold,
            later=_steps(written, escalation),
            goes_on=entry.go_on,
        )
        yield from _routes(written, own.routes, entry, depth + 1)


def _notes(own: RouteEntry) -> Iterator[str]:
    if own.say:
        yield f"says: {', '.join(own.say)}"
    if own.deadlines is not None:
        yield _spans(own.deadlines)
    if own.link_duplicates is not None:
        yield f"links cases with the same {' and '.join(own.link_duplicates.by)} within {own.link_duplicates.within}"
    if own.go_on:
        yield "adds this, and goes on"


def _times(written: PolicyFile, severity: Severity) -> Box:
    entry: DeadlineEntry = getattr(written.deadlines, severity)
    return Box(severity, 0, (_spans(entry),), later=_steps(written, entry.escalate))


def _way(channel: Channel) -> Box:
    stand_in = Told(f"instead after {as_written(channel.instead_after)}", (channel.instead,) if channel.instead else ())
    return Box(channel.name, 0, ("what it is told at once does not get through",), later=(stand_in,))


def _spans(entry: DeadlineEntry | RouteDeadlineEntry) -> str:
    clocks = {Pace.ALWAYS: "real time", Pace.WORKING: "working time"}
    said = [f"{what} within {span}" for what, span in (("claim", entry.claim), ("decide", entry.decide)) if span]
    said += [clocks[entry.clock]] if entry.clock else []
    said += [f"escalation {entry.escalate}"] if entry.escalate else []
    return ", ".join(said)


def _steps(written: PolicyFile, escalation: str | None) -> tuple[Told, ...]:
    steps = written.escalations.get(escalation or "", ())
    return tuple(
        Told(f"{what} {span}", step.to)
        for step in steps
        for what in ("unclaimed", "undecided", "undelivered")
        if (span := getattr(step, what)) is not None
    )


def mermaid(written: PolicyFile, channels: Mapping[str, Channel]) -> str:
    """Return the routes as a Mermaid flowchart: solid at once, dashed a draft, dotted later if nothing happens."""
    return "\n".join(_Mermaid(outline(written, channels)).lines()) + "\n"


class _Mermaid:
    """One flowchart; every text is quoted, every node has a name of ours."""

    def __init__(self, picture: Outline) -> None:
        self._picture = picture
        self._dashed: list[int] = []
        self._edges = 0
        self._nodes: dict[str, str] = {}

    def lines(self) -> Iterator[str]:
        """Yield the chart line by line."""
        yield "flowchart LR"
        yield "  start([a concern comes in])"
        before = [("start", "")]
        """Where the way to the next route of the same depth comes from: node and label, by depth."""
        for number, box in enumerate(self._picture.routes):
            node = f"r{number}"
            yield f'  {node}["{_quoted(box.name, *box.conditions, *box.notes)}"]'
            label = before[box.depth][1] if box.depth < len(before) else "inside"
            source = before[box.depth][0] if box.depth < len(before) else f"r{number - 1}"
            yield self._edge(source, f"-->|{label}|" if label else "-->", node)
            before[box.depth :] = [(node, "and go on" if box.goes_on else "no match")]
            yield from self._told(node, box)
        yield f'  fallback["{_quoted("fallback", "no route named a team, or deciding failed")}"]'
        yield self._edge(before[0][0], f"-->|{before[0][1]}|", "fallback")
        for team in self._picture.fallback:
            yield self._edge("fallback", "-->|key|", self._team(team))
        for number, box in enumerate(self._picture.times):
            yield f'  t{number}["{_quoted(f"severity {box.name}", *box.conditions)}"]'
            yield from self._told(f"t{number}", box)
        for box in self._picture.ways:
            for told in box.later:
                for name in told.channels:
                    yield self._edge(self._channel(box.name), f"-.->|{told.label}|", self._channel(name))
        for number in self._dashed:
            yield f"  linkStyle {number} stroke-dasharray:8 5"

    def _told(self, node: str, box: Box) -> Iterator[str]:
        for team in box.teams:
            yield self._edge(node, "-->|key|", self._team(team))
        for channel in box.at_once:
            yield self._edge(node, "==>|at once|", self._channel(channel))
        for channel in box.drafts:
            self._dashed.append(self._edges)
            yield self._edge(node, "-->|draft|", self._channel(channel))
        for told in box.later:
            for channel in told.channels:
                yield self._edge(node, f"-.->|{told.label}|", self._channel(channel))

    def _edge(self, source: str, arrow: str, target: str) -> str:
        self._edges += 1
        return f"  {source} {arrow} {target}"

    def _team(self, name: str) -> str:
        return self._node(f"team {name}", f'(["{_quoted(name)}"])')

    def _channel(self, name: str) -> str:
        return self._node(f"channel {name}", f'[/"{_quoted(name)}"/]')

    def _node(self, key: str, shape: str) -> str:
        """Return the node, with its shape where it comes first."""
        if key in self._nodes:
            return self._nodes[key]
        self._nodes[key] = f"n{len(self._nodes)}"
        return self._nodes[key] + shape


def _quoted(*lines: str) -> str:
    """Return text as Mermaid takes it in quotes: whatever might mean something there as a character code."""
    safe = [re.sub(r"[^A-Za-z0-9 ,.:_-]", lambda found: f"#{ord(found[0])};", line) for line in lines]
    return "<br/>".join(safe)
