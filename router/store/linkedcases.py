"""Cases that seem to be about the same as another: those that somebody may see by name, the others as a number.

Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from router.store import casefile


@dataclass(frozen=True, slots=True)
class Linked:
    """A case that shares what makes two cases look like one."""

    reference: str
    received_at: datetime
    state: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Links:
    """What a case is linked with, as one person may know it."""

    shown: tuple[Linked, ...]
    hidden: int
    """Cases of other teams."""


def links(connection: Connection, reference: str, handle: str) -> Links:
    """Return what the case is linked with, as `handle` may know it."""
    found = [row["reference"] for row in casefile.duplicates(connection, reference)]
    # As `progress.access` has it, for all at once; that they are a reviewer is known of who looks at a case.
    query = text("""
        select o.reference, o.received_at, o.state, o.outcome from cases o
        where o.reference = any(:found)
          and not exists (select from recusals x where x.handle = :handle and x.reference = o.reference)
          and exists (
              select from case_key_wraps c
              join recipient_keys k on k.key_id = c.key_id
              join team_key_wraps t on t.team_key_id = k.key_id
              join member_keys m on m.key_id = t.member_key_id and m.retired_at is null
              where c.reference = o.reference and m.handle = :handle
                and not exists (select from suspended_teams s where s.handle = m.handle and s.team = k.owner))
        order by o.received_at, o.reference""")
    rows = connection.execute(query, {"found": found, "handle": handle}).all() if found else []
    return Links(tuple(Linked(*row) for row in rows), len(found) - len(rows))
