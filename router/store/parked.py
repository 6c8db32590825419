"""Floods as one member of staff sees them: their cases that wait, let go or closed as one. Never a case of others.

A case that somebody has is left to them. All times are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.store.floods import PARKED
from router.store.standby import WITHDRAWN
from router.vocabulary import CaseOutcome, Severity

AT_ONCE: Final = 500
"""Cases that are changed in one transaction."""
SHOWN: Final = 50
CLOSED: Final = "closed"
"""Why a referral that waited was withdrawn."""


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood, as far as somebody may see it."""

    name: str
    waits: int
    """Cases of theirs that wait, and that nobody has."""
    held: int
    """Cases of theirs that wait, and that somebody has."""
    told: int
    """Cases of theirs in it that wait no more, or never did: critical ones are told at once."""
    first_at: datetime
    last_at: datetime
    next_at: datetime | None
    """When the first of those that wait is told by itself."""
    worst: Severity
    references: tuple[str, ...]
    """The first SHOWN that wait, the most urgent first."""


_SEEN: Final = f"""
    seen as (
        select l.reference, l.flood, l.linked_at, l.waits_until, ({PARKED}) as waits, c.claimed_by, c.severity,
               c.received_at
        from flood_links l join cases c on c.reference = l.reference
        join case_queue q on q.reference = l.reference
        join case_audiences a on a.id = q.audience
        where a.keys && array(
            select w.team_key_id from member_keys m
            join team_key_wraps w on w.member_key_id = m.key_id
            join recipient_keys k on k.key_id = w.team_key_id
            where m.handle = :handle and m.retired_at is null
              and not exists (select from suspended_teams x where x.handle = m.handle and x.team = k.owner))
          and not exists (select from recusals x where x.handle = :handle and x.reference = l.reference)
          and exists (select from people p join people_roles r on r.handle = p.handle and r.role = 'reviewer'
                      where p.handle = :handle and p.disabled_at is null)
          and (:flood = '' or l.flood = :flood)
          and l.flood in (select w.flood from flood_links w where w.ended_at is null
                          and w.waits_until > statement_timestamp()))"""  # noqa: S608 - our own words
"""The linked cases that somebody may see: what `progress.access` says of each one."""


def floods(connection: Connection, handle: str) -> list[Flood]:
    """Return the floods of which something waits that `handle` may see, the most urgent first."""
    query = text(f"""
        with {_SEEN}
        select flood, count(*) filter (where waits and claimed_by is null) as waits,
               count(*) filter (where waits and claimed_by is not null) as held,
               count(*) filter (where not waits) as told, min(linked_at) as first_at, max(linked_at) as last_at,
               min(waits_until) filter (where waits) as next_at, max(severity) filter (where waits) as worst,
               (array_agg(reference order by severity desc, received_at, reference) filter (where waits))[1:{SHOWN}]
                   as refs
        from seen group by flood having count(*) filter (where waits) > 0
        order by worst desc, next_at, flood""")  # noqa: S608 - our own words
    return [
        Flood(
            row.flood,
            row.waits,
            row.held,
            row.told,
            row.first_at,
            row.last_at,
            row.next_at,
            tuple(Severity)[row.worst],
            tuple(row.refs),
        )
        for row in connection.execute(query, {"handle": handle, "flood": ""})
    ]


def any_for(connection: Connection, handle: str) -> bool:
    """Say whether a flood waits of which `handle` may see something."""
    query = text(f"with {_SEEN} select exists (select from seen where waits)")  # noqa: S608 - our own words
    return bool(connection.execute(query, {"handle": handle, "flood": ""}).scalar_one())


def take(connection: Connection, handle: str, flood: str, *, unread: bool) -> list[str]:
    """Return up to AT_ONCE cases of the flood that wait, that `handle` may see and nobody has; locked with what waits.

    What somebody else is just changing is left out; so is, but for `unread`, what its reporter has written to since
    and nobody read.
    """
    query = text(f"""
        with {_SEEN}
        select c.reference from seen s join cases c on c.reference = s.reference
        where s.waits and c.state = 'open' and c.claimed_by is null and (:unread or c.reporter_wrote_at is null)
        order by c.reference limit {AT_ONCE} for update of c skip locked""")  # noqa: S608 - our own words
    found = list(connection.execute(query, {"handle": handle, "flood": flood, "unread": unread}).scalars())
    return lock(connection, found)


def lock(connection: Connection, references: Collection[str]) -> list[str]:
    """Return those of the cases whose channels still wait; no sweep tells them before this transaction ends."""
    query = text("""
        select reference from referrals
        where reference = any(:references) and state = 'standby' and awaited is null and notice is null
        order by reference, channel for update""")
    return sorted(set(connection.execute(query, {"references": list(references)}).scalars()))


def let_go(connection: Connection, references: Sequence[str]) -> list[str]:
    """Have the channels of the cases told now; return the channels to ring.

    What waits for deliveries comes as much sooner.
    """
    sooner = text("""
        update referrals r set due_at = r.due_at - (l.waits_until - clock_timestamp())
        from flood_links l
        where l.reference = r.reference and r.reference = any(:references) and r.awaited = 'delivery'
          and r.state = 'standby' and l.waits_until > clock_timestamp()""")
    connection.execute(sooner, {"references": list(references)})
    now = text("""
        update referrals set state = 'due', due_at = clock_timestamp(), first_due_at = clock_timestamp()
        where reference = any(:references) and state = 'standby' and awaited is null and notice is null
        returning channel""")
    return sorted(set(connection.execute(now, {"references": list(references)}).scalars()))


def close(connection: Connection, references: Sequence[str]) -> None:
    """Close the open cases with nothing done about them, and withdraw all that was not sent of them.

    Their reporters read so where they follow it up: that is their answer, and no clock goes on.
    """
    change = text("""
        update cases
        set state = 'closed', closed_at = clock_timestamp(), outcome = :outcome, claim_until = null,
            acknowledged_at = coalesce(acknowledged_at, clock_timestamp()),
            feedback_at = coalesce(feedback_at, clock_timestamp())
        where reference = any(:references) and state = 'open'""")
    connection.execute(change, {"references": list(references), "outcome": CaseOutcome.NO_ACTION.value})
    withdraw = text(f"""
        update referrals set {WITHDRAWN}, case_closed_at = clock_timestamp()
        where reference = any(:references)
          and (state in ('standby', 'draft', 'due', 'in_hand') or state = 'leased' and settled_at is null)""")  # noqa: S608 - our own words
    connection.execute(withdraw, {"references": list(references), "outcome": CLOSED})


def end(connection: Connection, references: Sequence[str], *, ended: str, by: str) -> None:
    """Note of the links what ended the wait, and who did it."""
    query = text("""
        update flood_links set ended_at = statement_timestamp(), ended_by = :by, ended = :ended
        where reference = any(:references) and ended_at is null""")
    connection.execute(query, {"references": list(references), "by": by, "ended": ended})


@dataclass(frozen=True, slots=True)
class Link:
    """The flood that one case came in."""

    flood: str
    waits: bool
    waits_until: datetime | None
    ended: str | None


def link_of(connection: Connection, reference: str) -> Link | None:
    """Return the flood that a case came in, None for the others."""
    query = text(f"""
        select l.flood, ({PARKED}) as waits, l.waits_until, l.ended from flood_links l
        where l.reference = :reference""")  # noqa: S608 - our own words
    row = connection.execute(query, {"reference": reference}).one_or_none()
    return Link(*row) if row else None
