"""What a condition lets through, as sets; and which rules of an ordered list let the same through before it.

Pure work on sets. Rules of one list are the bits of whole numbers, so that ten thousand of them are compared
with each other in a second.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, get_origin

from router.model import Facts
from router.triage.file import RouteWhen, When
from router.vocabulary import Severity

SEVERITY: Final = "severity"
"""The name under which `severity_at_least` is compared: a value that every concern has."""
LISTS: Final = frozenset(name for name, info in Facts.model_fields.items() if get_origin(info.annotation) is tuple)
"""Facts that may have several values at once, or none."""

Wanted: TypeAlias = Mapping[str, frozenset[str]]
"""The values that will do, by field; a field that is not named may be anything."""
Region: TypeAlias = Mapping[str, tuple[frozenset[str], ...]]
"""Concerns that several conditions let through together. By field, sets of which each must be met: one for a fact of
one value, one for each condition on a list."""


def wanted(when: When) -> Wanted:
    """Return the values that will do for `when`."""
    found = {
        info.alias or name: frozenset(map(str, getattr(when, name)))
        for name, info in When.model_fields.items()
        if getattr(when, name)
    }
    if isinstance(when, RouteWhen) and when.severity_at_least is not None:
        least = when.severity_at_least.rank
        found[SEVERITY] = frozenset(str(severity) for severity in Severity if severity.rank >= least)
    return found


def narrowed(region: Region, more: Wanted) -> Region:
    """Return what `more` lets through of `region`."""
    both = dict(region)
    for field, values in more.items():
        before = both.get(field, ())
        both[field] = (*before, values) if field in LISTS or not before else (before[0] & values,)
    return both


def impossible(region: Region) -> str | None:
    """Return the field that nothing can fulfil, if there is one."""
    return next((field for field, clauses in region.items() if not all(clauses)), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """Rules that leave nothing over."""

    by: tuple[int, ...]
    """One, or several that do it together along `field`."""
    field: str | None = None


class Rules:
    """The rules of one ordered list, ready to be asked about."""

    def __init__(self, rules: Sequence[Wanted], always: Mapping[str, frozenset[str]]) -> None:
        """Take the rules in order; `always` has the possible values of the fields that no concern is without."""
        self._rules = rules
        self._every = (1 << len(rules)) - 1
        self._said: dict[str, dict[str, int]] = {}
        self._alike: dict[frozenset[str], int] = {}
        for number, rule in enumerate(rules):
            names = frozenset(rule)
            self._alike[names] = self._alike.get(names, 0) | 1 << number
            for field, values in rule.items():
                said = self._said.setdefault(field, {})
                for value in values:
                    said[value] = said.get(value, 0) | 1 << number
        self._silent = {field: self._every & ~_any(said.values()) for field, said in self._said.items()}
        self._always = {field: (values,) for field, values in always.items()}

    def taken(self, region: Region, among: int) -> Taken | None:
        """Return which of the rules `among` (bits) match everything in `region`, alone or along one field."""
        met = {field: self._met(field, region) for field in self._said}
        alone = _all(met.values(), among)
        if alone:
            return Taken((_first(alone),))
        for field, clauses in self._said_of(region):
            near = _all((bits for other, bits in met.items() if other != field), among)
            for clause in clauses if near else ():
                hits = [near & self._said[field].get(value, 0) for value in clause]
                if hits and all(hits):
                    return Taken(tuple(sorted(set(map(_first, hits)))), field)
        return None

    def crossing(self, number: int, among: int, *, loosely: bool = False) -> int | None:
        """Return the first rule `among` with the same fields as `number` that shares concerns with it.

        Neither contains the other. `loosely`: for a fact that is a list, other values than the same will do too,
        because a concern may have both.
        """
        rule = self._rules[number]
        near = self._alike[frozenset(rule)] & among
        for field, values in rule.items():
            if not (loosely and field in LISTS):
                near &= _any(self._said[field][value] for value in values)
        near &= ~_all((self._met(field, {field: (values,)}) for field, values in rule.items()), near)
        return next((one for one in _numbers(near) if not self._contains(rule, self._rules[one])), None)

    def _said_of(self, region: Region) -> Iterator[tuple[str, tuple[frozenset[str], ...]]]:
        for field in self._said:
            clauses = region.get(field) or self._always.get(field)
            if clauses:
                yield field, clauses

    def _met(self, field: str, region: Region) -> int:
        """Return the rules whose condition on `field`, if any, holds for all of `region`."""
        said, met = self._said[field], self._silent[field]
        for clause in region.get(field) or self._always.get(field) or ():
            met |= _all((said.get(value, 0) for value in clause), self._every)
        return met

    @staticmethod
    def _contains(outer: Wanted, inner: Wanted) -> bool:
        return all(inner[field] <= values for field, values in outer.items())


def _all(bits: Iterable[int], start: int) -> int:
    for one in bits:
        start &= one
    return start


def _any(bits: Iterable[int]) -> int:
    found = 0
    for one in bits:
        found |= one
    return found


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        yield _first(bits)
        bits &= bits - 1
