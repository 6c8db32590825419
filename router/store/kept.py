"""Answers that wait between two pages of a report: rows that only one browser's cookie opens.

Knows an id, sealed bytes and when they end; never what is in them, nor whose they are. A row whose time is over is not
there, deleted or not. Functions take a connection and never commit.
"""

from sqlalchemy import Connection, text

_ALIVE = "ends_at > clock_timestamp()"


def take(connection: Connection, row: bytes) -> bytes | None:
    """Return a row, and let nobody else change it before this transaction ends; None when there is none."""
    query = text(f"select sealed from kept_answers where id = :id and {_ALIVE} for update")  # noqa: S608 - our own words
    return connection.execute(query, {"id": row}).scalar_one_or_none()


def look(connection: Connection, row: bytes) -> bytes | None:
    """Return a row, None when there is none."""
    query = text(f"select sealed from kept_answers where id = :id and {_ALIVE}")  # noqa: S608 - our own words
    return connection.execute(query, {"id": row}).scalar_one_or_none()


def put(connection: Connection, row: bytes, sealed: bytes, *, lasts_s: int) -> None:
    """Insert a row, or write it anew; it ends after `lasts_s` seconds."""
    query = text("""
        insert into kept_answers (id, sealed, ends_at)
        values (:id, :sealed, clock_timestamp() + make_interval(secs => :lasts))
        on conflict (id) do update set sealed = excluded.sealed, ends_at = excluded.ends_at""")
    connection.execute(query, {"id": row, "sealed": sealed, "lasts": lasts_s})


def drop(connection: Connection, row: bytes) -> None:
    """Delete a row, if it is there."""
    connection.execute(text("delete from kept_answers where id = :id"), {"id": row})


def total_bytes(connection: Connection) -> int:
    """Return how much is kept; no row is read for it."""
    return int(connection.execute(text("select coalesce(sum(octet_length(sealed)), 0) from kept_answers")).scalar_one())


def drop_ended(connection: Connection) -> int:
    """Delete the rows whose time is over; return how many."""
    return connection.execute(text(f"delete from kept_answers where not {_ALIVE}")).rowcount  # noqa: S608 - our own words
