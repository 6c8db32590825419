"""The dialogue with a reporter, as staff have it: each message sealed to the case's key, theirs also to the receipt's.

Ciphertext in, ciphertext out. Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.keyrecords import Sealed
from router.vocabulary import MessageKind, ReporterKind

RECEIVED: Final = "message_received"
"""What the audit calls it when a reporter wrote; its detail is `came_as` of the message."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message, sealed to whoever asked for it."""

    id: int
    reference: str
    written_at: datetime
    kind: MessageKind | ReporterKind
    written_by: str | None
    """Who of staff; never told to the reporter."""
    sealed: Sealed

    @property
    def from_staff(self) -> bool:
        """Whether staff wrote it."""
        return isinstance(self.kind, MessageKind)

    @property
    def came_as(self) -> str:
        """What the audit knows it by, if the reporter wrote it."""
        return came_as(self.kind, self.sealed)


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
    unread_since: datetime | None = None
    """When the reporter wrote last, if nobody has read that."""
    withdrawal_asked_at: datetime | None = None


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


def of_case(connection: Connection, reference: str, *, limit: int, before: int | None = None) -> list[StoredMessage]:
    """Return the newest messages on a case, up to `limit`, sealed to the case, oldest first."""
    query = text("""
        select id, reference, written_at, kind, written_by, suite, for_case as blob from sealed_messages
        where reference = :reference and (cast(:before as bigint) is null or id < :before)
        order by id desc limit :limit""")
    rows = connection.execute(query, {"reference": reference, "before": before, "limit": limit})
    found = [
        StoredMessage(
            row.id, row.reference, row.written_at, kind_of(row.kind), row.written_by, Sealed(row.suite, row.blob)
        )
        for row in rows
    ]
    return found[::-1]


def received(connection: Connection, reference: str) -> frozenset[str]:
    """Return what the audit says came from the reporter of a case: each message's kind and digest."""
    query = text("select detail from audit where object = :reference and action = :action and outcome = 'ok'")
    return frozenset(connection.execute(query, {"reference": reference, "action": RECEIVED}).scalars())


def standing(connection: Connection, reference: str) -> Standing:
    """Return how far the dialogue of a case is."""
    query = text("""
        select count(*) over () as count, m.id as last, m.written_at as last_at, m.from_staff,
               c.reporter_wrote_at as unread_since,
               max(m.written_at) filter (where m.kind = 'withdrawal') over () as withdrawal_asked_at
        from sealed_messages m join cases c on c.reference = m.reference
        where m.reference = :reference order by m.id desc limit 1""")
    row = connection.execute(query, {"reference": reference}).mappings().one_or_none()
    return Standing(**row) if row else Standing(0, 0, None, from_staff=False)


def withdrawal_asked(connection: Connection, reference: str) -> bool:
    """Say whether the reporter asked for the report to be withdrawn."""
    query = text("select exists (select from sealed_messages where reference = :reference and kind = 'withdrawal')")
    return bool(connection.execute(query, {"reference": reference}).scalar_one())


def read_by_staff(connection: Connection, reference: str) -> None:
    """Write that somebody has read what the reporter wrote: nothing of it waits any more."""
    change = text("""
        update cases set reporter_wrote_at = null where reference = :reference and reporter_wrote_at is not null""")
    connection.execute(change, {"reference": reference})


def came_as(kind: MessageKind | ReporterKind, sealed: Sealed) -> str:
    """Return kind and digest of a message, by which the audit knows it."""
    return f"{kind} {sealed.digest}"


def kind_of(kind: str) -> MessageKind | ReporterKind:
    """Return what a message is, by which one knows who wrote it."""
    return MessageKind(kind) if kind in set(MessageKind) else ReporterKind(kind)
