"""What ticket systems say of tickets over there: hints that come by signed messages, and answers to being asked.

Either only makes a look due, of a ticket that the ledger knows; no other is touched. All times are PostgreSQL's.
Functions take a connection and never commit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

REMEMBERED_S: Final = 3 * 24 * 3600.0
"""Messages that were taken are known again for so long: longer than any is accepted after it was signed."""
OVERLAP_S: Final = 180.0
"""Of each time that is asked about, so much was asked about before: clocks differ, and searches show things late."""
FIRST_BACK_S: Final = 3600.0
"""The first time that a system is asked it is asked about this long."""

NOT_OF_A_TICKET: Final = "coalesce({row}.notice, '') in ('recalled', 'taken_over', 'closed')"
OWNS: Final = f"""
    (r.state in ('sent', 'acknowledged') and not {NOT_OF_A_TICKET.format(row="r")} and not exists (
        select from referrals e
        where e.reference = r.reference and e.channel = r.channel and e.revision < r.revision
          and e.state in ('sent', 'acknowledged') and not {NOT_OF_A_TICKET.format(row="e")}))
"""
"""Of a referral `r`: it is the one that made the ticket, and what becomes of the ticket is written to it."""
WITHDRAWN_THERE: Final = """
    exists (select from referrals w where w.reference = r.reference and w.channel = r.channel
              and w.notice = 'recalled' and (w.state <> 'recalled' or w.leased_at is not null or w.outcome = 'given_up')
              and not exists (select from referrals b where b.reference = w.reference and b.channel = w.channel
                                and b.notice = 'corrected' and b.revision > w.revision))
"""
"""Of a referral `r`: what was sent was taken back, and the ticket is no business of anybody there.

A recall that people refused, or did not approve in time, took nothing back.
"""

_KEEP: Final = text("""
    insert into hints (channel, seal, delivery, remote_id) values (:channel, :seal, :delivery, :remote_id)
    on conflict do nothing""")
_TAKE: Final = text("""
    update hints set taken_at = clock_timestamp() where channel = :channel and taken_at is null returning remote_id""")
_LOOK_NOW: Final = text(f"""
    update referrals r set look_at = clock_timestamp()
    where r.channel = :channel and r.remote_id = any(:ids) and r.state in ('sent', 'acknowledged')
      and {OWNS} and not {WITHDRAWN_THERE} and (r.look_at is null or r.look_at > clock_timestamp())""")  # noqa: S608 - our own words
_FORGET: Final = text("""
    delete from hints
    where taken_at is not null and received_at < clock_timestamp() - make_interval(secs => :remembered_s)""")
_CLAIM: Final = text("""
    update channel_states set poll_at = clock_timestamp() + make_interval(secs => :every_s)
    where channel = :channel and (poll_at is null or poll_at <= clock_timestamp()
                                  or poll_at > clock_timestamp() + make_interval(secs => :every_s))
    returning polled_to, clock_timestamp() as now""")
_FIRST: Final = text("""
    insert into channel_states (channel, poll_at)
    values (:channel, clock_timestamp() + make_interval(secs => :every_s))
    on conflict do nothing returning polled_to, clock_timestamp() as now""")
_POLLED: Final = text("update channel_states set polled_to = :until where channel = :channel")
_STOP: Final = text("update channel_states set poll_at = null where channel = :channel and poll_at is not null")


@dataclass(frozen=True, slots=True)
class Poll:
    """A question that this worker is to ask: what changed since then."""

    since: datetime
    until: datetime
    """All up to then is heard when it was answered."""


def keep(connection: Connection, channel: str, *, seal: bytes, delivery: bytes | None, remote_id: str) -> bool:
    """Keep a hint; return False when the same message came before. Ring the channel after the commit."""
    values = {"channel": channel, "seal": seal, "delivery": delivery, "remote_id": remote_id}
    return connection.execute(_KEEP, values, execution_options={"preserve_rowcount": True}).rowcount == 1


def heed(connection: Connection, channel: str) -> int:
    """Take the channel's hints, and have the tickets looked at now that the ledger knows; return how many those are."""
    named = set(connection.execute(_TAKE, {"channel": channel}).scalars())
    return look_now(connection, channel, named)


def look_now(connection: Connection, channel: str, remote_ids: Collection[str]) -> int:
    """Have those tickets looked at now that the ledger knows by these ids; return how many."""
    if not remote_ids:
        return 0
    return connection.execute(_LOOK_NOW, {"channel": channel, "ids": sorted(remote_ids)}).rowcount


def forget(connection: Connection) -> None:
    """Delete hints that were taken, and that nobody could send again any more."""
    connection.execute(_FORGET, {"remembered_s": REMEMBERED_S})


def claim_poll(connection: Connection, channel: str, *, every_s: float, overlap_s: float = 0.0) -> Poll | None:
    """Return what to ask the channel's far side now; None when it was asked, by whomever, less than `every_s` ago.

    `overlap_s` is how long a change may take over there until a search shows it. One worker asks at a time.
    """
    values = {"channel": channel, "every_s": every_s}
    row = connection.execute(_CLAIM, values).one_or_none() or connection.execute(_FIRST, values).one_or_none()
    if row is None:
        return None
    # Heard up to a time to come: the clock was set back since.
    heard = row.polled_to if row.polled_to is not None and row.polled_to <= row.now else None
    start = heard or row.now - timedelta(seconds=FIRST_BACK_S)
    return Poll(start - timedelta(seconds=OVERLAP_S + overlap_s), row.now)


def note_polled(connection: Connection, channel: str, poll: Poll, remote_ids: Collection[str]) -> int:
    """Note that the question was answered, and have the tickets it named looked at; return how many we know."""
    connection.execute(_POLLED, {"channel": channel, "until": poll.until})
    return look_now(connection, channel, remote_ids)


def stop_polling(connection: Connection, channel: str) -> None:
    """Let nobody be rung to ask the channel's far side."""
    connection.execute(_STOP, {"channel": channel})
