"""What staff wrote on a case: notes, tasks, words at a hand-over. Ciphertext in, ciphertext out.

Nothing is ever changed but that a task was done. Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.keyrecords import Sealed
from router.vocabulary import NoteKind

_COLUMNS: Final = (
    "n.id, n.kind, n.written_at, n.written_by, n.suite, n.blob, n.assigned_to, n.due_at, n.done_at, n.done_by"
)
_OPEN: Final = "n.kind = 'task' and n.done_at is null"


@dataclass(frozen=True, slots=True)
class StoredNote:
    """One note, with its text sealed."""

    id: int
    kind: NoteKind
    written_at: datetime
    written_by: str
    sealed: Sealed
    assigned_to: str | None
    due_at: datetime | None
    done_at: datetime | None
    done_by: str | None

    @property
    def open(self) -> bool:
        """Whether it is a task that is still to be done."""
        return self.kind is NoteKind.TASK and self.done_at is None


@dataclass(frozen=True, slots=True)
class Task:
    """A task that waits for somebody, and the case that it is on."""

    id: int
    reference: str
    written_at: datetime
    written_by: str
    due_at: datetime | None


def add(
    connection: Connection,
    reference: str,
    sealed: Sealed,
    *,
    kind: NoteKind,
    by: str,
    assigned_to: str | None,
    due_at: datetime | None,
) -> int:
    """Insert a note; return its id."""
    insert = text("""
        insert into case_notes (reference, kind, written_by, suite, blob, assigned_to, due_at)
        values (:reference, :kind, :by, :suite, :blob, :assigned_to, :due_at) returning id""")
    values = {"reference": reference, "kind": kind.value, "by": by, "suite": sealed.suite, "blob": sealed.blob}
    return int(connection.execute(insert, {**values, "assigned_to": assigned_to, "due_at": due_at}).scalar_one())


def of_case(connection: Connection, reference: str, *, limit: int, before: int | None = None) -> list[StoredNote]:
    """Return the newest notes on a case, up to `limit`; with `before`, of those older than the note with that id."""
    query = text(f"""
        select {_COLUMNS} from case_notes n
        where n.reference = :reference and (cast(:before as bigint) is null or n.id < :before)
        order by n.id desc limit :limit""")  # noqa: S608 - our own words
    return _notes(connection, query, reference=reference, before=before, limit=limit)


def open_tasks(connection: Connection, reference: str) -> list[StoredNote]:
    """Return what is still to be done on a case, the most urgent first."""
    query = text(f"""
        select {_COLUMNS} from case_notes n where n.reference = :reference and {_OPEN}
        order by n.due_at nulls last, n.id""")  # noqa: S608 - our own words
    return _notes(connection, query, reference=reference)


def counts(connection: Connection, reference: str) -> tuple[int, datetime | None]:
    """Return how many notes there are on a case, and when the last was written."""
    query = text("select count(*) as many, max(written_at) as last from case_notes where reference = :reference")
    row = connection.execute(query, {"reference": reference}).one()
    return int(row.many), row.last


def finish(connection: Connection, reference: str, note: int, by: str) -> bool:
    """Write that a task on this case was done; return whether it was there and open."""
    change = text("""
        update case_notes set done_at = clock_timestamp(), done_by = :by
        where id = :note and reference = :reference and kind = 'task' and done_at is null""")
    return connection.execute(change, {"reference": reference, "note": note, "by": by}).rowcount == 1


def tasks_of(connection: Connection, handle: str, *, limit: int) -> list[Task]:
    """Return what somebody is still to do, the most urgent first, on cases that they may still see.

    As `progress.access` has it; that they are a reviewer is not asked.
    """
    query = text(f"""
        select n.id, n.reference, n.written_at, n.written_by, n.due_at from case_notes n
        where n.assigned_to = :handle and {_OPEN}
          and not exists (select from recusals x where x.handle = :handle and x.reference = n.reference)
          and exists (
              select from case_key_wraps c
              join recipient_keys k on k.key_id = c.key_id
              join team_key_wraps t on t.team_key_id = k.key_id
              join member_keys m on m.key_id = t.member_key_id and m.retired_at is null
              where c.reference = n.reference and m.handle = :handle
                and not exists (select from suspended_teams s where s.handle = m.handle and s.team = k.owner))
        order by n.due_at nulls last, n.id limit :limit""")  # noqa: S608 - our own words
    return [Task(*row) for row in connection.execute(query, {"handle": handle, "limit": limit})]


def _notes(connection: Connection, query: object, **values: object) -> list[StoredNote]:
    return [
        StoredNote(
            *(row.id, NoteKind(row.kind), row.written_at, row.written_by, Sealed(row.suite, row.blob)),
            *(row.assigned_to, row.due_at, row.done_at, row.done_by),
        )
        for row in connection.execute(query, values)  # type: ignore[call-overload]
    ]
