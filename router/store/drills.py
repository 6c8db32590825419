"""Drills: referrals that belong to no case and test a way, and how long each took.

All times are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from router.clock import new_reference
from router.store.notices import post_notice
from router.vocabulary import Notice

_SCHEDULE_LOCK: Final = 0x636F6E_6472696C  # "con" "dril": any number that nothing else of ours locks
_COLUMNS: Final = """
    reference, channel, first_due_at as asked_at, state, attempts, outcome, remote_id,
    case when state in ('sent', 'acknowledged') then extract(epoch from settled_at - first_due_at)::float8 end
        as delivered_after_s,
    extract(epoch from acknowledged_at - first_due_at)::float8 as acknowledged_after_s"""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill as it stands."""

    reference: str
    channel: str
    asked_at: datetime
    state: str
    attempts: int
    outcome: str | None
    remote_id: str | None
    delivered_after_s: float | None
    """Seconds from asked to accepted by the channel; None before that."""
    acknowledged_after_s: float | None
    """Seconds from asked until a person over there said that they saw it."""


def post_drill(connection: Connection, *, channel: str, kind: str, policy: str) -> str:
    """Post a drill to `channel`, due now, and return its reference. Ring the channel after the commit."""
    reference = new_reference("DRILL")
    post_notice(connection, reference=reference, channel=channel, kind=kind, policy=policy, notice=Notice.DRILL)
    return reference


def drill(connection: Connection, reference: str) -> Drill | None:
    """Return the drill, None if there is none."""
    found = _drills(connection, "and reference = :reference", reference=reference)
    return found[0] if found else None


def drills(connection: Connection, limit: int) -> list[Drill]:
    """Return the newest `limit` drills."""
    return _drills(connection, "order by first_due_at desc, id limit :limit", limit=limit)


def last_drills(connection: Connection, channels: Sequence[str]) -> dict[str, Drill]:
    """Return the newest drill of each of `channels` that had one."""
    newest = """and (channel, first_due_at) in (
        select channel, max(first_due_at) from referrals
        where notice = 'drill' and channel = any(:channels) group by channel)"""
    return {found.channel: found for found in _drills(connection, newest, channels=list(channels))}


def _drills(connection: Connection, which: str, **values: Any) -> list[Drill]:
    query = text(f"select {_COLUMNS} from referrals where notice = 'drill' {which}")  # noqa: S608 - our own words
    return [Drill(**row) for row in connection.execute(query, values).mappings()]


def acknowledge_drill(connection: Connection, reference: str) -> bool:
    """Write that a person over there saw the delivered drill; return whether that was not written before."""
    query = text("""
        update referrals set state = 'acknowledged', acknowledged_at = clock_timestamp()
        where reference = :reference and notice = 'drill' and state = 'sent'""")
    return connection.execute(query, {"reference": reference}).rowcount == 1


def schedule_is_ours(connection: Connection) -> bool:
    """Say whether no other process looks at the schedule just now; if so, none will until the transaction ends."""
    query = text("select pg_try_advisory_xact_lock(:lock)")
    return bool(connection.execute(query, {"lock": _SCHEDULE_LOCK}).scalar_one())


def drilled_within(connection: Connection, channel: str, *, seconds: float) -> bool:
    """Say whether a drill of `channel` was asked for in the last `seconds`, or is still under way.

    One that was asked for while the clock was ahead counts for nothing.
    """
    query = text("""
        select exists (
            select from referrals where notice = 'drill' and channel = :channel
              and (state in ('due', 'leased')
                   or first_due_at between clock_timestamp() - make_interval(secs => :seconds) and clock_timestamp()))
        """)
    return bool(connection.execute(query, {"channel": channel, "seconds": seconds}).scalar_one())
