"""Single-use links by which a member of staff writes down what a reporter tells them, in the public part.

The table knows a digest of each link. The intake's login may read and write no row of it: it asks two functions.
Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.model import AuditEntry
from router.store.audit import note

_LOCK: Final = 0x6C696E6B  # "link": any number that nothing else of ours locks with a second one
TAKEN_DOWN: Final = "case_taken_down"
"""What the audit calls it when a link is used: the actor is who took the report down."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that somebody made: whether it was used, and for which case."""

    made_at: datetime
    ends_at: datetime
    used_at: datetime | None
    reference: str | None


def add(connection: Connection, digest: bytes, handle: str, *, lasts_s: int) -> datetime:
    """Insert a link of `handle`; return when it ends."""
    insert = text("""
        insert into behalf_links (digest, handle, ends_at)
        values (:digest, :handle, clock_timestamp() + make_interval(secs => :lasts)) returning ends_at""")
    ends_at: datetime = connection.execute(insert, {"digest": digest, "handle": handle, "lasts": lasts_s}).scalar_one()
    return ends_at


def hold_maker(connection: Connection, handle: str) -> None:
    """Let nobody else make a link of this person before this transaction ends: the second would not count the first."""
    connection.execute(
        text("select pg_advisory_xact_lock(:lock, hashtext(:handle))"), {"lock": _LOCK, "handle": handle}
    )


def unused(connection: Connection, handle: str) -> int:
    """Return how many links of somebody can still be used."""
    query = text("""
        select count(*) from behalf_links
        where handle = :handle and used_at is null and ends_at > clock_timestamp()""")
    return int(connection.execute(query, {"handle": handle}).scalar_one())


def made_by(connection: Connection, handle: str, *, limit: int) -> list[Link]:
    """Return the newest links that somebody made, as long as they are kept."""
    query = text("""
        select made_at, ends_at, used_at, reference from behalf_links
        where handle = :handle order by made_at desc limit :limit""")
    return [Link(*row) for row in connection.execute(query, {"handle": handle, "limit": limit})]


def revoke(connection: Connection, handle: str) -> int:
    """Delete the links of somebody that were not used; return how many."""
    gone = text("delete from behalf_links where handle = :handle and used_at is null")
    return connection.execute(gone, {"handle": handle}).rowcount


def forget_ended(connection: Connection, *, older_than_h: int) -> None:
    """Delete links whose time has been over for so long; who took which case down stands in the audit."""
    gone = text("delete from behalf_links where ends_at < clock_timestamp() - make_interval(hours => :hours)")
    connection.execute(gone, {"hours": older_than_h})


def ends_at(connection: Connection, digest: bytes) -> datetime | None:
    """Return until when a link can be used; None when it cannot, or was, or whoever made it is gone."""
    found: datetime | None = connection.execute(
        text("select behalf_link_ends(:digest)"), {"digest": digest}
    ).scalar_one()
    return found


def use(connection: Connection, digest: bytes, reference: str) -> bool:
    """Use a link up for a case that was recorded in this transaction, with the line of who took it down.

    Return False when somebody else did, or its time is over.
    """
    query = text("select use_behalf_link(:digest, :reference)")
    handle = connection.execute(query, {"digest": digest, "reference": reference}).scalar_one()
    if handle is None:
        return False
    note(connection, [AuditEntry(f"person:{handle}", TAKEN_DOWN, reference)])
    return True
