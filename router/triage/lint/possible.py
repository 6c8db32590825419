"""Which severities the concerns that some conditions let through can have, from floors and severity rules."""

from collections.abc import Iterator, Mapping
from typing import Final

from router.triage.file import PolicyFile, ReportedBy
from router.triage.lint.regions import SEVERITY, Region, Wanted, narrowed, wanted
from router.vocabulary import NoticedHow, Severity

MOST_RULES: Final = 100
"""With more severity rules than this, a category's floor alone says what severities it can have."""


class Severities:
    """Asked once for each set of conditions; never says less than what can occur."""

    def __init__(self, written: PolicyFile) -> None:
        self._taxonomy = written.taxonomy
        self._rules = tuple((wanted(entry.when), entry.set) for entry in written.severity)
        self._known: dict[object, frozenset[str]] = {}
        self.always: Final[Mapping[str, frozenset[str]]] = {
            "category": frozenset(written.taxonomy),
            "noticed_how": frozenset(map(str, NoticedHow)),
            "from": frozenset(map(str, ReportedBy)),
            SEVERITY: frozenset(map(str, Severity)),
        }
        """What the fields can be that no concern is without."""

    def of(self, region: Region) -> frozenset[str]:
        """Return every severity that a concern in `region` can have."""
        asked = region.get(SEVERITY, (self.always[SEVERITY],))[0]
        inside = {name: clauses for name, clauses in region.items() if name != SEVERITY}
        key = tuple(inside.items())
        if key not in self._known:
            categories = region.get("category", (self.always["category"],))[0]
            self._known[key] = frozenset(str(one) for name in categories for one in self._of_category(name, inside))
        return self._known[key] & asked

    def _of_category(self, name: str, region: Region) -> Iterator[Severity]:
        entry = self._taxonomy.get(name)
        if entry is None or len(self._rules) > MOST_RULES:
            least = entry.floor.rank if entry else 0
            yield from (severity for severity in Severity if severity.rank >= least)
            return
        here = narrowed(region, {"category": frozenset({name})})
        for rule, severity in self._rules:
            if not self._may_meet(rule, here):
                continue
            yield max(severity, entry.floor, key=lambda one: one.rank)
            if self._must_meet(rule, here):
                return
        yield entry.floor

    @staticmethod
    def _may_meet(rule: Wanted, region: Region) -> bool:
        both = narrowed(region, rule)
        return all(clause for name in rule for clause in both[name])

    def _must_meet(self, rule: Wanted, region: Region) -> bool:
        for name, values in rule.items():
            clauses = region.get(name) or ((self.always[name],) if name in self.always else ())
            if not any(clause <= values for clause in clauses):
                return False
        return True
