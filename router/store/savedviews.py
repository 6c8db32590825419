"""Filters of the queue that somebody keeps under a name, each person's own. Functions never commit."""

from collections.abc import Mapping

from sqlalchemy import Connection, text


def saved(connection: Connection, handle: str) -> Mapping[str, str]:
    """Return a person's views: name to query, by name."""
    query = text("select name, query from saved_views where handle = :handle order by lower(name), name")
    return {row.name: row.query for row in connection.execute(query, {"handle": handle})}


def save(connection: Connection, handle: str, name: str, query: str, *, most: int) -> bool:
    """Keep a view, or change the one of this name; return False when there are `most` others already."""
    change = text("""
        insert into saved_views (handle, name, query)
        select :handle, :name, :query
        where (select count(*) from saved_views where handle = :handle and name <> :name) < :most
        on conflict (handle, name) do update set query = excluded.query, saved_at = clock_timestamp()""")
    values = {"handle": handle, "name": name, "query": query, "most": most}
    return connection.execute(change, values).rowcount == 1


def forget(connection: Connection, handle: str, name: str) -> bool:
    """Delete a view; return whether there was one."""
    gone = text("delete from saved_views where handle = :handle and name = :name")
    return connection.execute(gone, {"handle": handle, "name": name}).rowcount == 1
