"""What did not get through, for people: how much of it on which channel and why, and what of it belongs to their cases.

Beside it when something last arrived. All times are PostgreSQL's. Functions take a connection and change nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

_LATEST: Final = 5000
"""Attempts that are looked through for what arrived last: attempts have no channel, and referrals no such index."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why referrals to one channel are dead."""

    code: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One referral that did not get through."""

    reference: str
    revision: int
    code: str
    attempts: int
    died_at: datetime


def reasons(connection: Connection) -> dict[str, list[Reason]]:
    """Return for each channel with dead referrals why they are, the most frequent first."""
    query = text("""
        select channel, coalesce(outcome, 'unknown') as code, count(*) as count, min(settled_at), max(settled_at)
        from referrals where state = 'dead' group by 1, 2 order by 1, 3 desc, 2""")
    found: dict[str, list[Reason]] = {}
    for channel, *reason in connection.execute(query):
        found.setdefault(channel, []).append(Reason(*reason))
    return found


def last_arrivals(connection: Connection) -> dict[str, datetime]:
    """Return when something last arrived by each channel, as far as the last few thousand attempts tell."""
    query = text("""
        select r.channel, max(r.settled_at) as at from attempts a join referrals r on r.id = a.referral
        where a.id > (select coalesce(max(id), 0) from attempts) - :latest and r.state in ('sent', 'acknowledged')
        group by 1""")
    return {row.channel: row.at for row in connection.execute(query, {"latest": _LATEST})}


def of_reader(connection: Connection, channel: str, handle: str, limit: int) -> list[DeadLetter]:
    """Return up to `limit` dead referrals of open and closed cases that `handle` may see, those that died last first.

    May see: as `progress.access` has it of a reviewer.
    """
    query = text("""
        select reference, revision, coalesce(outcome, 'unknown'), attempts, settled_at
        from referrals r
        where channel = :channel and state = 'dead' and exists (
            select from case_key_wraps c
            join recipient_keys k on k.key_id = c.key_id
            join team_key_wraps t on t.team_key_id = c.key_id
            join member_keys m on m.key_id = t.member_key_id
            where c.reference = r.case_reference and m.handle = :handle and m.retired_at is null
              and not exists (select from suspended_teams s where s.handle = m.handle and s.team = k.owner))
          and not exists (select from recusals x where x.handle = :handle and x.reference = r.case_reference)
        order by settled_at desc, reference, revision limit :limit""")
    rows = connection.execute(query, {"channel": channel, "handle": handle, "limit": limit})
    return [DeadLetter(*row) for row in rows]
