"""Staff claims a case, gives it back, acknowledges, answers, closes: who may, what is written, what is refused.

Each act and its audit entry are one transaction; a refused one leaves an entry in a transaction of its own. Opens
nothing.
"""

from sqlalchemy import Connection, Engine

from router.console.acting import By, act, not_open, taken
from router.console.endings import end_tickets
from router.errors import Forbidden
from router.store import messages, progress
from router.store.progress import Standing
from router.vocabulary import CaseOutcome


def claim(engine: Engine, *, reference: str, handle: str, login: str, lasts_s: int | None = None) -> None:
    """Give the open case to `handle`: what waited for a claim is not sent any more.

    It ends by itself when they do nothing in it for `lasts_s`. Raises Taken when somebody has it, Forbidden with a code
    when they may not or the case is not open, and what `transaction` raises.
    """
    act(
        engine,
        "case_claimed",
        By(reference, handle, login),
        change=lambda connection, case, who: progress.claim(connection, case.reference, who, lasts_s=lasts_s),
        why_not=lambda case: not_open(case) or taken(case),
    )


def release(engine: Engine, *, reference: str, handle: str, login: str, seen: str = "") -> None:
    """Let nobody have the case: what waited for a claim waits again, and nothing fires twice.

    Anybody who may claim it may, so that a holder who is away holds nothing up; the audit says who. Raises Forbidden
    with a code (`changed_since` when the case is not as it was `seen`: somebody else may have it by now), and what
    `transaction` raises.
    """
    act(
        engine,
        "case_released",
        By(reference, handle, login, seen),
        change=lambda connection, case, _who: (
            case.claimed_by is not None and progress.release(connection, case.reference, case.claimed_by)
        ),
        why_not=lambda case: not_open(case) or Forbidden("not_claimed"),
        detail=lambda case: f"person:{case.claimed_by} ",
    )


def acknowledge(engine: Engine, *, reference: str, handle: str, login: str, lasts_s: int | None = None) -> None:
    """Write that the reporter was told that the report arrived; raises Forbidden with a code if it was before."""
    act(
        engine,
        "case_acknowledged",
        By(reference, handle, login, lasts_s=lasts_s),
        change=lambda connection, case, _who: progress.acknowledge(connection, case.reference),
        why_not=lambda _case: Forbidden("already_acknowledged"),
    )


def answer(engine: Engine, *, reference: str, handle: str, login: str, lasts_s: int | None = None) -> None:
    """Write that the reporter was told what was done; raises Forbidden with a code if it was before."""
    act(
        engine,
        "case_answered",
        By(reference, handle, login, lasts_s=lasts_s),
        change=lambda connection, case, _who: progress.answer(connection, case.reference),
        why_not=lambda _case: Forbidden("already_answered"),
    )


def close(
    engine: Engine, *, reference: str, handle: str, login: str, outcome: CaseOutcome, told: bool, seen: str = ""
) -> tuple[str, ...]:
    """Close the case; `told` says that the reporter knows what was done. Return the channels to ring.

    Those are where its ticket is to be closed too. Raises Taken when somebody else has the case, Forbidden with a code
    (`changed_since` when the case is not as it was `seen`), and what `transaction` raises.
    """
    to_ring: list[str] = []

    def change(connection: Connection, case: Standing, who: str) -> bool:
        if outcome is CaseOutcome.WITHDRAWN and not messages.withdrawal_asked(connection, case.reference):
            raise Forbidden("withdrawal_not_asked")
        closed = progress.close(connection, case.reference, who, outcome, told=told)
        if closed:
            to_ring.extend(end_tickets(connection, case.reference, by=who))
        return closed

    act(
        engine,
        "case_closed",
        By(reference, handle, login, seen),
        change=change,
        why_not=lambda case: not_open(case) or taken(case),
        detail=lambda _case: f"{outcome.value}{' told' if told else ''} ",
    )
    return tuple(to_ring)
