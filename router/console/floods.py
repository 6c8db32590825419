"""What a reviewer does with concerns that came in a flood and wait: lets them go, one or all, or closes them as one.

Only with cases that they may work on, and never with one that somebody has. Each act is in the audit, with the flood
and with each case; a refused one leaves an entry too. Opens nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.acting import By, act
from router.console.attempt import Attempt, attempted
from router.errors import Forbidden
from router.model import AuditEntry
from router.store import parked
from router.store.audit import note
from router.store.engine import transaction
from router.store.progress import Standing
from router.vocabulary import CaseOutcome

LET_GO: Final = "case_let_go"
NOT_PARKED: Final = "not_parked"
"""Code of a refusal: nothing of it waits that one may do something about."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a flood's cases."""

    count: int
    to_ring: tuple[str, ...] = ()
    """Channels, after the commit."""


def let_go_case(engine: Engine, by: By) -> tuple[str, ...]:
    """Have the channels of one case told now; return them, to be rung. Raises Forbidden `not_parked`."""
    to_ring: list[str] = []

    def change(connection: Connection, case: Standing, _who: str) -> bool:
        waits = parked.lock(connection, [case.reference])
        to_ring.extend(parked.let_go(connection, waits))
        return bool(waits)

    act(engine, LET_GO, by, change=change, why_not=lambda _case: Forbidden(NOT_PARKED))
    return tuple(to_ring)


def let_go(engine: Engine, *, flood: str, handle: str, login: str) -> Ended:
    """Have the channels of all cases of a flood told now that `handle` may work on and nobody has.

    Raises Forbidden `not_parked` when there is none.
    """
    attempt = _attempt(engine, "flood_let_go", flood, handle)
    to_ring: set[str] = set()

    def change(connection: Connection, references: Sequence[str]) -> None:
        to_ring.update(parked.let_go(connection, references))
        parked.end(connection, references, ended="let_go", by=attempt.actor)

    count = _all(attempt, change, action=LET_GO, detail=login, why=login, unread=True)
    return Ended(count, tuple(sorted(to_ring)))


def close(engine: Engine, *, flood: str, handle: str, login: str, reason: str) -> Ended:
    """Close all cases of a flood that wait, that `handle` may work on and nobody has: nothing is done about them.

    Nobody is told of them any more; their reporters read so. Whoever has written since is somebody real: theirs stays
    open until that was read. Raises Forbidden `not_parked`, `reason_malformed`.
    """
    attempt = _attempt(engine, "flood_closed", flood, handle)
    why = attempt.check_reason(reason)

    def change(connection: Connection, references: Sequence[str]) -> None:
        parked.close(connection, references)
        parked.end(connection, references, ended="closed", by=attempt.actor)

    detail = f"{CaseOutcome.NO_ACTION} told as one of {attempt.reference} {login}".strip()
    why = f"{why} {login}".strip()
    return Ended(_all(attempt, change, action="case_closed", detail=detail, why=why, unread=False))


def _attempt(engine: Engine, action: str, flood: str, handle: str) -> Attempt:
    return attempted(engine, action, kind="person", handle=handle, reference=flood)


def _all(
    attempt: Attempt,
    change: Callable[[Connection, Sequence[str]], None],
    *,
    action: str,
    detail: str,
    why: str,
    unread: bool,
) -> int:
    """Change all that there is, some hundred in one transaction, with an entry for each case and one for the flood.

    What was changed stays so if a later transaction fails: the rest can be done again.
    """
    who, count = attempt.actor.partition(":")[2], 0
    while True:
        with transaction(attempt.engine) as connection:
            references = parked.take(connection, who, attempt.reference, unread=unread)
            if not references:
                break
            change(connection, references)
            each = [AuditEntry(attempt.actor, action, one, detail=detail) for one in references]
            note(connection, [*each, attempt.entry(detail=f"count={len(references)} {why}".strip())])
        count += len(references)
    if not count:
        attempt.refuse(NOT_PARKED)
    return count
