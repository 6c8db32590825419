"""Cases that seem to be about the same as another: those that somebody may see by name, the others as a number.

Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

MOST: Final = 50
"""So many are named: a system that reports the same over and over makes thousands."""


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
    """The newest, the oldest of them first."""
    more: int
    """Older ones that one may see as well."""
    hidden: int
    """Cases of other teams."""


def links(connection: Connection, reference: str, handle: str) -> Links:
    """Return what the case is linked with, as `handle` may know it.

    A case that a team of theirs must know nothing of is not counted either: one more about the same would tell them.
    """
    # May see: as `progress.access` has it; that they are a reviewer is known of who looks at a case.
    query = text("""
        with held as materialized (
            select k.key_id, k.owner,
                   m.retired_at is null and not exists (
                       select from suspended_teams s where s.handle = m.handle and s.team = k.owner) as opens
            from member_keys m
            join team_key_wraps t on t.member_key_id = m.key_id
            join recipient_keys k on k.key_id = t.team_key_id
            where m.handle = :handle),
        teams as materialized (select coalesce(array_agg(owner), '{}') as own from held),
        linked as materialized (
            select distinct other.reference
            from case_duplicate_keys own
            join case_duplicate_keys other on other.key = own.key and other.reference <> own.reference
            where own.reference = :reference
              and abs(extract(epoch from other.received_at - own.received_at))
                  <= greatest(own.within_s, other.within_s)),
        known as materialized (
            select o.reference, o.received_at, o.state, o.outcome,
                   exists (select from case_key_wraps c join held on held.key_id = c.key_id and held.opens
                           where c.reference = o.reference)
                   and not exists (
                       select from recusals x where x.handle = :handle and x.reference = o.reference) as seen
            from linked join cases o on o.reference = linked.reference)
        select (select count(*) from known where seen) as many,
               (select count(*) from known where not seen
                  and not exists (select from case_conflicts f, teams
                                  where f.reference = known.reference and f.team = any(teams.own))
                  and not exists (select from cases c, teams
                                  where c.reference = known.reference and c.decision -> 'avoided' ?| teams.own)
                  and not exists (select from referrals r, teams
                                  where r.reference = known.reference and r.kept_from && teams.own)) as hidden,
               first.*
        from (values (1)) one left join lateral (
            select reference, received_at, state, outcome from known where seen
            order by received_at desc, reference limit :most) first on true""")
    rows = connection.execute(query, {"reference": reference, "handle": handle, "most": MOST}).all()
    shown = tuple(Linked(*row[2:]) for row in rows if row.reference is not None)
    return Links(shown[::-1], rows[0].many - len(shown), rows[0].hidden)
