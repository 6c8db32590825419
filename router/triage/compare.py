"""Two policies side by side: what the newer one says otherwise, and which past cases would have gone elsewhere.

Pure. Names parts, rules and references; never the value of a fact, and never an account.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from router.catalogue import Channel
from router.channels.setting import as_written
from router.model import Decision, Facts
from router.triage.decide import decide
from router.triage.examples import channels_in, escalated_in, instead_in
from router.triage.file import PolicyFile, RouteEntry, Span
from router.triage.policy import Policy
from router.vocabulary import ReferralState

HIDDEN: Final = frozenset({"handles"})
"""What is said to differ without saying how."""
ORDERED: Final = ("severity rule", "route")
"""Things whose order decides."""


class What(StrEnum):
    """How a part differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Change:
    """One part of the files that is not the same in both."""

    what: What
    kind: str
    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """A case as it came in; no facts when what is stored cannot be read any more."""

    reference: str
    received_at: datetime
    by_client: bool
    facts: Facts | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What would come out otherwise for one case: by field, under the old and under the new policy."""

    reference: str
    fields: Mapping[str, tuple[str, str]]
    routes: tuple[str, str]


def changes(
    old: PolicyFile, new: PolicyFile, old_channels: Mapping[str, Channel], new_channels: Mapping[str, Channel]
) -> tuple[Change, ...]:
    """Return what differs in meaning; how it is written does not count."""
    before, after = _parts(old, old_channels), _parts(new, new_channels)
    found = []
    for kind in before:
        for name in [*before[kind], *(one for one in after[kind] if one not in before[kind])]:
            if name not in after[kind]:
                found.append(Change(What.REMOVED, kind, name))
            elif name not in before[kind]:
                found.append(Change(What.ADDED, kind, name))
            else:
                details = tuple(_details(before[kind][name], after[kind][name]))
                found += [Change(What.CHANGED, kind, name, details)] if details else []
        if kind in ORDERED:
            for outer in dict.fromkeys(fields.get("inside") for fields in before[kind].values()):
                found += _moved(kind, _beside(before[kind], outer), _beside(after[kind], outer))
    return tuple(found)


def elsewhere(old: Policy, new: Policy, past: Past, *, console_url: str) -> Elsewhere | None:
    """Return what `new` decides otherwise of a past case than `old` does; None if nothing, or nothing can be said."""
    if past.facts is None:
        return None
    first, second = (
        decide(
            policy,
            past.facts,
            reference=past.reference,
            received_at=past.received_at,
            statutory=not past.by_client,
            console_url=console_url,
        )
        for policy in (old, new)
    )
    was, is_now = _shown(first), _shown(second)
    fields = {name: (was[name], is_now[name]) for name in was if was[name] != is_now[name]}
    return Elsewhere(past.reference, fields, (first.route, second.route)) if fields else None


def by_route(found: Iterable[Elsewhere]) -> Mapping[tuple[str, str], int]:
    """Return how many cases would go from which route to which, the most first."""
    counts: dict[tuple[str, str], int] = {}
    for one in found:
        counts[one.routes] = counts.get(one.routes, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _shown(decision: Decision) -> dict[str, str]:
    """Return what counts of a decision, as text."""
    lists: dict[str, Sequence[str]] = {
        "teams": decision.teams,
        "told": channels_in(decision, ReferralState.DUE),
        "held": channels_in(decision, ReferralState.DRAFT),
        "escalated": sorted(escalated_in(decision)),
        "instead": sorted(instead_in(decision)),
    }
    return {
        "severity": decision.severity,
        "route": decision.route,
        "reason": decision.reason or "none",
        **{name: ", ".join(several) or "none" for name, several in lists.items()},
        **{name: by.isoformat() if by else "none" for name, by in decision.deadlines},
    }


def _parts(written: PolicyFile, channels: Mapping[str, Channel]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return every named thing in the files, by kind: its fields, without those that are not said."""
    return {
        "setting": {
            "legal_profile": {"": str(written.legal_profile)},
            "legal": _flat(written.legal) if written.legal else {},
            "deadlines": {"calendar": written.deadlines.calendar},
            "own domains": _flat(written.handles),
        },
        "category": {name: _flat(entry) for name, entry in written.taxonomy.items()},
        "calendar": {name: _flat(entry) for name, entry in written.calendars.items()},
        "site": {name: _flat(entry) for name, entry in written.sites.items()},
        "person": {name: _flat(entry) for name, entry in written.people.items()},
        "team": {name: _flat(entry) for name, entry in written.teams.items()},
        "severity rule": {entry.id: _flat(entry) for entry in written.severity},
        "deadline": {severity: _flat(entry) for severity, entry in written.deadlines if isinstance(entry, BaseModel)},
        "reminder": {name: {"": str(span)} for name, span in written.reminders if span is not None},
        "escalation": {
            name: {f"step {number}": _step(step) for number, step in enumerate(steps, 1)}
            for name, steps in written.escalations.items()
        },
        "sentence": {name: {"": text} for name, text in written.sentences.items()},
        "route": dict(_routes(written.routes, "")),
        "fallback": {"": {"": written.fallback}},
        "channel": {name: _channel(channel) for name, channel in channels.items()},
    }


def _routes(routes: tuple[RouteEntry, ...], outer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for route in routes:
        fields = _flat(route)
        if outer:
            fields["inside"] = outer
        yield route.id, fields
        yield from _routes(route.routes, route.id)


def _channel(channel: Channel) -> dict[str, Any]:
    fields = _flat(channel)
    del fields["name"]
    return fields


def _step(step: BaseModel) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in _flat(step).items())


def _flat(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Return the fields that are said, those of parts with the part's name before."""
    found: dict[str, Any] = {}
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        key = f"{prefix}{info.alias or name}"
        if isinstance(value, BaseModel):
            found.update(_flat(value, f"{key}."))
        elif name not in {"routes", "id"} and value not in (None, (), False):
            found[key] = value
    return found


def _details(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field in dict.fromkeys([*old, *new]):
        was, is_now = old.get(field), new.get(field)
        if was == is_now:
            continue
        label = f"{field}: " if field else ""
        if field.rpartition(".")[2] in HIDDEN or field.startswith("settings."):
            yield f"{label}differs"
        elif isinstance(was or is_now, tuple) and not isinstance(was or is_now, Span):
            yield f"{label}{_listed(was or (), is_now or ())}"
        else:
            yield f"{label}{_text(was)} -> {_text(is_now)}"


def _listed(was: tuple[Any, ...], is_now: tuple[Any, ...]) -> str:
    gone = [f"- {_text(one)}" for one in was if one not in is_now]
    come = [f"+ {_text(one)}" for one in is_now if one not in was]
    return ", ".join([*gone, *come]) or f"another order: {', '.join(map(_text, is_now))}"


def _beside(named: Mapping[str, Mapping[str, Any]], outer: str | None) -> list[str]:
    """Return the names that stand in one list, in order."""
    return [name for name, fields in named.items() if fields.get("inside") == outer]


def _moved(kind: str, old: list[str], new: list[str]) -> Iterator[Change]:
    """Yield what stands in another place among those that are in both."""
    was, is_now = [name for name in old if name in new], [name for name in new if name in old]
    same = SequenceMatcher(None, was, is_now, autojunk=False).get_matching_blocks()
    stayed = {name for block in same for name in was[block.a : block.a + block.size]}
    for number, name in enumerate(is_now):
        if name not in stayed:
            place = f"now after {is_now[number - 1]}" if number else "now the first"
            yield Change(What.MOVED, kind, name, (place,))


def _text(value: Any) -> str:
    if value is None:
        return "not said"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date | timedelta):
        return value.isoformat() if isinstance(value, date) else as_written(value)
    if isinstance(value, tuple) and not isinstance(value, Span):
        if len(value) == 2 and all(isinstance(one, int) for one in value):  # noqa: PLR2004 - from and to
            return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in value)
        return " and ".join(map(_text, value))
    return str(value)
