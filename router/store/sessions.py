"""Who is signed in to the console: sessions, and what their owner may do by now. All times are PostgreSQL's.

A session is known by a digest of the cookie alone. Roles and teams are looked up each time, so that what is taken
away is gone at once. Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from router.vocabulary import Role

SEEN_EVERY_S: Final = 30
"""How often it is written that a session was used: not at each request, which would cost a commit each."""


class Stage(StrEnum):
    """How far somebody is signed in."""

    PASSWORD = "password"  # noqa: S105 - a stage, no secret
    """The second factor is missing."""
    ENROL = "enrol"
    """They have none yet, or must choose a new password: nothing else opens before."""
    FULL = "full"


class Way(StrEnum):
    """How somebody signed in."""

    LOCAL = "local"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Session:
    """A session that still counts, and its owner."""

    id: bytes
    handle: str
    stage: Stage
    way: Way
    begun_at: datetime
    ends_at: datetime
    now: datetime
    unlocked: bytes | None
    """The member's private key, encrypted under a key that only the cookie gives; None: locked, or its time is over."""
    unlocked_until: datetime | None
    roles: frozenset[Role]
    teams: tuple[str, ...]
    """Teams whose key they hold and that they are not suspended from."""


def find(connection: Connection, session: bytes, *, idle_s: int) -> Session | None:
    """Return the session if it has neither ended nor been idle for `idle_s` and its owner is not disabled."""
    query = text("""
        select s.id, s.handle, s.stage, s.way, s.begun_at, s.ends_at, clock_timestamp() as now,
               case when s.unlocked_until > clock_timestamp() then s.unlocked end as unlocked,
               case when s.unlocked_until > clock_timestamp() then s.unlocked_until end as unlocked_until,
               array(select role from people_roles r where r.handle = s.handle) as roles,
               array(select distinct k.owner from member_keys m
                     join team_key_wraps w on w.member_key_id = m.key_id
                     join recipient_keys k on k.key_id = w.team_key_id
                     where m.handle = s.handle and m.retired_at is null
                       and not exists (select from suspended_teams x where x.handle = m.handle and x.team = k.owner)
                     order by k.owner) as teams
        from console_sessions s join people p on p.handle = s.handle and p.disabled_at is null
        where s.id = :id and s.ends_at > clock_timestamp()
          and s.seen_at > clock_timestamp() - make_interval(secs => :idle)""")
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, {"id": session, "idle": idle_s}).one_or_none()
    if row is None:
        return None
    return Session(
        *(row.id, row.handle, Stage(row.stage), Way(row.way), row.begun_at, row.ends_at, row.now),
        *(row.unlocked, row.unlocked_until, frozenset(Role(role) for role in row.roles), tuple(row.teams)),
    )


def seen(connection: Connection, session: bytes, *, unlocked_s: int) -> bool:
    """Write that the session was used, if that is not written yet; what it unlocked stays so for `unlocked_s` more."""
    change = text("""
        update console_sessions
        set seen_at = clock_timestamp(),
            unlocked_until = case when unlocked_until > clock_timestamp()
                                  then clock_timestamp() + make_interval(secs => :unlocked) end,
            unlocked = case when unlocked_until > clock_timestamp() then unlocked end
        where id = :id and seen_at < clock_timestamp() - make_interval(secs => :every)""")
    values = {"id": session, "unlocked": unlocked_s, "every": SEEN_EVERY_S}
    return connection.execute(change, values).rowcount == 1


def begin(connection: Connection, session: bytes, handle: str, *, stage: Stage, way: Way, lasts_s: int) -> None:
    """Insert a session that ends after `lasts_s` whatever happens."""
    insert = text("""
        insert into console_sessions (id, handle, stage, way, ends_at)
        values (:id, :handle, :stage, :way, clock_timestamp() + make_interval(secs => :lasts))""")
    connection.execute(
        insert, {"id": session, "handle": handle, "stage": stage.value, "way": way.value, "lasts": lasts_s}
    )


def step_up(connection: Connection, session: bytes, new: bytes, stage: Stage) -> bool:
    """Give a session that counts another id, so that whoever knew the old one knows nothing; lock it.

    Return whether it was there.
    """
    change = text("""
        update console_sessions
        set id = :new, stage = :stage, seen_at = clock_timestamp(), unlocked = null, unlocked_until = null
        where id = :id and ends_at > clock_timestamp()""")
    return connection.execute(change, {"id": session, "new": new, "stage": stage.value}).rowcount == 1


def unlock(connection: Connection, session: bytes, sealed: bytes, *, lasts_s: int) -> None:
    """Keep the member's encrypted private key in the session for `lasts_s` of doing nothing."""
    change = text("""
        update console_sessions
        set unlocked = :sealed, unlocked_until = clock_timestamp() + make_interval(secs => :lasts) where id = :id""")
    connection.execute(change, {"id": session, "sealed": sealed, "lasts": lasts_s})


def lock(connection: Connection, session: bytes) -> None:
    """Forget what the session unlocked."""
    change = text("update console_sessions set unlocked = null, unlocked_until = null where id = :id")
    connection.execute(change, {"id": session})


def end(connection: Connection, session: bytes) -> bool:
    """Delete one session; return whether it was there."""
    return connection.execute(text("delete from console_sessions where id = :id"), {"id": session}).rowcount == 1


def end_all(connection: Connection, handle: str, *, but: bytes = b"") -> int:
    """Delete every session of a person except `but`; return how many."""
    gone = text("delete from console_sessions where handle = :handle and id <> :but")
    return connection.execute(gone, {"handle": handle, "but": but}).rowcount


def end_unfinished(connection: Connection, handle: str) -> None:
    """Delete the sessions of a person in which a second factor or a password has still to be set."""
    gone = text("delete from console_sessions where handle = :handle and stage = :stage")
    connection.execute(gone, {"handle": handle, "stage": Stage.ENROL.value})


def is_there(connection: Connection, session: bytes) -> bool:
    """Say whether nobody ended a session since it was found."""
    query = text("select from console_sessions where id = :id and ends_at > clock_timestamp()")
    return connection.execute(query, {"id": session}).first() is not None


@dataclass(frozen=True, slots=True)
class Listed:
    """One session of a person, as they are shown it."""

    id: bytes
    way: Way
    begun_at: datetime
    seen_at: datetime


def of_person(connection: Connection, handle: str) -> list[Listed]:
    """Return a person's sessions that have not ended, the newest first."""
    query = text("""
        select id, way, begun_at, seen_at from console_sessions
        where handle = :handle and ends_at > clock_timestamp() order by begun_at desc""")
    rows = connection.execute(query, {"handle": handle})
    return [Listed(row.id, Way(row.way), row.begun_at, row.seen_at) for row in rows]


def forget_ended(connection: Connection, *, idle_s: int) -> None:
    """Delete sessions that count no more."""
    gone = text("""
        delete from console_sessions where ends_at < clock_timestamp()
            or seen_at < clock_timestamp() - make_interval(secs => :idle)""")
    connection.execute(gone, {"idle": idle_s})
