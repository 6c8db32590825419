"""Floods as the public part sees them: links a concern with its flood, and says which floods wait for a look.

Codes, times and numbers only. All times are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson
from sqlalchemy import Connection, text

from router.model import AuditEntry, Flooded
from router.store.audit import note

PARKED_NOW: Final = "case_parked"
LINKED: Final = "case_linked_to_flood"
"""What the audit calls it that a concern came in a flood: one that waits for a look, and one that does not."""
PARKED: Final = """
    l.ended_at is null and l.waits_until > statement_timestamp() and exists (
        select from referrals p where p.reference = l.reference and p.state = 'standby' and p.awaited is null
          and p.notice is null)
"""
"""Of a link `l`: its concern waits still. Whatever else let its channels be told ended that.

What tells a desk that the reporter wrote waits, too, and for another reason: it has a notice.
"""


@dataclass(frozen=True, slots=True)
class Waits:
    """A flood of which something waits for a look."""

    flood: str
    count: int
    ends: int
    """How often people ended its wait before: what came after that is news."""


def link(connection: Connection, flooded: Mapping[str, Flooded]) -> None:
    """Note of new cases, by their references, which flood they came in, each with an entry in the audit."""
    rows = [
        {"reference": reference, "flood": one.flood, "waits_until": one.waits_until}
        for reference, one in flooded.items()
    ]
    insert = text("""
        insert into flood_links (reference, flood, waits_until)
        select * from jsonb_to_recordset(cast(:rows as jsonb)) as f(reference text, flood text, waits_until timestamptz)
        """)
    connection.execute(insert, {"rows": orjson.dumps(rows).decode()})
    note(
        connection,
        [
            AuditEntry("intake", PARKED_NOW if one.waits_until else LINKED, reference, detail=one.flood)
            for reference, one in flooded.items()
        ],
    )


def keys(connection: Connection, days: Collection[date], *, new_key: Callable[[], bytes]) -> Mapping[date, bytes]:
    """Return what floods are named with on each of `days`, and forget those of days before.

    A day that has none yet gets one; of several processes the first one's is used.
    """
    every = text("select day, key from flood_keys")
    known = {row.day: row.key for row in connection.execute(every)}
    if set(known) == set(days):
        return known
    connection.execute(text("delete from flood_keys where not day = any(:days)"), {"days": list(days)})
    insert = text("insert into flood_keys (day, key) values (:day, :key) on conflict do nothing")
    connection.execute(insert, [{"day": day, "key": new_key()} for day in sorted(days)])
    return {row.day: row.key for row in connection.execute(every)}


def waiting(connection: Connection) -> list[Waits]:
    """Return the floods of which something waits."""
    query = text(f"""
        select l.flood, count(*) as waits,
               (select count(distinct e.ended_at) from flood_links e where e.flood = l.flood) as ends
        from flood_links l where {PARKED} group by l.flood order by l.flood""")  # noqa: S608 - our own words
    return [Waits(row.flood, row.waits, row.ends) for row in connection.execute(query)]
