"""Staff claims a case, gives it back, acknowledges, answers, closes: who may, what is written, what is refused.

Only a person who is enabled and holds a key of one of the case's teams may. Each act and its audit entry are one
transaction; a refused one leaves an entry in a transaction of its own. Opens nothing. Who sits at the machine is
believed to be who they say; the entry names the account there too.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.attempt import Attempt, attempted
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
        change=lambda connection, act, who: progress.claim(connection, act.reference, who),
        why_not=lambda case: _not_open(case) or _taken(case),
    )


def release(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Let nobody have the case: what waited for a claim waits again, and nothing fires twice.

    Anybody who may claim it may, so that a holder who is away holds nothing up; the audit says who. Raises
    Forbidden with a code, and what `transaction` raises.
    """

    def change(connection: Connection, act: Attempt, _who: str) -> bool:
        case = progress.standing(connection, act.reference)
        holder = case.claimed_by if case else None
        return holder is not None and progress.release(connection, act.reference, holder)

    _do(
        engine,
        "case_released",
        (reference, handle, login),
        change=change,
        why_not=lambda case: _not_open(case) or Forbidden("not_claimed"),
    )


def acknowledge(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Write that the reporter was told that the report arrived; raises Forbidden with a code if it was before."""
    _do(
        engine,
        "case_acknowledged",
        (reference, handle, login),
        change=lambda connection, act, _who: progress.acknowledge(connection, act.reference),
        why_not=lambda _case: Forbidden("already_acknowledged"),
    )


def answer(engine: Engine, *, reference: str, handle: str, login: str) -> None:
    """Write that the reporter was told what was done; raises Forbidden with a code if it was before."""
    _do(
        engine,
        "case_answered",
        (reference, handle, login),
        change=lambda connection, act, _who: progress.answer(connection, act.reference),
        why_not=lambda _case: Forbidden("already_answered"),
    )


def close(engine: Engine, *, reference: str, handle: str, login: str, outcome: CaseOutcome, told: bool) -> None:
    """Close the case; `told` says that the reporter knows what was done.

    Raises Taken when somebody else has the case, Forbidden with a code, and what `transaction` raises.
    """
    _do(
        engine,
        "case_closed",
        (reference, handle, login),
        change=lambda connection, act, who: progress.close(connection, act.reference, who, outcome, told=told),
        why_not=lambda case: _not_open(case) or _taken(case),
        detail=f"{outcome.value}{'+told' if told else ''} ",
    )


def _do(
    engine: Engine,
    action: str,
    typed: tuple[str, str, str],
    *,
    change: Callable[[Connection, Attempt, str], bool],
    why_not: Callable[[Standing], RouterError],
    detail: str = "",
) -> None:
    """Make the change and its entry, or find out why it could not be made, and leave an entry of that."""
    reference, handle, login = typed
    act = attempted(engine, action, kind="person", handle=handle, reference=reference)
    who = normal_handle(handle) or ""
    with transaction(engine) as connection:
        refused = _may_not(connection, act.reference, who)
        if refused is None:
            if change(connection, act, who):
                note(connection, [act.entry(detail=detail + login)])
                return
            case = progress.standing(connection, act.reference)
            refused = why_not(case) if case else Forbidden("unknown_case")
    act.refuse(refused.code, detail=login, say=refused)


def _may_not(connection: Connection, reference: str, who: str) -> RouterError | None:
    """Return why this person may do nothing with this case, None if they may."""
    access = progress.access(connection, reference, who)
    if access in {Access.UNKNOWN, Access.DISABLED}:
        return Forbidden(access.value)
    if progress.standing(connection, reference) is None:
        return Forbidden("unknown_case")
    return None if access is Access.READER else Forbidden(access.value)


def _not_open(case: Standing) -> RouterError | None:
    return None if case.state == OPEN else Forbidden(f"case_{case.state}")


def _taken(case: Standing) -> RouterError:
    if case.claimed_by is None or case.claimed_at is None:
        return Forbidden("changed_meanwhile")  # given back between the two looks: the next try will do
    return Taken(case.claimed_by, case.claimed_at)
