"""Compiled conditions: does a rule match a view of the facts, and why.

A view is a mapping from condition names to what the concern has: one value, a tuple of values, or None.
Pure, but for a bounded memory of explanations already made.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from router.model import ConditionTried, RuleTried
from router.triage.file import RouteWhen, When
from router.vocabulary import Severity

MOST_REMEMBERED: Final = 512
"""Explanations that one rule or condition keeps for the next concern with the same values; then it starts anew."""
MOST_CONDITIONS: Final = 2
"""A rule with more meets the same values too seldom: its conditions remember, the rule does not."""
MOST_IN_ALL: Final = 20_000
"""Explanations that all conditions of a policy keep together: some 15 MB."""

_LISTS: Final = frozenset({"urgency", "involves"})
_AT_LEAST: Final = "severity_at_least"

Kept = TypeVar("Kept")


class _Memory(dict[Any, Kept]):
    """Forgets everything when it is full; what was forgotten is only made again."""

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: Any, value: Kept) -> Kept:
        if len(self) >= self._most:
            self.clear()
        if self._most:
            self[key] = value
        return value


class Condition:
    """One name to look at, and the values that will do."""

    __slots__ = ("_wanted", "field", "remembered", "several", "will_do")

    def __init__(self, field: str, wanted: tuple[str, ...], remember: int) -> None:
        self.field = field
        self.will_do = _will_do(field, wanted)
        self.several = field in _LISTS
        self._wanted = wanted
        self.remembered = _Memory[ConditionTried](remember)

    def tried(self, value: Any) -> ConditionTried:
        """Return what was wanted and what `value` is, and remember it."""
        actual = _listed(value)
        ok = not self.will_do.isdisjoint(actual)
        return self.remembered.keep(value, ConditionTried(field=self.field, wanted=self._wanted, actual=actual, ok=ok))


class Rule:
    """All conditions must hold; none at all always match."""

    __slots__ = ("_conditions", "_fields", "_quick", "_remembered", "name")

    def __init__(self, name: str, wanted: Mapping[str, tuple[str, ...]], *, remember: int = MOST_REMEMBERED) -> None:
        self.name = name
        self._fields = tuple(wanted)
        self._conditions = tuple(Condition(field, values, remember) for field, values in wanted.items())
        # Unpacked once: looking attributes up costs as much as the comparison.
        self._quick = tuple((one.field, one.will_do, one.several) for one in self._conditions)
        self._remembered = _Memory[RuleTried](remember if len(wanted) <= MOST_CONDITIONS else 0)

    def matches(self, view: Mapping[str, Any]) -> bool:
        """Say whether every condition holds. Raises nothing for a view that has all names."""
        for field, will_do, several in self._quick:
            if several:
                if will_do.isdisjoint(view[field]):
                    return False
            elif view[field] not in will_do:
                return False
        return True

    def tried(self, view: Mapping[str, Any]) -> RuleTried:
        """Return every condition with what it wanted and what the concern had."""
        values = tuple([view[field] for field in self._fields])
        return self._remembered.get(values) or self._remembered.keep(values, self._explain(values))

    def _explain(self, values: tuple[Any, ...]) -> RuleTried:
        tests, matched = [], True
        for condition, value in zip(self._conditions, values, strict=True):
            test = condition.remembered.get(value) or condition.tried(value)
            matched = matched and test.ok
            tests.append(test)
        return RuleTried(rule=self.name, matched=matched, tests=tuple(tests))


def compiled(rules: Iterable[tuple[str, When]]) -> tuple[Rule, ...]:
    """Return a rule for each name and `when`, sharing one bound on what they remember."""
    wanted = [(name, _wanted(when)) for name, when in rules]
    conditions = sum(len(one) for _, one in wanted)
    remember = min(MOST_REMEMBERED, MOST_IN_ALL // max(conditions, 1))
    return tuple(Rule(name, one, remember=remember) for name, one in wanted)


def _wanted(when: When) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, tuple[str, ...]] = {}
    for field, info in When.model_fields.items():
        values = getattr(when, field)
        if values:
            wanted[info.alias or field] = tuple(str(value) for value in values)
    if isinstance(when, RouteWhen) and when.severity_at_least is not None:
        wanted[_AT_LEAST] = (str(when.severity_at_least),)
    return wanted


def _will_do(field: str, values: tuple[str, ...]) -> frozenset[str]:
    if field == _AT_LEAST:
        least = Severity(values[0]).rank
        return frozenset(str(severity) for severity in Severity if severity.rank >= least)
    return frozenset(values)


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, tuple) else (str(value),)
