"""Channels that are shut, for people: why, since when, until when; and letting one be tried at once.

All times are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from router.store.breaker import ASKS
from router.vocabulary import Breaker


@dataclass(frozen=True, slots=True)
class Shut:
    """A channel whose breaker is not closed, or whose settings were checked."""

    breaker: Breaker
    since: datetime
    until: datetime | None
    code: str | None
    named: str | None
    checked: str | None
    """Digest of the settings that passed their check last; None: others, or a doubt since then."""
    checked_at: datetime | None


def shut_channels(connection: Connection) -> dict[str, Shut]:
    """Return how every channel stands that was ever shut or checked, by name."""
    query = text("select channel, breaker, since, until, code, named, checked, checked_at from channel_states")
    return {
        row.channel: Shut(Breaker(row.breaker), row.since, row.until, row.code, row.named, row.checked, row.checked_at)
        for row in connection.execute(query)
    }


def try_now(connection: Connection, channels: Collection[str], *, though_asked: bool = False) -> frozenset[str]:
    """Let those of `channels` that are shut be tried at once; return which were. Ring them after the commit.

    One that asked for a pause itself keeps it, unless a person wants it tried `though_asked`.
    """
    query = text("""
        update channel_states set until = clock_timestamp()
        where channel = any(:channels) and breaker = 'open' and until > clock_timestamp()
          and (:though_asked or code is null or not code = any(:asks))
        returning channel""")
    values = {"channels": sorted(channels), "though_asked": though_asked, "asks": sorted(ASKS)}
    return frozenset(connection.execute(query, values).scalars())
