"""Which cases of the queue somebody wants to see, and where a case stands in its order."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from router.vocabulary import Severity


class State(StrEnum):
    """How far the cases of a list are."""

    WAITING = "waiting"
    """Something is left to do: open, or closed and the reporter waits for an answer."""
    OPEN = "open"
    OWED = "owed"
    """Closed, and the reporter waits for an answer."""
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    ANY = "any"


class Holder(StrEnum):
    """Who has the cases of a list."""

    ME = "me"
    NOBODY = "nobody"
    ANYBODY = "anybody"


_BASES: Final[Mapping[State, tuple[int, ...]]] = {
    State.WAITING: (0, 4),
    State.OPEN: (0,),
    State.OWED: (4,),
    State.CLOSED: (4, 8),
    State.WITHDRAWN: (12,),
    State.ANY: (0, 4, 8, 12),
}
"""The first rank of each state; see `queuetables`."""
_NOTHING_DUE: Final = 8
"""From this rank on."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases somebody wants to see; empty, all that wait."""

    state: State = State.WAITING
    severities: frozenset[Severity] = frozenset()
    category: str | None = None
    site: str | None = None
    team: str | None = None
    claimed_by: Holder | None = None
    unread: bool = False
    overdue: bool = False
    parked: bool = False
    """It came in a flood, and waits for a look."""
    wrote: bool = False
    """The reporter wrote, and nobody has read that."""

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks of what it lets through."""
        severities = self.severities or frozenset(Severity)
        ranks = sorted(base + 3 - severity.rank for base in _BASES[self.state] for severity in severities)
        return tuple(rank for rank in ranks if not self.overdue or rank < _NOTHING_DUE)


class Place(NamedTuple):
    """Where a case stands in the order."""

    rank: int
    place: int
    reference: str
