"""People and keys: public halves and wrapped private ones; nothing here can open anything.

Functions take a connection and never commit.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from router.keyrecords import MemberKey, RecipientKey, Sealed, TeamKeyWrap
from router.store.tables import member_keys, people, recipient_keys, team_key_wraps

_KEYMAKERS_LOCK = 0x636F6E_6B657973  # "con" "keys": any number that nothing else of ours locks


def active_recipients(connection: Connection) -> dict[str, RecipientKey]:
    """Return the keys that new cases are sealed to, by owner: each team's name, and `recovery`."""
    columns = recipient_keys.c
    query = select(columns.key_id, columns.owner, columns.suite, columns.public).where(columns.retired_at.is_(None))
    return {row.owner: RecipientKey(*row) for row in connection.execute(query.order_by(columns.created_at))}


def lock_keymakers(connection: Connection) -> None:
    """Let one transaction at a time make keys; the others wait for its end."""
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _KEYMAKERS_LOCK})


def add_recipients(connection: Connection, keys: Sequence[RecipientKey]) -> None:
    """Insert active keys; the database refuses a second active one of the same owner."""
    rows = [{"key_id": k.key_id, "owner": k.owner, "suite": k.suite, "public": k.public} for k in keys]
    if rows:
        connection.execute(insert(recipient_keys), rows)


def add_person(connection: Connection, key: MemberKey) -> None:
    """Insert a person and their key; the database refuses a handle that is there already."""
    connection.execute(insert(people), {"handle": key.handle})
    row = {name: getattr(key, name) for name in MemberKey.__dataclass_fields__}
    connection.execute(insert(member_keys), row)


def add_keyless(connection: Connection, handle: str) -> None:
    """Insert a person who has no key; the database refuses a handle that is there already."""
    connection.execute(insert(people), {"handle": handle})


def add_team_wraps(connection: Connection, wraps: Sequence[TeamKeyWrap]) -> None:
    """Let the members whose keys these are read what is sealed to the teams."""
    rows = [
        {"team_key_id": w.team_key_id, "member_key_id": w.member_key_id, "suite": w.sealed.suite, "blob": w.sealed.blob}
        for w in wraps
    ]
    if rows:
        connection.execute(insert(team_key_wraps), rows)


def member_key(connection: Connection, handle: str) -> MemberKey | None:
    """Return the key of a person who is not disabled, else None."""
    columns = [member_keys.c[name] for name in MemberKey.__dataclass_fields__]
    query = (
        select(*columns)
        .join(people, people.c.handle == member_keys.c.handle)
        .where(member_keys.c.handle == handle, member_keys.c.retired_at.is_(None), people.c.disabled_at.is_(None))
    )
    row: Row[*tuple[Any, ...]] | None = connection.execute(query).one_or_none()
    return MemberKey(*row) if row else None


def team_wraps(connection: Connection, member_key_id: str) -> dict[str, TeamKeyWrap]:
    """Return the team keys that this member's key opens, by team key id; retired ones open old cases."""
    query = select(team_key_wraps).where(team_key_wraps.c.member_key_id == member_key_id)
    return {
        row.team_key_id: TeamKeyWrap(row.team_key_id, row.member_key_id, Sealed(row.suite, row.blob))
        for row in connection.execute(query)
    }


def anybody(connection: Connection) -> bool:
    """Say whether there is any person yet."""
    return connection.execute(select(people.c.handle).limit(1)).first() is not None


def person_exists(connection: Connection, handle: str) -> bool:
    """Say whether the handle was ever given to anybody."""
    return connection.execute(select(people.c.handle).where(people.c.handle == handle)).first() is not None


def set_disabled(connection: Connection, handle: str, *, disabled: bool) -> None:
    """Let a person do nothing from now on, or everything again that they could."""
    change = text("""
        update people set disabled_at = case when :disabled then coalesce(disabled_at, clock_timestamp()) end
        where handle = :handle""")
    connection.execute(change, {"handle": handle, "disabled": disabled})
