"""The dialogue with a reporter: each message sealed to the case's key, and staff's also to the receipt's.

Ciphertext in, ciphertext out. Functions take a connection and never commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from router.keyrecords import Sealed
from router.vocabulary import MessageKind


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message, sealed to whoever asked for it."""

    id: int
    reference: str
    written_at: datetime
    kind: MessageKind | None
    """What staff's is; None: the reporter wrote it."""
    written_by: str | None
    """Who of staff; never told to the reporter."""
    sealed: Sealed

    @property
    def from_staff(self) -> bool:
        """Whether staff wrote it."""
        return self.kind is not None


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """Public halves that texts on a case are sealed to; `receipt` is None where there is nobody to answer."""

    suite: str
    public: bytes
    receipt: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a dialogue is."""

    count: int
    last: int
    """The id of the newest message, 0 if there is none."""
    last_at: datetime | None
    from_staff: bool
    """Whether staff wrote the newest one."""


def case_keys(connection: Connection, reference: str) -> CaseKeys | None:
    """Return the public halves of a case, None if there is no such case."""
    query = text("select suite, public, receipt_public from cases where reference = :reference")
    row = connection.execute(query, {"reference": reference}).one_or_none()
    return CaseKeys(row.suite, row.public, row.receipt_public) if row else None


def add_from_staff(
    connection: Connection, reference: str, *, kind: MessageKind, by: str, for_case: Sealed, for_receipt: bytes
) -> int:
    """Insert a message of staff, sealed twice; return its id."""
    insert = text("""
        insert into sealed_messages (reference, from_staff, kind, written_by, suite, for_case, for_receipt)
        values (:reference, true, :kind, :by, :suite, :for_case, :for_receipt) returning id""")
    values = {"reference": reference, "kind": kind.value, "by": by, "suite": for_case.suite}
    return int(
        connection.execute(insert, {**values, "for_case": for_case.blob, "for_receipt": for_receipt}).scalar_one()
    )


def add_from_reporter(connection: Connection, reference: str, for_case: Sealed) -> None:
    """Insert a message of the reporter, whose login may write and not read."""
    insert = text("""
        insert into sealed_messages (reference, from_staff, suite, for_case)
        values (:reference, false, :suite, :for_case)""")
    connection.execute(insert, {"reference": reference, "suite": for_case.suite, "for_case": for_case.blob})


def of_case(connection: Connection, reference: str, *, limit: int, before: int | None = None) -> list[StoredMessage]:
    """Return the newest messages on a case, up to `limit`, sealed to the case, oldest first."""
    query = text("""
        select id, reference, written_at, kind, written_by, suite, for_case as blob from sealed_messages
        where reference = :reference and (cast(:before as bigint) is null or id < :before)
        order by id desc limit :limit""")
    rows = connection.execute(query, {"reference": reference, "before": before, "limit": limit})
    return [_message(row, lambda row: row.written_by) for row in rows][::-1]


def for_receipt(connection: Connection, lookup: bytes) -> list[StoredMessage]:
    """Return what staff wrote to the holder of the receipt with this look-up id, sealed to the receipt, oldest first.

    Asked by the intake's login, which may read no row of the table: the function hands out these alone.
    """
    rows = connection.execute(text("select * from messages_for_receipt(:lookup)"), {"lookup": lookup})
    return [_message(row, lambda _row: None) for row in rows]


def standing(connection: Connection, reference: str) -> Standing:
    """Return how far the dialogue of a case is."""
    query = text("""
        select count(*) over () as many, id, written_at, from_staff from sealed_messages
        where reference = :reference order by id desc limit 1""")
    row = connection.execute(query, {"reference": reference}).one_or_none()
    return Standing(row.many, row.id, row.written_at, row.from_staff) if row else Standing(0, 0, None, from_staff=False)


def _message(row: Row[Any], by: Callable[[Row[Any]], str | None]) -> StoredMessage:
    kind = MessageKind(row.kind) if row.kind else None
    return StoredMessage(row.id, row.reference, row.written_at, kind, by(row), Sealed(row.suite, row.blob))
