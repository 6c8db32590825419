"""Compiled conditions: does a rule match a view of the facts, and why.

A view is a mapping from condition names to what the concern has: one value, a tuple of values, or None.
Pure, but for a bounded memory of explanations already made.
"""

from collections.abc import Mapping
from typing import Any, Final

from router.model import ConditionTried, RuleTried, Severity
from router.triage.file import RouteWhen, When

MOST_REMEMBERED: Final = 512
"""Explanations that a rule keeps for the next concern with the same values; then it starts anew."""

Condition = tuple[str, frozenset[str], bool]
"""What to look at, which values will do, and whether the concern has several."""

_LISTS: Final = frozenset({"urgency", "involves"})
_AT_LEAST: Final = "severity_at_least"
_FROM: Final = "from"


class Rule:
    """All conditions must hold; none at all always match."""

    __slots__ = ("_conditions", "_fields", "_remembered", "_wanted", "name")

    def __init__(self, name: str, wanted: Mapping[str, tuple[str, ...]]) -> None:
        self.name = name
        self._wanted = wanted
        self._fields = tuple(wanted)
        self._conditions: tuple[Condition, ...] = tuple(
            (field, _will_do(field, values), field in _LISTS) for field, values in wanted.items()
        )
        self._remembered: dict[tuple[Any, ...], RuleTried] = {}

    def matches(self, view: Mapping[str, Any]) -> bool:
        """Say whether every condition holds. Raises nothing for a view that has all names."""
        for field, will_do, several in self._conditions:
            if several:
                if will_do.isdisjoint(view[field]):
                    return False
            elif view[field] not in will_do:
                return False
        return True

    def tried(self, view: Mapping[str, Any]) -> RuleTried:
        """Return every condition with what it wanted and what the concern had."""
        actual = tuple([view[field] for field in self._fields])
        known = self._remembered.get(actual)
        if known is None:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[actual] = self._explain(view)
        return known

    def _explain(self, view: Mapping[str, Any]) -> RuleTried:
        tests = tuple(
            ConditionTried(
                field=field,
                wanted=self._wanted[field],
                actual=_listed(view[field]),
                ok=not will_do.isdisjoint(_listed(view[field])),
            )
            for field, will_do, _ in self._conditions
        )
        return RuleTried(rule=self.name, matched=all(test.ok for test in tests), tests=tests)


def compiled(name: str, when: When) -> Rule:
    """Return the rule that `when` says."""
    wanted: dict[str, tuple[str, ...]] = {}
    for field, info in When.model_fields.items():
        values = getattr(when, field)
        if values:
            wanted[info.alias or field] = tuple(str(value) for value in values)
    if isinstance(when, RouteWhen) and when.severity_at_least is not None:
        wanted[_AT_LEAST] = (str(when.severity_at_least),)
    return Rule(name, wanted)


def _will_do(field: str, values: tuple[str, ...]) -> frozenset[str]:
    if field == _AT_LEAST:
        least = Severity(values[0]).rank
        return frozenset(str(severity) for severity in Severity if severity.rank >= least)
    return frozenset(values)


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, tuple) else (str(value),)
