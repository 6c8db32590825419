"""How many receipts were wrong, by minute and over all processes; nothing more is known of them.

Functions take a connection and never commit.
"""

from typing import Final

from sqlalchemy import Connection, text

KEPT_DAYS: Final = 7


def add(connection: Connection, count: int) -> None:
    """Add `count` to this minute, and forget what is older than KEPT_DAYS."""
    insert = text("""
        insert into wrong_receipts as w (minute, count) values (date_trunc('minute', clock_timestamp()), :count)
        on conflict (minute) do update set count = w.count + excluded.count""")
    connection.execute(insert, {"count": count})
    forget = text("delete from wrong_receipts where minute < clock_timestamp() - make_interval(days => :days)")
    connection.execute(forget, {"days": KEPT_DAYS})


def within_the_hour(connection: Connection) -> int:
    """Return how many there were in the last hour."""
    query = text("""
        select coalesce(sum(count), 0) from wrong_receipts where minute > clock_timestamp() - interval '1 hour'""")
    return int(connection.execute(query).scalar_one())
