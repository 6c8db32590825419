"""Signing in with a password and a second factor: step by step, each failed one on record.

Whoever is unknown, disabled or has no password is answered as for a wrong password, and as slowly. What was typed goes
nowhere. Each step ends the session of the one before and begins another.
"""

from dataclasses import replace

from sqlalchemy import Connection, Engine

from router.console.signin import factors, passwords
from router.console.signin.cookie import Cookie, new_cookie
from router.console.signin.slowing import Slowing
from router.errors import Forbidden, Refused
from router.keyrecords import normal_handle
from router.model import AuditEntry
from router.store import accounts, sessions
from router.store.accounts import Account
from router.store.audit import note
from router.store.engine import transaction
from router.store.sessions import Session, Stage, Way

FAILED, SIGNED_IN = "sign_in_failed", "signed_in"
STEP_S = 900
"""How long one may take from a password to being signed in."""


def check_password(engine: Engine, slowing: Slowing, typed: str, password: str, address: str) -> Account:
    """Return whose password it is; raises Forbidden `wrong_handle_or_password`, or Refused when it has to wait."""
    handle = normal_handle(typed) or ""
    name = handle or typed
    wait_s = slowing.begin(name, address)
    with transaction(engine) as connection:
        account = accounts.find(connection, handle)
    if wait_s:
        if not slowing.told(name, address):
            _failed(engine, account, "slowed")
        raise Refused("quota_exceeded", retry_after_s=wait_s)
    fine = passwords.fits(account.password if account else None, password)
    if account is None or account.password is None or not fine:
        _failed(engine, account, "wrong_password" if account else "unknown_person")
        raise Forbidden("wrong_handle_or_password")
    slowing.passed(name, address)
    return _kept_anew(engine, account, password) if passwords.outdated(account.password) else account


def check_code(engine: Engine, secret: bytes, handle: str, code: str) -> None:
    """Use up a one-time code of the app; raises Forbidden `wrong_code`, or Refused when it has to wait.

    Two at once do not both get in by one code, nor get more guesses than one after the other.
    """
    with transaction(engine) as connection:
        account = accounts.hold(connection, handle)
        outcome, wait_s = _outcome(connection, account, secret, code)
        if outcome:
            note(connection, [_line(handle, FAILED, f"refused_{outcome}")])
    if wait_s:
        raise Refused("quota_exceeded", retry_after_s=wait_s)
    if outcome:
        raise Forbidden("wrong_code")


def _outcome(connection: Connection, account: Account | None, secret: bytes, code: str) -> tuple[str, int]:
    """Return why a code does not count, empty if it does, and how long to wait before the next."""
    if account is None or account.totp is None or account.totp_since is None:
        return "no_second_factor", 0
    if account.wait_s:
        return "slowed", account.wait_s
    step = factors.step_of(code, factors.read(account.totp, account.handle, secret), account.now)
    if step is not None and accounts.use_step(connection, account.handle, step):
        return "", 0
    accounts.wrong_code(connection, account.handle)
    return ("wrong_code" if step is None else "code_used"), 0


def check_recovery_code(engine: Engine, secret: bytes, handle: str, code: str) -> int:
    """Use up a recovery code and return how many are left; raises as `check_code` does."""
    digest = factors.digests([code], handle, secret)[0]
    with transaction(engine) as connection:
        account = accounts.hold(connection, handle)
        wait_s = account.wait_s if account else 0
        used = not wait_s and account is not None and accounts.use_recovery_code(connection, handle, digest)
        if used:
            accounts.right_code(connection, handle)
            note(connection, [_line(handle, "recovery_code_used", "ok")])
        else:
            if not wait_s:
                accounts.wrong_code(connection, handle)
            note(connection, [_line(handle, FAILED, "refused_slowed" if wait_s else "refused_wrong_recovery_code")])
        left = accounts.recovery_codes_left(connection, handle)
    if wait_s:
        raise Refused("quota_exceeded", retry_after_s=wait_s)
    if not used:
        raise Forbidden("wrong_code")
    return left


def next_stage(account: Account, way: Way, *, proven: bool) -> Stage:
    """Return how far somebody is signed in now; `proven`: with a second factor, ours or single sign-on's."""
    if way is Way.LOCAL and account.must_change and (proven or account.totp_since is None):
        return Stage.ENROL
    if proven:
        return Stage.FULL
    return Stage.ENROL if account.totp_since is None else Stage.PASSWORD


def begin(
    engine: Engine,
    before: Session | None,
    account: Account,
    *,
    stage: Stage,
    way: Way,
    lasts_s: int,
    follows: bool,
    detail: str = "",
) -> Cookie:
    """Begin a session under a new cookie and return that; the one before ends.

    `account` is what was found of the person when they proved who they are, and `follows` says that they proved it to
    the session before. Raises Forbidden `signed_out` when either was taken back meanwhile: a reset, a new password,
    somebody disabled. Of several who have still to set a second factor the last one stays, and is shown a secret that
    nobody else saw.
    """
    fresh, handle = new_cookie(), account.handle
    with transaction(engine) as connection:
        now = accounts.hold(connection, handle)
        was_there = before is not None and sessions.end(connection, before.id)
        if now is None or _proof(now) != _proof(account) or (follows and not was_there):
            raise Forbidden("signed_out")
        if stage is Stage.ENROL:
            sessions.end_unfinished(connection, handle)
            accounts.drop_proposed(connection, handle)
        lasts = lasts_s if stage is Stage.FULL else min(STEP_S, lasts_s)
        sessions.begin(connection, fresh.session, handle, stage=stage, way=way, lasts_s=lasts)
        if stage is Stage.FULL:
            note(connection, [_line(handle, SIGNED_IN, "ok", detail or way.value)])
    return fresh


def _proof(account: Account) -> tuple[object, ...]:
    """Return what somebody proves who they are by, and what decides how far they get."""
    return account.password, account.must_change, account.totp_since, account.issuer


def _kept_anew(engine: Engine, account: Account, password: str) -> Account:
    """Keep the password at today's cost, unless it was changed meanwhile; return the account as it is then."""
    kept = passwords.hashed(password)
    with transaction(engine) as connection:
        now = accounts.hold(connection, account.handle)
        if now is None or now.password != account.password:
            return account
        accounts.set_password(connection, account.handle, kept, must_change=account.must_change)
    return replace(account, password=kept)


def _failed(engine: Engine, account: Account | None, outcome: str) -> None:
    handle = account.handle if account else ""
    with transaction(engine) as connection:
        note(connection, [_line(handle, FAILED, f"refused_{outcome}")])


def _line(handle: str, action: str, outcome: str, detail: str = "") -> AuditEntry:
    who = f"person:{handle}" if handle else "nobody"
    return AuditEntry(who, action, who if handle else "unknown", outcome, detail)
