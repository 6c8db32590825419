"""Referrals that wait for their time: made due when it comes, withdrawn when what they wait for was done.

Needs no policy: each was written with its fields and its time when the case was decided. Every row leaves
standby once, whatever the clock does and however many sweeps there are, so nothing is told twice. All times
are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from router.model import AuditEntry
from router.store.audit import note
from router.vocabulary import Awaited, Notice

BATCH: Final = 1000
"""Rows that leave standby in one transaction; after days of downtime there are more."""
ACTIONS: Final = {
    Notice.REMINDER.value: "reminded",
    Notice.OVERDUE.value: "deadline_passed",
    Notice.ESCALATION.value: "escalated",
    Notice.INSTEAD.value: "told_instead",
}
"""What the audit calls it when the clock fires such a row."""
LET_GO: Final = "case_let_go"
"""What it is called for a row that waited for a look alone, because its concern came in a flood."""
NOT_NEEDED: Final = "not_needed"
WITHDRAWN: Final = """
    state = case state when 'leased' then state else 'recalled' end, outcome = :outcome, settled_at = clock_timestamp()
"""
"""What withdrawing does to a row. In one that a worker has it is a note for when the lease goes back."""


@dataclass(frozen=True, slots=True)
class Flipped:
    """A row that left standby: due when `outcome` is None, else withdrawn."""

    reference: str
    channel: str
    notice: str | None
    awaited: str | None
    outcome: str | None
    """`not_needed`: everybody was told, or the channel that this one stands in for. `overtaken`: another row says it to
    the same channel, later or more fully."""


def _delivered(row: str) -> str:
    """Return the condition that everybody was told whose delivery `row`, a row that waits for one, waits for."""
    return f"""
        {row}.awaited = 'delivery' and not exists (
            select from referrals told
            where told.reference = {row}.reference and told.notice is null
              and ({row}.instead_of is null or told.channel = {row}.instead_of)
              and told.state not in ('draft', 'sent', 'acknowledged', 'recalled'))"""


# `ripe` reads the index of what stands by, by time, and skips what another sweep has. `clock_timestamp()` is asked
# once: in a condition of its own it would be asked for each row, and no index could be used. Of several that a channel
# should hear at once about one thing it hears the last, but first of all the one that says most: a channel that was
# never told of the case must not get the short form alone. What nobody needs any more overtakes nothing.
_FLIP = text(f"""
    with moment as materialized (select clock_timestamp() as now),
    ripe as (
        select id, reference, channel, revision, awaited, instead_of, fields from referrals
        where state = 'standby' and due_at <= (select now from moment)
        order by due_at limit :limit for update skip locked),
    fated as materialized (
        select id, case
            when {_delivered("r")} then 'not_needed'
            when exists (
                select from referrals o
                where o.reference = r.reference and o.channel = r.channel and o.awaited = r.awaited
                  and (o.revision > r.revision and o.state in ('sent', 'acknowledged', 'dead')
                       or (o.state in ('due', 'leased')
                           or o.state = 'standby' and o.due_at <= (select now from moment) and not ({_delivered("o")}))
                       and ((select count(*) from jsonb_object_keys(o.fields)), o.revision)
                         > ((select count(*) from jsonb_object_keys(r.fields)), r.revision))) then 'overtaken'
            end as fate
        from ripe r)
    update referrals r
    set state = case when fate is null then 'due' else 'recalled' end, outcome = fate,
        first_due_at = case when fate is null then r.due_at else r.first_due_at end,
        settled_at = case when fate is null then null else clock_timestamp() end
    from fated where r.id = fated.id
    returning r.reference, r.channel, r.notice, r.awaited, r.outcome, r.due_at, r.revision""")  # noqa: S608 - our own words


def flip_standby(connection: Connection, *, limit: int = BATCH) -> list[Flipped]:
    """Make due, or withdraw, up to `limit` rows whose time has come, oldest first, with their audit entries.

    Fewer than `limit` come back when no more is ripe, or another sweep has the rest.
    """
    rows = connection.execute(_FLIP, {"limit": limit}).all()
    in_time = sorted(rows, key=lambda row: (row.due_at, row.reference, row.revision))
    flipped = [Flipped(row.reference, row.channel, row.notice, row.awaited, row.outcome) for row in in_time]
    note(connection, [_entry(row, ACTIONS[row.notice]) for row in flipped if fired(row) and row.notice])
    note(connection, [_entry(row, LET_GO) for row in flipped if row.notice is None and row.awaited is None])
    return flipped


def fired(row: Flipped) -> bool:
    """Say whether the clock had something to say: a row that was not needed says that all went well."""
    return row.notice in ACTIONS and row.outcome != NOT_NEEDED


def _entry(row: Flipped, action: str) -> AuditEntry:
    detail = f"{row.awaited}:{row.channel}" if row.awaited else row.channel
    return AuditEntry("clock", action, row.reference, row.outcome or "ok", detail)


def stop(connection: Connection, reference: str, awaited: Collection[Awaited], outcome: str) -> int:
    """Withdraw what the case still has waiting for one of `awaited`, and what is due but not sent; return how many.

    What was sent stays. What a worker just has it may send, but it does not try again: so it is noted in the row,
    unless somebody else has noted why before.
    """
    query = text(f"""
        update referrals set {WITHDRAWN}
        where reference = :reference and awaited = any(:awaited)
          and (state in ('standby', 'due') or state = 'leased' and settled_at is null)
        returning state""")  # noqa: S608 - our own words
    values = {"reference": reference, "awaited": [what.value for what in awaited], "outcome": outcome}
    return list(connection.execute(query, values).scalars()).count("recalled")


def stop_parked(connection: Connection, reference: str, outcome: str) -> None:
    """Withdraw what waits for a look alone, because the concern came in a flood."""
    query = text(f"""
        update referrals set {WITHDRAWN}
        where reference = :reference and state = 'standby' and awaited is null and notice is null""")  # noqa: S608 - our own words
    connection.execute(query, {"reference": reference, "outcome": outcome})


def restart(connection: Connection, reference: str, outcome: str) -> int:
    """Let wait again what was withdrawn with `outcome`; return how many.

    What the clock had fired before, and nobody had sent, is due again and not fired a second time.
    """
    query = text("""
        update referrals
        set state = case when state = 'leased' then 'leased'
                         when lease_no = 0 and first_due_at <> due_at then 'standby' else 'due' end,
            outcome = null, settled_at = null
        where reference = :reference and awaited is not null and state in ('recalled', 'leased')
          and outcome = :outcome""")
    return connection.execute(query, {"reference": reference, "outcome": outcome}).rowcount
