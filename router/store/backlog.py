"""Which channels have something to do, for those who ring and those who watch. All times are PostgreSQL's.

Says nothing of a channel that must not be tried yet. Functions take a connection and change nothing.
"""

from collections.abc import Collection

from sqlalchemy import Connection, text

from router.store.channelstates import NOT_SHUT, SHUT
from router.store.looks import FURTHEST_S
from router.store.referrals import IN_TURN, OPEN_NOW, RAN_OUT

_UNSETTLED = "state in ('due', 'leased')"
_SHOWABLE = "look_at is not null"
_MOST_OPENINGS = 1000
"""A channel that was shut this often in a row, about a week, and has nothing to do is asked no more until it has."""
_LAST = 50_000
"""Attempts; more than two minutes of the fastest delivery."""
_LATELY = "lately as (select statement_timestamp() - make_interval(secs => :s) as t, statement_timestamp() as now)"


def _channels_in(name: str, rows: str) -> str:
    """Return the words of a query `name`: the channels among `rows`, each found by one step over an index."""
    first = f"select channel from referrals where {rows}"  # noqa: S608 - our own words
    return f"""
        {name} as (
            ({first} order by channel limit 1)
            union all
            select ({first} and channel > {name}.channel order by channel limit 1) from {name}
            where {name}.channel is not null)"""  # noqa: S608 - our own words


# Both read a few rows of each channel, were there 100,000: the clock is asked once, as it stood when the statement
# began, so that the index by time is used. What would read all that wait for another try comes last: the search for
# times of a clock that was set back since then.
_DUE = text(f"""
    with recursive {_channels_in("open", _UNSETTLED)}, {_channels_in("shown", _SHOWABLE)}
    select channel from (select channel from open union select channel from shown union
                         select channel from channel_states where breaker <> 'closed' or poll_at is not null union
                         select channel from hints where taken_at is null) as r
    where channel is not null and {NOT_SHUT} and (
        (select true from referrals o where o.channel = r.channel and {_UNSETTLED}
           and due_at <= statement_timestamp() and (state = 'due' or {RAN_OUT}) order by due_at limit 1)
        or (select true from referrals o where o.channel = r.channel and {_SHOWABLE}
              and look_at <= statement_timestamp() and state in ('sent', 'acknowledged') order by look_at limit 1)
        or (select true from referrals o where o.channel = r.channel and {_SHOWABLE}
              and look_at > statement_timestamp() + make_interval(secs => {FURTHEST_S:.0f})
              and state in ('sent', 'acknowledged') limit 1)
        or (select true from hints h where h.channel = r.channel and h.taken_at is null limit 1)
        or (select true from channel_states s where s.channel = r.channel and s.poll_at <= statement_timestamp())
        or (select opened < {_MOST_OPENINGS} from channel_states s where s.channel = r.channel and s.breaker <> 'closed'
              and not exists (select from open where open.channel = s.channel))
        or (select true from referrals o where o.channel = r.channel and {_UNSETTLED}
              and due_at > statement_timestamp() and {OPEN_NOW} limit 1))
    order by channel""")  # noqa: S608 - our own words
# One that could not be tried until lately is no sign of anything: all who could have are busy for a moment.
_OVERDUE = text(f"""
    with recursive {_LATELY}, {_channels_in("open", _UNSETTLED)}
    select channel from open c where channel is not null
       and not exists (select from channel_states s, lately where s.channel = c.channel and (
             {SHUT} or s.breaker <> 'closed' and s.until between t and now))
       and (select true from referrals r where r.channel = c.channel and {_UNSETTLED}
              and due_at < (select t from lately) and (state = 'due' or lease_until < (select t from lately))
              and {IN_TURN} order by due_at limit 1)
    order by channel""")  # noqa: S608 - our own words
# Attempts have no channel: those of the last minutes are looked through, and only when something is overdue.
_AT_WORK = text(f"""
    with {_LATELY}
    select exists (select from referrals, lately
                   where channel = any(:channels) and state = 'leased' and leased_at between t and now)
        or exists (select from attempts a, referrals r, lately
                   where a.id > (select max(id) from attempts) - {_LAST} and a.ended_at between t and now
                     and r.id = a.referral and r.channel = any(:channels))""")  # noqa: S608 - our own words


def due_channels(connection: Connection, *, longest_s: float) -> list[str]:
    """Return the channels that have something to send, look at or ask now, and those that are shut and have nothing.

    A worker finds out whether these are back. A lease beyond `longest_s` counts as expired.
    """
    return list(connection.execute(_DUE, {"longest_s": longest_s}).scalars())


def overdue(connection: Connection, *, stall_s: float) -> list[str]:
    """Return the channels that something could have been sent to for `stall_s` seconds, but for their limits.

    Not those that were to be left alone meanwhile.
    """
    return list(connection.execute(_OVERDUE, {"s": float(stall_s)}).scalars())


def at_work(connection: Connection, channels: Collection[str], *, stall_s: float) -> bool:
    """Say whether anything for `channels` was leased or ended in the last `stall_s` seconds."""
    return bool(connection.execute(_AT_WORK, {"channels": list(channels), "s": float(stall_s)}).scalar_one())
