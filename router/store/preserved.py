"""What was sent outside and what came back, as it is kept: ciphertext in, ciphertext out.

Until when is the profile's to say; before that, and while the case is held, the database refuses to delete it.
Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from router.keyrecords import Sealed

KEPT: Final = "outside_kept"
"""The action that tells what was kept; the digest of what was sealed ends its detail."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """The public half of a case's key."""

    suite: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Preserved:
    """One document or receipt, without what is sealed."""

    id: int
    referral: str
    reference: str
    channel: str
    revision: int
    part: str
    media_type: str
    kept_at: datetime
    keep_until: datetime | None
    """None: nobody has said yet; until then it stays."""
    held: bool
    """The case is held: it stays whatever its time."""


_ROWS: Final = """
    select p.id, p.referral, p.reference, r.channel, r.revision, p.part, p.media_type, p.kept_at, p.keep_until,
           c.held_at is not null as held
    from preserved p join referrals r on r.id = p.referral join cases c on c.reference = p.reference
"""


def seal_key(connection: Connection, reference: str) -> SealKey | None:
    """Return what is sealed to for the case `reference`; None where there is no such case, as of a drill."""
    row = connection.execute(text("select suite, public from case_seal_key(:it)"), {"it": reference}).one_or_none()
    return SealKey(row.suite, row.public) if row else None


def add(
    connection: Connection, sealed: Sealed, *, referral: str, reference: str, part: str, lease_no: int, media_type: str
) -> bool:
    """Keep it; return whether it was not kept before."""
    query = text("""
        insert into preserved (referral, reference, part, lease_no, media_type, suite, blob)
        values (:referral, :reference, :part, :lease_no, :media_type, :suite, :blob) on conflict do nothing""")
    values = {"referral": referral, "reference": reference, "part": part, "lease_no": lease_no}
    values |= {"media_type": media_type, "suite": sealed.suite}
    return connection.execute(query, {**values, "blob": sealed.blob}).rowcount == 1


def of_case(connection: Connection, reference: str) -> list[Preserved]:
    """Return what is kept of the case `reference`, oldest first."""
    rows = connection.execute(text(f"{_ROWS} where p.reference = :it order by p.id"), {"it": reference})
    return [Preserved(*row) for row in rows]


def newest(connection: Connection, limit: int) -> list[Preserved]:
    """Return the newest that are kept of all cases."""
    rows = connection.execute(text(f"{_ROWS} order by p.id desc limit :most"), {"most": limit})
    return [Preserved(*row) for row in rows]


def find(connection: Connection, number: int) -> tuple[Preserved, Sealed] | None:
    """Return one and what is sealed, None if it is not kept."""
    columns = _ROWS.replace("as held", "as held, p.suite, p.blob")
    query = text(f"{columns} where p.id = :it")
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, {"it": number}).one_or_none()
    return (Preserved(*row[:-2]), Sealed(row.suite, row.blob)) if row else None


def failures(connection: Connection, reference: str) -> int:
    """Return how often something of the case could not be kept."""
    query = "select count(*) from audit where object = :reference and action = :kept and outcome <> 'ok'"
    return int(connection.execute(text(query), {"reference": reference, "kept": KEPT}).scalar_one())


def untouched(connection: Connection, reference: str, sealed: Sealed) -> bool:
    """Say whether the audit knows it: anybody can seal something to a public key."""
    query = text("""
        select exists (select from audit where action = :kept and object = :reference and outcome = 'ok'
                       and detail like '% ' || :digest)""")
    values = {"kept": KEPT, "reference": reference, "digest": sealed.digest}
    return bool(connection.execute(query, values).scalar_one())


def undated(connection: Connection, limit: int) -> list[tuple[Preserved, str]]:
    """Return up to `limit` of which nobody has said until when, each with the digest of its case's policy."""
    columns = _ROWS.replace("as held", "as held, c.policy")
    query = text(f"{columns} where p.keep_until is null order by p.id limit :most for update of p skip locked")
    return [(Preserved(*row[:-1]), row.policy) for row in connection.execute(query, {"most": limit})]


def keep(connection: Connection, number: int, until: datetime) -> None:
    """Say until when it is kept; never earlier than was said before: that the database refuses."""
    connection.execute(text("update preserved set keep_until = :until where id = :it"), {"until": until, "it": number})


def let_go(connection: Connection, limit: int) -> list[Preserved]:
    """Delete up to `limit` whose time is over and whose case nobody holds; return what they were."""
    over = "p.keep_until <= clock_timestamp() and c.held_at is null"
    # Whoever holds the case meanwhile waits, or comes first.
    query = text(f"{_ROWS} where {over} order by p.id limit :most for update of p, c skip locked")
    gone = [Preserved(*row) for row in connection.execute(query, {"most": limit})]
    if gone:
        connection.execute(text("delete from preserved where id = any(:ids)"), {"ids": [one.id for one in gone]})
    return gone
