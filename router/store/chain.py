"""The chain in the database: what is not linked yet, what is, and the checkpoints beside it.

Functions take a connection and never commit. Only the chainer's login may link; nobody may change.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import ColumnElement, Connection, Row, insert, literal_column, select, text

from router.audit.hashchain import GENESIS, Check, Checkpoint, Finding, Line, Linked
from router.errors import StoreFailed
from router.store.tables import audit, audit_checkpoints

_CHAINER_LOCK = 0x636F6E_636861696E  # "con" "chain": any number that nothing else of ours locks
_PAGE = 5000
BEFORE_ALL = -(2**63)
"""Only someone who tampers numbers a line below 1; it is read all the same."""
UNCHAINED_FOR_S = 60
"""An entry that was committed and is still not linked after this long is a finding."""
READABLE_AT = "least(greatest(at, timestamptz '0002-01-01Z'), timestamptz '9998-01-01Z')"
"""Only someone who tampers writes a time beyond; nothing of ours could read it, and the chain would stand still."""
_LINE: tuple[ColumnElement[Any], ...] = (
    audit.c.id,
    literal_column(READABLE_AT).label("at"),
    audit.c.actor,
    audit.c.action,
    audit.c.object,
    audit.c.outcome,
    audit.c.detail,
)


def lock_chain(connection: Connection) -> bool:
    """Take the right to link until the end of the transaction; False when another chainer has it."""
    query = text("select pg_try_advisory_xact_lock(:lock)")
    return bool(connection.execute(query, {"lock": _CHAINER_LOCK}).scalar_one())


def chain_end(connection: Connection) -> tuple[int, bytes]:
    """Return the length of the chain and its last hash."""
    query = select(audit.c.seq, audit.c.hash).where(audit.c.seq.is_not(None)).order_by(audit.c.seq.desc()).limit(1)
    row: Row[*tuple[Any, ...]] | None = connection.execute(query).one_or_none()
    return (row.seq, row.hash) if row else (0, GENESIS)


def hash_of(connection: Connection, seq: int) -> bytes | None:
    """Return the hash of line `seq`, None if there is no such line."""
    found: bytes | None = connection.execute(select(audit.c.hash).where(audit.c.seq == seq)).scalar_one_or_none()
    return found


def unchained(connection: Connection, limit: int) -> list[Line]:
    """Return up to `limit` committed entries that are not linked yet, oldest id first."""
    query = select(*_LINE).where(audit.c.seq.is_(None)).order_by(audit.c.id).limit(limit)
    return [Line(*row) for row in connection.execute(query)]


def write_links(connection: Connection, linked: Sequence[Linked]) -> None:
    """Set `seq` and `hash` of entries that have none, all in one statement; raises StoreFailed if one had."""
    query = text("""
        update audit a set seq = l.seq, hash = l.hash
        from unnest(cast(:ids as int8[]), cast(:seqs as int8[]), cast(:hashes as bytea[])) as l(id, seq, hash)
        where a.id = l.id and a.seq is null""")
    values = {"ids": [e.line.id for e in linked], "seqs": [e.seq for e in linked], "hashes": [e.hash for e in linked]}
    if connection.execute(query, values).rowcount != len(linked):
        raise StoreFailed("chain_changed_meanwhile")


def add_checkpoint(connection: Connection, checkpoint: Checkpoint) -> None:
    """Insert a signed checkpoint."""
    row = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    connection.execute(insert(audit_checkpoints), row)


def checkpoints_after(connection: Connection, size: int) -> list[Checkpoint]:
    """Return the checkpoints of chains longer than `size` lines, shortest first."""
    columns = audit_checkpoints.c
    query = select(columns.size, columns.head, columns.at, columns.signature).where(columns.size > size)
    return [Checkpoint(*row) for row in connection.execute(query.order_by(columns.size))]


def last_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return the checkpoint of the longest chain, None if nothing was signed yet."""
    columns = audit_checkpoints.c
    query = select(columns.size, columns.head, columns.at, columns.signature).order_by(columns.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Checkpoint(*row) if row else None


def hold_still(connection: Connection) -> None:
    """Let the rest of this transaction see one moment of the database; must be its first statement."""
    connection.execute(text("set transaction isolation level repeatable read, read only"))


def all_linked(connection: Connection, *, after: int = BEFORE_ALL) -> Iterator[Linked]:
    """Yield every linked entry after line `after` in order of `seq`, a page at a time."""
    while page := linked_after(connection, after):
        yield from page
        after = page[-1].seq


def linked_after(connection: Connection, after: int) -> list[Linked]:
    """Return the next page of linked entries after line `after`, none at the end of the chain."""
    query = select(audit.c.seq, audit.c.hash, *_LINE).where(audit.c.seq > after).order_by(audit.c.seq)
    return [Linked(row.seq, row.hash, Line(*row[2:])) for row in connection.execute(query.limit(_PAGE))]


def verify_stored(
    connection: Connection, key: Ed25519PublicKey, outside: Sequence[Checkpoint], *, copied_before: datetime
) -> tuple[int, list[Finding]]:
    """Return the length of the chain and all that is wrong with it; must be its transaction's first act.

    `outside` must have been read before: what the chainer appends meanwhile is then no finding.
    """
    hold_still(connection)
    check = Check(key, outside, checkpoints_after(connection, 0), copied_before=copied_before)
    for linked in all_linked(connection):
        check.take(linked)
    return check.size, check.finish() + left_unchained(connection)


def verify_newest(
    connection: Connection, key: Ed25519PublicKey, outside: Sequence[Checkpoint], *, lines: int
) -> tuple[int, int, list[Finding]]:
    """Return from and up to which line the chain was checked, and all that is wrong there; its transaction's first act.

    At least the newest `lines` are looked at, from the checkpoint before them on, which vouches for what is older;
    all, where there are no more. `outside` must have been read before.
    """
    hold_still(connection)
    since = _checkpoint_before(connection, chain_end(connection)[0] - lines)
    after = since.size if since else 0
    check = Check(key, [one for one in outside if one.size > after], checkpoints_after(connection, after), since=since)
    for linked in all_linked(connection, after=after if since else BEFORE_ALL):
        check.take(linked)
    return after + 1, check.size, check.finish() + left_unchained(connection)


def _checkpoint_before(connection: Connection, size: int) -> Checkpoint | None:
    """Return the checkpoint of the longest chain up to `size` lines."""
    columns = audit_checkpoints.c
    query = select(columns.size, columns.head, columns.at, columns.signature).where(columns.size <= size)
    row = connection.execute(query.order_by(columns.size.desc()).limit(1)).one_or_none()
    return Checkpoint(*row) if row else None


def waiting(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many committed entries are not linked yet, and since when the oldest is there."""
    query = text(f"select count(*), min({READABLE_AT}) from audit where seq is null")  # noqa: S608 - our own words
    count, oldest = connection.execute(query).one()
    return count, oldest


def left_unchained(connection: Connection) -> list[Finding]:
    """Return the entries that should have been linked long ago."""
    query = text("""
        select id from audit where seq is null and not at between clock_timestamp() - make_interval(secs => :s)
                                                           and clock_timestamp() + make_interval(secs => :s)
        order by id limit 1000""")
    rows = connection.execute(query, {"s": UNCHAINED_FOR_S}).scalars()
    return [Finding("left_unchained", None, id=identity) for identity in rows]
