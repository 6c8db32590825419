"""How staff sign in: passwords' hashes, second factors, recovery codes, single sign-on's subjects.

All times are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, TextClause, text

FREE_CODES: Final = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 900


@dataclass(frozen=True, slots=True)
class Account:
    """How one person, who is not disabled, signs in."""

    handle: str
    password: str | None = field(repr=False)
    must_change: bool
    totp: bytes | None = field(repr=False)
    """The second factor's secret, encrypted."""
    totp_since: datetime | None
    """None: not confirmed yet, so it is none."""
    totp_step: int
    issuer: str | None
    now: datetime
    wait_s: int
    """How long no one-time code is taken."""


_FOUND: Final = """
    select a.handle, a.password, a.must_change, a.totp, a.totp_since, a.totp_step, a.issuer, clock_timestamp() as now,
           ceil(greatest(0, coalesce(extract(epoch from a.locked_until - clock_timestamp()), 0)))::int as wait_s
    from accounts a join people p on p.handle = a.handle and p.disabled_at is null """
_BY_HANDLE: Final = text(_FOUND + "where a.handle = :handle")
_LOCKED: Final = text(_FOUND + "where a.handle = :handle for update of a")
_BY_SUBJECT: Final = text(_FOUND + "where a.issuer = :issuer and a.subject = :subject")


def find(connection: Connection, handle: str) -> Account | None:
    """Return how a person signs in; None of somebody who has no account or is disabled."""
    return _one(connection, _BY_HANDLE, handle=handle)


def hold(connection: Connection, handle: str) -> Account | None:
    """Return the same; nobody changes it before this transaction ends."""
    return _one(connection, _LOCKED, handle=handle)


def find_subject(connection: Connection, issuer: str, subject: str) -> Account | None:
    """Return who single sign-on knows by `subject`."""
    return _one(connection, _BY_SUBJECT, issuer=issuer, subject=subject)


def _one(connection: Connection, query: TextClause, **values: Any) -> Account | None:
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, values).one_or_none()
    return Account(*row) if row else None


def any_account(connection: Connection) -> bool:
    """Say whether anybody could ever sign in."""
    return connection.execute(text("select from accounts limit 1")).first() is not None


def set_password(connection: Connection, handle: str, password: str, *, must_change: bool) -> None:
    """Keep a password's hash; `must_change`: before anything else opens."""
    change = text("""
        insert into accounts (handle, password, must_change) values (:handle, :password, :must)
        on conflict (handle) do update set password = :password, must_change = :must, changed_at = clock_timestamp()""")
    connection.execute(change, {"handle": handle, "password": password, "must": must_change})


def propose_factor(connection: Connection, handle: str, totp: bytes) -> None:
    """Keep a second factor that its owner has yet to confirm; a confirmed one stays."""
    change = text("update accounts set totp = :totp where handle = :handle and totp_since is null")
    connection.execute(change, {"handle": handle, "totp": totp})


def drop_proposed(connection: Connection, handle: str) -> None:
    """Forget a second factor that nobody confirmed; a confirmed one stays."""
    change = text("update accounts set totp = null where handle = :handle and totp_since is null")
    connection.execute(change, {"handle": handle})


def confirm_factor(connection: Connection, handle: str, step: int) -> bool:
    """Let the proposed factor count from now on, its code of `step` being used; say whether there was one."""
    change = text("""
        update accounts set totp_since = clock_timestamp(), totp_step = :step, failures = 0, locked_until = null
        where handle = :handle and totp is not null and totp_since is null""")
    return connection.execute(change, {"handle": handle, "step": step}).rowcount == 1


def forget_factor(connection: Connection, handle: str) -> bool:
    """Take the second factor and its recovery codes away; say whether there was an account."""
    connection.execute(text("delete from recovery_codes where handle = :handle"), {"handle": handle})
    change = text("""
        update accounts set totp = null, totp_since = null, failures = 0, locked_until = null where handle = :handle""")
    return connection.execute(change, {"handle": handle}).rowcount == 1


def use_step(connection: Connection, handle: str, step: int) -> bool:
    """Mark the code of a time step as used; False when it was, or a later one."""
    change = text("""
        update accounts set totp_step = :step, failures = 0, locked_until = null
        where handle = :handle and totp_step < :step""")
    return connection.execute(change, {"handle": handle, "step": step}).rowcount == 1


def wrong_code(connection: Connection, handle: str) -> None:
    """Count a wrong code; after FREE_CODES in a row there is a wait, longer each time."""
    change = text("""
        update accounts
        set failures = least(failures + 1, 1000),
            locked_until = case when failures + 1 >= :free then clock_timestamp() + make_interval(secs =>
                least(:longest, :first * power(2, least(failures + 1 - :free, 20)))) end
        where handle = :handle""")
    waits = {"free": FREE_CODES, "first": FIRST_WAIT_S, "longest": LONGEST_WAIT_S}
    connection.execute(change, {"handle": handle, **waits})


def right_code(connection: Connection, handle: str) -> None:
    """Forget the wrong ones."""
    change = text("update accounts set failures = 0, locked_until = null where handle = :handle")
    connection.execute(change, {"handle": handle})


def replace_recovery_codes(connection: Connection, handle: str, digests: Collection[bytes]) -> None:
    """Keep these instead of all that a person had."""
    connection.execute(text("delete from recovery_codes where handle = :handle"), {"handle": handle})
    rows = [{"handle": handle, "digest": digest} for digest in digests]
    connection.execute(text("insert into recovery_codes (handle, digest) values (:handle, :digest)"), rows)


def use_recovery_code(connection: Connection, handle: str, digest: bytes) -> bool:
    """Use up a recovery code; False when there is none such that was not used."""
    change = text("""
        update recovery_codes set used_at = clock_timestamp()
        where handle = :handle and digest = :digest and used_at is null""")
    return connection.execute(change, {"handle": handle, "digest": digest}).rowcount == 1


def recovery_codes_left(connection: Connection, handle: str) -> int:
    """Return how many a person has left."""
    query = text("select count(*) from recovery_codes where handle = :handle and used_at is null")
    return int(connection.execute(query, {"handle": handle}).scalar_one())


def linked(connection: Connection, issuer: str, subject: str) -> str | None:
    """Return whose subject it is, be they disabled or not."""
    query = text("select handle from accounts where issuer = :issuer and subject = :subject")
    found: str | None = connection.execute(query, {"issuer": issuer, "subject": subject}).scalar_one_or_none()
    return found


def link(connection: Connection, handle: str, issuer: str | None, subject: str | None) -> None:
    """Let single sign-on's subject be this person, who then needs no password; None takes the link away."""
    change = text("""
        insert into accounts (handle, issuer, subject) values (:handle, :issuer, :subject)
        on conflict (handle) do update
        set issuer = excluded.issuer, subject = excluded.subject, changed_at = clock_timestamp()""")
    connection.execute(change, {"handle": handle, "issuer": issuer, "subject": subject})
