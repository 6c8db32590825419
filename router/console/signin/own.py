"""What somebody does to their own account: a new password, a second factor, recovery codes, ending sessions.

Each asks again for what proves who they are, and each is a line of the audit.
"""

from hashlib import sha256

from sqlalchemy import Connection, Engine

from router.console.signin import factors, passwords
from router.console.signin.cookie import Cookie, new_cookie
from router.errors import Forbidden
from router.model import AuditEntry
from router.store import accounts, sessions
from router.store.accounts import Account
from router.store.audit import note
from router.store.engine import transaction
from router.store.sessions import Session


def change_password(engine: Engine, session: Session, new: str, again: str) -> Cookie:
    """Keep a new password; every other session of the person ends, and this one gets another id.

    Raises Forbidden with the code of `passwords.weakness`, `passwords_differ`, or `password_same`.
    """
    fault = "passwords_differ" if new != again else passwords.weakness(new, handle=session.handle)
    with transaction(engine) as connection:
        account = accounts.find(connection, session.handle)
    if fault is None and account is not None and account.must_change and passwords.fits(account.password, new):
        fault = "password_same"
    if fault:
        raise Forbidden(fault)
    kept, fresh = passwords.hashed(new), new_cookie()
    with transaction(engine) as connection:
        accounts.set_password(connection, session.handle, kept, must_change=False)
        sessions.end_all(connection, session.handle, but=session.id)
        if not sessions.step_up(connection, session.id, fresh.session, session.stage):
            raise Forbidden("signed_out")
        note(connection, [_line(session, "password_changed")])
    return fresh


def proposed_factor(engine: Engine, secret: bytes, session: Session) -> str:
    """Return the secret to show for an app until it is confirmed: the same at each look, and to this session alone.

    Raises Forbidden `signed_out` when somebody else is setting one by now.
    """
    with transaction(engine) as connection:
        account = _held(connection, session)
        if account.totp is not None:
            return factors.read(account.totp, account.handle, secret)
        made = factors.new_secret()
        accounts.propose_factor(connection, account.handle, factors.kept(made, account.handle, secret))
    return made


def confirm_factor(engine: Engine, secret: bytes, session: Session, code: str) -> tuple[str, ...]:
    """Let the shown second factor count, its app having made `code`; return recovery codes, to be shown once.

    Every other session of the person ends, for none of them had it. Raises Forbidden `wrong_code`, audited, and
    `signed_out`.
    """
    codes = factors.new_recovery_codes()
    with transaction(engine) as connection:
        account = _held(connection, session)
        step = None
        if account.totp is not None and account.totp_since is None:
            step = factors.step_of(code, factors.read(account.totp, account.handle, secret), account.now)
        done = step is not None and accounts.confirm_factor(connection, session.handle, step)
        if done:
            sessions.end_all(connection, session.handle, but=session.id)
            accounts.replace_recovery_codes(connection, session.handle, factors.digests(codes, session.handle, secret))
        note(connection, [_line(session, "second_factor_set", "ok" if done else "refused_wrong_code")])
    if not done:
        raise Forbidden("wrong_code")
    return codes


def new_recovery_codes(engine: Engine, secret: bytes, session: Session) -> tuple[str, ...]:
    """Return new recovery codes, to be shown once; the old ones count no more."""
    codes = factors.new_recovery_codes()
    with transaction(engine) as connection:
        accounts.replace_recovery_codes(connection, session.handle, factors.digests(codes, session.handle, secret))
        note(connection, [_line(session, "recovery_codes_made")])
    return codes


def _held(connection: Connection, session: Session) -> Account:
    """Return the session's account, which nobody changes before the commit; raises Forbidden when the session ended."""
    account = accounts.hold(connection, session.handle)
    if account is None or not sessions.is_there(connection, session.id):
        raise Forbidden("signed_out")
    return account


def name_of(session: bytes) -> str:
    """Return the name by which a page speaks of a session: leads neither to its id nor to its cookie."""
    return sha256(b"shown " + session).hexdigest()[:32]


def end_session(engine: Engine, session: Session, name: str) -> None:
    """End one of the person's own sessions; raises Forbidden `unknown_session` for any other."""
    with transaction(engine) as connection:
        listed = sessions.of_person(connection, session.handle)
        found = next((one.id for one in listed if name_of(one.id) == name), None)
        if found is not None:
            sessions.end(connection, found)
        note(connection, [_line(session, "session_ended", "ok" if found else "refused_unknown_session")])
    if found is None:
        raise Forbidden("unknown_session")


def _line(session: Session, action: str, outcome: str = "ok") -> AuditEntry:
    who = f"person:{session.handle}"
    return AuditEntry(who, action, who, outcome)
