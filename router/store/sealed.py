"""Sealed texts and wrapped case keys, read with the console's login; ciphertext in, ciphertext out.

Functions take a connection and never commit.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from router.keyrecords import KeyWrap, Sealed
from router.store.audit import NOTHING_SEALED, RECEIVED
from router.store.tables import audit, case_key_wraps, cases, recipient_keys, sealed_contents


@dataclass(frozen=True, slots=True)
class StoredWrap:
    """A case key sealed to a recipient, and whose key and which suite that is."""

    owner: str
    suite: str
    wrap: KeyWrap


@dataclass(frozen=True, slots=True)
class StoredSeal:
    """What is needed besides a private key to open a case. `content` is None when nothing was written.

    `received` is what the audit said of the content when the case came in, None if it says nothing.
    """

    suite: str
    public: bytes
    wraps: tuple[StoredWrap, ...]
    content: Sealed | None
    received: str | None

    @property
    def untouched(self) -> bool:
        """Whether the content is the one that was sealed at the door, as the audit tells."""
        return self.received == (self.content.digest if self.content else NOTHING_SEALED)


def sealed_case(connection: Connection, reference: str) -> StoredSeal | None:
    """Return the seal of the case `reference`, None if there is no such case."""
    received = (
        select(audit.c.detail)
        .where(audit.c.action == RECEIVED, audit.c.object == reference)
        .order_by(audit.c.id)
        .limit(1)
        .scalar_subquery()
        .label("received")
    )
    query = (
        select(
            cases.c.suite.label("case_suite"), cases.c.public, sealed_contents.c.suite, sealed_contents.c.blob, received
        )
        .outerjoin(sealed_contents, sealed_contents.c.reference == cases.c.reference)
        .where(cases.c.reference == reference)
    )
    row: Row[*tuple[Any, ...]] | None = connection.execute(query).one_or_none()
    if row is None:
        return None
    content = Sealed(row.suite, row.blob) if row.blob is not None else None
    return StoredSeal(row.case_suite, row.public, _wraps(connection, reference), content, row.received)


def _wraps(connection: Connection, reference: str) -> tuple[StoredWrap, ...]:
    query = (
        select(
            recipient_keys.c.owner,
            recipient_keys.c.suite.label("key_suite"),
            recipient_keys.c.key_id,
            case_key_wraps.c.suite,
            case_key_wraps.c.blob,
        )
        .join(recipient_keys, recipient_keys.c.key_id == case_key_wraps.c.key_id)
        .where(case_key_wraps.c.reference == reference)
        .order_by(recipient_keys.c.owner)
    )
    return tuple(
        StoredWrap(row.owner, row.key_suite, KeyWrap(row.key_id, Sealed(row.suite, row.blob)))
        for row in connection.execute(query)
    )
