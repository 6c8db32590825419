"""What a reviewer does with a case besides its progress: hands it over, steps out of it, keeps it from deletion.

Each act and its audit entry are one transaction; a refused one leaves an entry in a transaction of its own. Words to a
colleague are sealed to the case's key; nothing is opened.
"""

from collections.abc import Callable

from sqlalchemy import Connection, Engine

from router.console import notes
from router.console.acting import By, act, begin, not_open, taken
from router.console.written import check_written
from router.errors import Forbidden
from router.keyrecords import normal_handle
from router.store import claims, colleagues, progress
from router.store.progress import Access, Standing
from router.vocabulary import NoteKind


def hand_over(engine: Engine, by: By, *, to: str, words: str = "") -> None:
    """Give one's own case to a colleague who may work on it, with a note for them if there are any words.

    Their claim ends by itself like any other, so that a case given to somebody who went home is not lost. Raises Taken
    when somebody else has it, Forbidden with a code (`not_a_colleague`, `changed_since`).
    """
    attempt, other = begin(engine, "case_handed_over", by), normal_handle(to) or ""
    said = check_written(attempt, words) if words else ""

    def change(connection: Connection, case: Standing, who: str) -> bool:
        if other == who or progress.access(connection, case.reference, other) is not Access.READER:
            raise Forbidden("not_a_colleague")
        gave = claims.hand_over(connection, case.reference, who, other, lasts_s=by.lasts_s)
        if gave and said:
            notes.write(connection, case.reference, kind=NoteKind.HAND_OVER, text=said, by=who, assigned_to=other)
        return gave

    act(
        engine,
        attempt.action,
        by,
        change=change,
        why_not=lambda case: not_open(case) or taken(case),
        detail=lambda _case: f"person:{other} ",
        ready=attempt,
    )


def recuse(engine: Engine, by: By, *, reason: str, though_last: bool) -> None:
    """Take oneself out of a case, for good: one sees it no more, and gives it back if one had it.

    Raises Forbidden `nobody_left` when nobody else may work on it, unless they know that (`though_last`); then what
    escalates an unclaimed case tells others in its time.
    """
    attempt = begin(engine, "case_recused", by)
    why = attempt.check_reason(reason)

    def change(connection: Connection, case: Standing, who: str) -> bool:
        if not though_last and not set(colleagues.readers(connection, case.reference)) - {who}:
            raise Forbidden("nobody_left")
        if case.claimed_by == who:
            progress.release(connection, case.reference, who)
        return colleagues.recuse(connection, case.reference, who)

    def detail(case: Standing) -> str:
        released = "released " if case.claimed_by == by.who and not_open(case) is None else ""
        return f"{released}{why} "

    act(
        engine,
        attempt.action,
        by,
        change=change,
        why_not=lambda _case: Forbidden("recused"),
        detail=detail,
        ready=attempt,
    )


def hold(engine: Engine, by: By, *, reason: str) -> None:
    """Keep all that belongs to the case from being deleted; raises Forbidden `held_before`, `reason_malformed`."""

    def change(connection: Connection, case: Standing, who: str) -> bool:
        return colleagues.hold(connection, case.reference, who)

    _with_reason(engine, "case_held", by, reason, change=change, refused="held_before")


def lift(engine: Engine, by: By, *, reason: str) -> None:
    """Let the case be deleted again when its time has come; raises Forbidden `not_held`, `reason_malformed`."""

    def change(connection: Connection, case: Standing, _who: str) -> bool:
        return colleagues.lift(connection, case.reference)

    _with_reason(engine, "case_hold_lifted", by, reason, change=change, refused="not_held")


def _with_reason(
    engine: Engine,
    action: str,
    by: By,
    reason: str,
    *,
    change: Callable[[Connection, Standing, str], bool],
    refused: str,
) -> None:
    attempt = begin(engine, action, by)
    why = attempt.check_reason(reason)
    act(
        engine,
        action,
        by,
        change=change,
        why_not=lambda _case: Forbidden(refused),
        detail=lambda _case: f"{why} ",
        ready=attempt,
    )
