"""What staff write on a case for each other: notes, tasks, words at a hand-over; sealed to the case's key.

To write one needs no key; to read one the case is opened, and the audit says so before anything is shown. Nothing is
changed or deleted afterwards. A note may be added whoever has the case, so that nobody's work is lost with their claim.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.acting import By, act, begin
from router.console.attempt import Attempt
from router.console.opening import CaseKey, Reader, hold_key, still_opening
from router.console.written import check_written, given
from router.errors import Forbidden, SealBroken
from router.keyrecords import Sealed, normal_handle
from router.store import messages, progress
from router.store import notes as store
from router.store.audit import note
from router.store.notes import StoredNote
from router.store.progress import Access, Standing
from router.vault.seal import seal_note
from router.vocabulary import NoteKind

OPENED: Final = "notes_opened"
LISTED: Final = "case_notes_listed"
"""A look at which notes there are, without a word of them."""
PAGE: Final = 50
"""Notes that are opened at once."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was opened."""

    stored: StoredNote
    text: str | None
    """None: it does not open, so somebody changed it."""


def write(
    connection: Connection,
    reference: str,
    *,
    kind: NoteKind,
    text: str,
    by: str,
    assigned_to: str | None = None,
    due_at: datetime | None = None,
) -> int:
    """Seal a note to the case and insert it; return its id. Whoever calls has asked whether `by` may, and audits.

    Raises Refused for a text that is none, Forbidden `unknown_case`, SealBroken when the case's key is unusable.
    """
    keys = messages.case_keys(connection, reference)
    if keys is None:
        raise Forbidden("unknown_case")
    sealed = seal_note(reference, given(text), keys.suite, keys.public)
    return store.add(connection, reference, sealed, kind=kind, by=by, assigned_to=assigned_to, due_at=due_at)


def add(engine: Engine, by: By, text: str) -> None:
    """Add a note to the case; raises Refused for a text that is none, Forbidden, each audited."""
    attempt = begin(engine, "note_written", by)
    words = check_written(attempt, text)
    _act(
        engine,
        by,
        attempt,
        lambda connection, case, who: write(connection, case, kind=NoteKind.NOTE, text=words, by=who),
    )


def assign(engine: Engine, by: By, text: str, *, to: str, due_at: datetime | None) -> None:
    """Ask somebody who may work on the case to do something; raises Refused, Forbidden (`not_a_colleague`), audited."""
    attempt = begin(engine, "task_set", by)
    words, other = check_written(attempt, text), normal_handle(to) or ""

    def change(connection: Connection, case: str, who: str) -> int:
        if progress.access(connection, case, other) is not Access.READER:
            raise Forbidden("not_a_colleague")
        return write(connection, case, kind=NoteKind.TASK, text=words, by=who, assigned_to=other, due_at=due_at)

    _act(engine, by, attempt, change, detail=f"person:{other} ")


def finish(engine: Engine, by: By, number: int) -> None:
    """Say that a task on the case is done, whoever it was for; raises Forbidden (`not_a_task`), audited."""
    act(
        engine,
        "task_done",
        by,
        change=lambda connection, case, who: store.finish(connection, case.reference, number, who),
        why_not=lambda _case: Forbidden("not_a_task"),
        detail=lambda _case: f"note:{number} ",
    )


def opened(attempt: Attempt, reader: Reader, *, before: int | None = None) -> tuple[Note, ...]:
    """Return the newest notes on the case, or those before one, after committing that they are opened.

    Raises Forbidden and SealBroken as `opening.hold_key` does, each audited.
    """
    key = hold_key(attempt, reader)
    with still_opening(attempt) as connection:
        found = store.of_case(connection, attempt.reference, limit=PAGE, before=before)
        note(connection, [attempt.entry(detail=f"count:{len(found)}")])
    return tuple(Note(one, text_in(attempt, key, CaseKey.note, one.sealed, one.id)) for one in found)


def text_in(
    attempt: Attempt, key: CaseKey, opens: Callable[[CaseKey, Sealed], str], sealed: Sealed, number: int
) -> str | None:
    """Return a text that was sealed to the case; None, audited, when it does not open."""
    try:
        return opens(key, sealed)
    except SealBroken as error:
        attempt.note(f"failed_{error.code}", f"id:{number}")
        return None


def _act(
    engine: Engine,
    by: By,
    attempt: Attempt,
    change: Callable[[Connection, str, str], int],
    *,
    detail: str = "",
) -> None:
    made: list[int] = []

    def written(connection: Connection, case: Standing, who: str) -> bool:
        made.append(change(connection, case.reference, who))
        return True

    act(
        engine,
        attempt.action,
        by,
        change=written,
        why_not=lambda _case: Forbidden("unknown_case"),
        detail=lambda _case: f"{detail}note:{made[0]} ",
        ready=attempt,
    )
