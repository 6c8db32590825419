"""Everybody who ever got an account or a key, as administrators see them: no secret, no case.

Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Member:
    """One person."""

    handle: str
    disabled_at: datetime | None
    roles: frozenset[Role]
    teams: tuple[str, ...]
    """Whose key they hold."""
    suspended: tuple[str, ...]
    """Those of them that single sign-on says they left."""
    has_password: bool
    has_factor: bool
    linked: bool
    """To single sign-on."""


_MEMBERS: Final = """
    select p.handle, p.disabled_at,
           array(select role from people_roles r where r.handle = p.handle) as roles,
           array(select distinct k.owner from member_keys m
                 join team_key_wraps w on w.member_key_id = m.key_id
                 join recipient_keys k on k.key_id = w.team_key_id and k.retired_at is null
                 where m.handle = p.handle and m.retired_at is null order by k.owner) as teams,
           array(select team from suspended_teams s where s.handle = p.handle order by team) as suspended,
           coalesce(a.password is not null, false) as has_password,
           coalesce(a.totp_since is not null, false) as has_factor,
           coalesce(a.issuer is not null, false) as linked
    from people p left join accounts a on a.handle = p.handle """


def members(connection: Connection) -> list[Member]:
    """Return everybody, by handle; those who are disabled last."""
    rows = connection.execute(text(_MEMBERS + "order by p.disabled_at is not null, p.handle"))
    return [_member(*row) for row in rows]


def member(connection: Connection, handle: str) -> Member | None:
    """Return one person, None if there never was one of this handle."""
    row = connection.execute(text(_MEMBERS + "where p.handle = :handle"), {"handle": handle}).one_or_none()
    return _member(*row) if row else None


def _member(  # noqa: PLR0917 - the columns of one row
    handle: str,
    disabled_at: datetime | None,
    roles: list[str],
    teams: list[str],
    suspended: list[str],
    has_password: bool,  # noqa: FBT001 - the same
    has_factor: bool,  # noqa: FBT001 - the same
    linked: bool,  # noqa: FBT001 - the same
) -> Member:
    given = frozenset(Role(role) for role in roles)
    return Member(handle, disabled_at, given, tuple(teams), tuple(suspended), has_password, has_factor, linked)
