"""Up to which version somebody has seen a case: what is newer is unread.

Functions take a connection and never commit.
"""

from sqlalchemy import Connection, text


def seen(connection: Connection, reference: str, handle: str, version: int) -> None:
    """Write that somebody saw the case as of `version`, unless they saw a newer one or that is written already."""
    change = text("""
        insert into case_views (handle, reference, version) values (:handle, :reference, :version)
        on conflict (handle, reference) do update set version = excluded.version, seen_at = clock_timestamp()
        where case_views.version < excluded.version""")
    connection.execute(change, {"handle": handle, "reference": reference, "version": version})
