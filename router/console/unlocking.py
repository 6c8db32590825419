"""Step-up before anything sealed is opened: the vault's passphrase unlocks the member's own key for a while.

The key is kept in the session, encrypted under what only the browser's cookie gives. Opens no case.
"""

from sqlalchemy import Engine

from router.console.attempt import attempted
from router.console.opening import Reader, identify
from router.console.signin.cookie import Cookie, new_cookie
from router.errors import Forbidden, SealBroken
from router.store import sessions
from router.store.audit import note
from router.store.engine import transaction
from router.store.keys import member_key
from router.store.sessions import Session
from router.vault.lending import lend, lent

UNLOCKED = "session_unlocked"
LOCKED = "session_locked"


def unlock(engine: Engine, session: Session, cookie: Cookie, passphrase: str, *, lasts_s: int) -> Cookie:
    """Keep the person's opened key in the session for `lasts_s` of doing nothing; return the session's new cookie.

    The old one counts no more. Raises Forbidden, audited.
    """
    attempt = attempted(engine, UNLOCKED, kind="person", handle=session.handle, reference="")
    reader = identify(attempt, session.handle, passphrase)
    fresh = new_cookie()
    with transaction(engine) as connection:
        if not sessions.step_up(connection, cookie.session, fresh.session, session.stage):
            raise Forbidden("signed_out")
        sessions.unlock(connection, fresh.session, lend(reader.private, fresh.lending_secret), lasts_s=lasts_s)
        note(connection, [attempt.entry()])
    return fresh


def lock(engine: Engine, session: Session) -> None:
    """Forget what the session unlocked."""
    attempt = attempted(engine, LOCKED, kind="person", handle=session.handle, reference="")
    with transaction(engine) as connection:
        sessions.lock(connection, session.id)
        note(connection, [attempt.entry()])


def unlocked(engine: Engine, session: Session, cookie: Cookie) -> Reader:
    """Return the person with their key open; raises Forbidden `locked`."""
    with transaction(engine) as connection:
        member = member_key(connection, session.handle)
    if session.unlocked is None or member is None:
        raise Forbidden("locked")
    try:
        private = lent(session.unlocked, member.suite, cookie.lending_secret)
    except SealBroken:
        raise Forbidden("locked") from None
    if private.key_id != member.key_id:
        raise Forbidden("locked")
    return Reader(member, private)
