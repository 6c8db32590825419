"""Staff claims a case, gives it back, acknowledges, answers, closes: who may, what is written, what is refused.

Only a person who is enabled and holds a key of one of the case's teams may. Each act and its audit entry are one
transaction; a refused one leaves an entry in a transaction of its own. Opens nothing. Who sits at the machine is
believed to be who they say; the entry names the account there too.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.attempt import attempted
from router.console.endings import end_tickets
from router.errors import Forbidden, RouterError, Taken
from router.keyrecords import normal_handle
from router.store import progress
from router.store.audit import note
from router.store.engine import transaction
from router.store.progress import Access, Standing
from router.vocabulary import CaseOutcome

OPEN: Final = "open"


def claim(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Give the open case to `handle`: what waited for a claim is not sent any more.

    Raises Taken when somebody has it, Forbidden with a code when they may not or the case is not open,
    and what `transaction` raises.
    """
    _do(
        engine,
        "case_claimed",
        (reference, handle, login),
        change=lambda connection, case, who: progress.claim(connection, case.reference, who),
        why_not=lambda case: _not_open(case) or _taken(case),
    )


def release(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Let nobody have the case: what waited for a claim waits again, and nothing fires twice.

    Anybody who may claim it may, so that a holder who is away holds nothing up; the audit says who. Raises
    Forbidden with a code, and what `transaction` raises.
    """
    _do(
        engine,
        "case_released",
        (reference, handle, login),
        change=lambda connection, case, _who: (
            case.claimed_by is not None and progress.release(connection, case.reference, case.claimed_by)
        ),
        why_not=lambda case: _not_open(case) or Forbidden("not_claimed"),
        detail=lambda case: f"person:{case.claimed_by} ",
    )


def acknowledge(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Write that the reporter was told that the report arrived; raises Forbidden with a code if it was before."""
    _do(
        engine,
        "case_acknowledged",
        (reference, handle, login),
        change=lambda connection, case, _who: progress.acknowledge(connection, case.reference),
        why_not=lambda _case: Forbidden("already_acknowledged"),
    )


def answer(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Write that the reporter was told what was done; raises Forbidden with a code if it was before."""
    _do(
        engine,
        "case_answered",
        (reference, handle, login),
        change=lambda connection, case, _who: progress.answer(connection, case.reference),
        why_not=lambda _case: Forbidden("already_answered"),
    )


def close(
    engine: Engine, *, reference: str, handle: str, login: str, outcome: CaseOutcome, told: bool
) -> tuple[str, ...]:
    """Close the case; `told` says that the reporter knows what was done. Return the channels to ring.

    Those are where its ticket is to be closed too. Raises Taken when somebody else has the case, Forbidden with a code,
    and what `transaction` raises.
    """
    to_ring: list[str] = []

    def change(connection: Connection, case: Standing, who: str) -> bool:
        closed = progress.close(connection, case.reference, who, outcome, told=told)
        if closed:
            to_ring.extend(end_tickets(connection, case.reference))
        return closed

    _do(
        engine,
        "case_closed",
        (reference, handle, login),
        change=change,
        why_not=lambda case: _not_open(case) or _taken(case),
        detail=lambda _case: f"{outcome.value}{' told' if told else ''} ",
    )
    return tuple(to_ring)


def _do(
    engine: Engine,
    action: str,
    typed: tuple[str, str, str],
    *,
    change: Callable[[Connection, Standing, str], bool],
    why_not: Callable[[Standing], RouterError],
    detail: Callable[[Standing], str] = lambda _case: "",
) -> None:
    """Make the change and its entry, or find out why it could not be made, and leave an entry of that."""
    reference, handle, login = typed
    act = attempted(engine, action, kind="person", handle=handle, reference=reference)
    who = normal_handle(handle) or ""
    with transaction(engine) as connection:
        case = progress.standing(connection, act.reference)
        access = progress.access(connection, act.reference, who)
        refused: RouterError | None = None
        if case is None or access is not Access.READER:
            refused = Forbidden("unknown_case" if case is None and access is Access.STRANGER else access.value)
        elif not change(connection, case, who):
            refused = why_not(case)
        else:
            note(connection, [act.entry(detail=detail(case) + login)])
    if refused is not None:
        act.refuse(refused.code, detail=login, say=refused)


def _not_open(case: Standing) -> RouterError | None:
    return None if case.state == OPEN else Forbidden(f"case_{case.state}")


def _taken(case: Standing) -> RouterError:
    return Taken(str(case.claimed_by), case.claimed_at) if case.claimed_at else Forbidden("not_claimed")
