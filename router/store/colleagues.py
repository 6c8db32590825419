"""Who else works on a case, who took themselves out of it, and who keeps it from being deleted.

Functions take a connection and never commit.
"""

from sqlalchemy import Connection, text


def readers(connection: Connection, reference: str) -> tuple[str, ...]:
    """Return everybody whom `progress.access` calls a reader of the case."""
    query = text("""
        select distinct p.handle from case_key_wraps c
        join recipient_keys k on k.key_id = c.key_id
        join team_key_wraps t on t.team_key_id = k.key_id
        join member_keys m on m.key_id = t.member_key_id and m.retired_at is null
        join people p on p.handle = m.handle and p.disabled_at is null
        where c.reference = :reference
          and exists (select from people_roles r where r.handle = p.handle and r.role = 'reviewer')
          and not exists (select from recusals x where x.handle = p.handle and x.reference = :reference)
          and not exists (select from suspended_teams s where s.handle = p.handle and s.team = k.owner)
        order by p.handle""")
    return tuple(connection.execute(query, {"reference": reference}).scalars())


def recuse(connection: Connection, reference: str, handle: str) -> bool:
    """Write that somebody took themselves out of the case; return whether that was not written before."""
    insert = text("insert into recusals (reference, handle) values (:reference, :handle) on conflict do nothing")
    return connection.execute(insert, {"reference": reference, "handle": handle}).rowcount == 1


def hold(connection: Connection, reference: str, handle: str) -> bool:
    """Let nothing of the case be deleted; return whether that was not so before."""
    change = text("""
        update cases set held_at = clock_timestamp(), held_by = :handle
        where reference = :reference and held_at is null""")
    return connection.execute(change, {"reference": reference, "handle": handle}).rowcount == 1


def lift(connection: Connection, reference: str) -> bool:
    """Let the case be deleted when its time has come; return whether it was held."""
    change = text(
        "update cases set held_at = null, held_by = null where reference = :reference and held_at is not null"
    )
    return connection.execute(change, {"reference": reference}).rowcount == 1
