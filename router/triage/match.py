"""Compiled conditions: does a rule match a view of the facts, which rules of many do, and why not the others.

A view is a mapping from condition names to what the concern has: one value, a tuple of values, or None.
Pure, but for a bounded memory of explanations already made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from router.model import ConditionTried, RuleTried, made
from router.triage.file import RouteWhen, When
from router.vocabulary import Severity

MOST_REMEMBERED: Final = 512
"""Explanations that one rule or condition keeps for the next concern with the same values; then it starts anew."""
MOST_CONDITIONS: Final = 2
"""A rule with more meets the same values too seldom: its conditions remember, the rule does not."""
MOST_IN_ALL: Final = 20_000
"""Explanations that all conditions of a policy keep together: some 15 MB."""
MOST_LISTED: Final = 200
"""In a longer list the rules that did not match are told together, by the condition that failed: else the explanation
of one case would be a megabyte."""
MOST_WANTED: Final = 12
"""Values named when many rules are told together."""

_LISTS: Final = frozenset({"urgency", "involves"})
_AT_LEAST: Final = "severity_at_least"
_NAMES: Final = tuple((name, info.alias or name) for name, info in When.model_fields.items())
_SEVERITIES: Final = frozenset(Severity)
_CONDITIONS: Final = (*(field for _, field in _NAMES), _AT_LEAST)

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

    __slots__ = ("_wanted", "_will_do", "field", "remembered")

    def __init__(self, field: str, wanted: tuple[str, ...], will_do: frozenset[str], remember: int) -> None:
        self.field = field
        self._wanted = wanted
        self._will_do = will_do
        self.remembered = _Memory[ConditionTried](remember)

    def tried(self, value: Any) -> ConditionTried:
        """Return what was wanted and what `value` is, and remember it."""
        actual = _listed(value)
        ok = not self._will_do.isdisjoint(actual)
        return self.remembered.keep(value, ConditionTried(field=self.field, wanted=self._wanted, actual=actual, ok=ok))


class Rule:
    """All conditions must hold; none at all always match."""

    __slots__ = ("_conditions", "_most", "_remembered", "_wanted", "name", "will_do")

    def __init__(self, name: str, wanted: Mapping[str, tuple[str, ...]], *, remember: int = MOST_REMEMBERED) -> None:
        self.name = name
        self.will_do = {field: _values(field, values) for field, values in wanted.items()}
        """For each condition's name the values that will do."""
        self._wanted = wanted
        self._most = remember
        self._conditions: tuple[tuple[str, _Memory[ConditionTried], Callable[[Any], ConditionTried]], ...] | None = None
        self._remembered = _Memory[RuleTried](remember) if len(wanted) <= MOST_CONDITIONS else None

    def matches(self, view: Mapping[str, Any]) -> bool:
        """Say whether every condition holds. Raises nothing for a view that has all names.

        For one rule; `RuleList.matching` asks many at once.
        """
        for field, will_do in self.will_do.items():
            if field in _LISTS:
                if will_do.isdisjoint(view[field]):
                    return False
            elif view[field] not in will_do:
                return False
        return True

    def tried(self, view: Mapping[str, Any]) -> RuleTried:
        """Return every condition with what it wanted and what the concern had."""
        return self.explained(view, matched=self.matches(view))

    def explained(self, view: Mapping[str, Any], *, matched: bool) -> RuleTried:
        """Return the same for a rule of which it is known whether it matches."""
        if self._remembered is None:
            return self._explain(view, matched=matched)
        values = tuple([view[field] for field in self.will_do])
        return self._remembered.get(values) or self._remembered.keep(values, self._explain(view, matched=matched))

    def _explain(self, view: Mapping[str, Any], *, matched: bool) -> RuleTried:
        if self._conditions is None:  # made when first asked for: most rules of a long list never are
            own = [Condition(field, wanted, self.will_do[field], self._most) for field, wanted in self._wanted.items()]
            self._conditions = tuple([(one.field, one.remembered, one.tried) for one in own])
        tests = tuple([known.get(view[field]) or tried(view[field]) for field, known, tried in self._conditions])
        return made(RuleTried, {"rule": self.name, "matched": matched, "tests": tests})


class _Column:
    """What the rules of a list want of one field: for each value a number whose bit N says that rule N will take it."""

    __slots__ = ("anyway", "field", "several", "taken")

    def __init__(self, field: str, rules: Sequence[Rule]) -> None:
        self.field = field
        self.several = field in _LISTS
        positions: dict[str, list[int]] = {}
        anyway = []
        for position, rule in enumerate(rules):
            if field in rule.will_do:
                for value in rule.will_do[field]:
                    positions.setdefault(value, []).append(position)
            else:
                anyway.append(position)
        self.anyway = _bits(anyway, len(rules))
        """Rules that do not look at the field."""
        self.taken = {value: _bits(found, len(rules)) | self.anyway for value, found in positions.items()}

    def takes(self, has: Any) -> int:
        """Return the bits of the rules that `has` will do for."""
        if not self.several:
            return self.taken.get(has, self.anyway)
        taken = self.anyway
        for value in has:
            taken |= self.taken.get(value, 0)
        return taken


class RuleList:
    """Rules in order, asked all at once: ten thousand cost a few microseconds, because a set of rules is one number."""

    __slots__ = ("_all", "_columns", "_rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._all = (1 << len(self._rules)) - 1
        fields = {field for rule in self._rules for field in rule.will_do}
        self._columns = tuple(_Column(field, self._rules) for field in _CONDITIONS if field in fields)

    def matching(self, view: Mapping[str, Any]) -> Iterator[int]:
        """Yield the positions of the rules whose every condition holds, first to last.

        Raises nothing for a view that has all names.
        """
        found = self._found(view)
        while found:
            first = found & -found
            yield first.bit_length() - 1
            found ^= first

    def _found(self, view: Mapping[str, Any]) -> int:
        found = self._all
        for column in self._columns:
            found &= column.takes(view[column.field])
        return found

    def tried(self, view: Mapping[str, Any], begin: int, end: int) -> Iterator[RuleTried]:
        """Yield why the rules from `begin` up to `end` (not included) match or do not.

        One by one, in order; if the list has more than MOST_LISTED rules, those that do not match come first,
        told together for each condition that failed, and `rule` says how many they are.
        """
        if len(self._rules) <= MOST_LISTED:
            found = self._found(view) >> begin
            rules = enumerate(self._rules[begin:end])
            yield from [rule.explained(view, matched=bool(found >> place & 1)) for place, rule in rules]
            return
        left = (1 << end) - (1 << begin)
        for column in self._columns:
            taken = column.takes(view[column.field])
            failed = left & ~taken
            left &= taken
            if failed:
                yield self._together(column, view[column.field], failed)
        for position in range(begin, end):
            if left >> position & 1:
                yield self._rules[position].tried(view)

    def _together(self, column: _Column, has: Any, failed: int) -> RuleTried:
        kind = self._rules[0].name.partition(":")[0]
        wanted = sorted((value for value, taken in column.taken.items() if taken & failed), key=_rank)
        if len(wanted) > MOST_WANTED:
            wanted = [*wanted[:MOST_WANTED], f"{len(wanted) - MOST_WANTED} more"]
        test = ConditionTried(field=column.field, wanted=tuple(wanted), actual=_listed(has), ok=False)
        return RuleTried(rule=f"{kind}:{failed.bit_count()} others", matched=False, tests=(test,))


def compiled(rules: Iterable[tuple[str, When]]) -> tuple[Rule, ...]:
    """Return a rule for each name and `when`, sharing one bound on what they remember."""
    wanted = [(name, _wanted(when)) for name, when in rules]
    conditions = sum(len(one) for _, one in wanted)
    remember = min(MOST_REMEMBERED, MOST_IN_ALL // max(conditions, 1))
    return tuple(Rule(name, one, remember=remember) for name, one in wanted)


def _wanted(when: When) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, tuple[str, ...]] = {}
    for name, field in _NAMES:
        values = getattr(when, name)
        if values:
            wanted[field] = tuple([str(value) for value in values])
    if isinstance(when, RouteWhen) and when.severity_at_least is not None:
        wanted[_AT_LEAST] = (str(when.severity_at_least),)
    return wanted


def _values(field: str, values: tuple[str, ...]) -> frozenset[str]:
    if field == _AT_LEAST:
        least = Severity(values[0]).rank
        return frozenset(str(severity) for severity in Severity if severity.rank >= least)
    return frozenset(values)


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, tuple) else (str(value),)


def _rank(value: str) -> tuple[int, str]:
    """Put severities in their order, and all else in that of the alphabet."""
    return (Severity(value).rank if value in _SEVERITIES else 0, value)


def _bits(positions: Iterable[int], length: int) -> int:
    """Return the number that has these bits set; made in one go: one that grew would be copied for each bit."""
    octets = bytearray(length // 8 + 1)
    for position in positions:
        octets[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(octets, "little")
