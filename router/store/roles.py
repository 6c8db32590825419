"""What each person may do in the console. Functions take a connection and never commit."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from router.vocabulary import Role

_LOCK = 0x636F6E_726F6C65  # "con" "role": any number that nothing else of ours locks


def roles_of(connection: Connection, handle: str) -> frozenset[Role]:
    """Return the roles of a person; none for somebody unknown."""
    rows = connection.execute(text("select role from people_roles where handle = :handle"), {"handle": handle})
    return frozenset(Role(role) for role in rows.scalars())


def give_roles(connection: Connection, handle: str, roles: Collection[Role], *, by: str) -> None:
    """Give a person roles that they may have already; `by` is kind and handle of who gives them."""
    insert = text("""
        insert into people_roles (handle, role, given_by)
        select :handle, role, :by from unnest(cast(:roles as text[])) as role
        on conflict do nothing""")
    connection.execute(insert, {"handle": handle, "by": by, "roles": sorted(role.value for role in roles)})


def take_roles(connection: Connection, handle: str, roles: Collection[Role]) -> None:
    """Take roles from a person."""
    gone = text("delete from people_roles where handle = :handle and role = any(:roles)")
    connection.execute(gone, {"handle": handle, "roles": [role.value for role in roles]})


def hold_roles(connection: Connection) -> None:
    """Let nobody else change roles before this transaction ends: two who take the last two away wait in turn."""
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def suspend_teams(connection: Connection, handle: str, *, suspend: Collection[str], restore: Collection[str]) -> None:
    """Keep a person from the cases of teams whose key they hold, or let them back; counts from the next request on."""
    insert = text("""
        insert into suspended_teams (handle, team) select :handle, team from unnest(cast(:teams as text[])) as team
        on conflict do nothing""")
    connection.execute(insert, {"handle": handle, "teams": sorted(suspend)})
    gone = text("delete from suspended_teams where handle = :handle and team = any(:teams)")
    connection.execute(gone, {"handle": handle, "teams": sorted(restore)})


def holders(connection: Connection, role: Role) -> tuple[str, ...]:
    """Return who has a role and is not disabled."""
    query = text("""
        select r.handle from people_roles r join people p on p.handle = r.handle and p.disabled_at is null
        where r.role = :role order by r.handle""")
    return tuple(connection.execute(query, {"role": role.value}).scalars())
