"""Pages around what a session has opened: unlocking with the vault's passphrase, locking, and signing out.

Keeps no passphrase; nothing sealed is shown here.
"""

from typing import Any, Final

from starlette.responses import Response

from router.console.pages.ask import Ask, page
from router.console.pages.rendering import go, go_to, home, own_address, show
from router.console.rights import Right
from router.console.signin.cookie import give, new_cookie
from router.console.signin.passwords import turn
from router.console.unlocking import lock, unlock
from router.errors import Forbidden, Refused
from router.model import AuditEntry
from router.store import sessions
from router.store.audit import note
from router.store.engine import transaction

_LEAVES_NOTHING: Final = {"Clear-Site-Data": '"cache", "storage"'}
"""Not the cookies: browsers would throw away those of every host of the domain. Ours is replaced."""


def ask_passphrase(ask: Ask) -> Response:
    """Show the form that asks for the passphrase."""
    return _form(ask, next=_next(ask, ask.query.get("next", "")))


def _form(ask: Ask, status: int = 200, **values: Any) -> Response:
    return show(ask, "unlock.html", status, **{"mistake": None, "wait_s": 0, **values})


def _wait(ask: Ask, to: str, wait_s: int) -> Response:
    answer = _form(ask, 429, next=to, mistake="wait", wait_s=wait_s)
    answer.headers["Retry-After"] = str(wait_s)
    return answer


def take_passphrase(ask: Ask) -> Response:
    """Unlock the session, and lead on to where it was needed."""
    to, name = _next(ask, ask.form.get("next")), f"passphrase {ask.viewer.handle}"
    wait_s = ask.desk.slowing.begin(name, ask.address)
    if wait_s:
        return _wait(ask, to, wait_s)
    try:
        # Not `get`: blanks around a passphrase are the person's business.
        given = ask.form.single.get("passphrase", "")
        with turn():
            cookie = unlock(ask.desk.engine, ask.viewer, ask.cookie, given, lasts_s=ask.desk.limits.unlocked_s)
    except Refused as error:
        return _wait(ask, to, error.retry_after_s)
    except Forbidden as error:
        if error.code == "signed_out":
            raise
        return _form(ask, 422, next=to, mistake="wrong_passphrase")
    ask.desk.slowing.passed(name, ask.address)
    answer = go_to(to)
    give(answer, cookie, https=ask.desk.https)
    return answer


def lock_now(ask: Ask) -> Response:
    """Forget what the session unlocked."""
    lock(ask.desk.engine, ask.viewer)
    return go(home(ask.viewer), said="locked")


def sign_out(ask: Ask) -> Response:
    """End the session, at whatever step of signing in it is; the browser gets another cookie."""
    if ask.session is not None:
        with transaction(ask.desk.engine) as connection:
            sessions.end(connection, ask.session.id)
            note(connection, [AuditEntry(f"person:{ask.session.handle}", "signed_out", f"person:{ask.session.handle}")])
    answer = go("/console/sign-in", said="signed_out")
    answer.headers.update(_LEAVES_NOTHING)
    give(answer, new_cookie(), https=ask.desk.https)
    return answer


def _next(ask: Ask, given: str) -> str:
    return own_address(given) or home(ask.viewer)


PAGES = (
    page("GET", "/console/unlock", Right.BE_HERE, ask_passphrase),
    page("POST", "/console/unlock", Right.BE_HERE, take_passphrase, "passphrase next"),
    page("POST", "/console/lock", Right.BE_HERE, lock_now),
    page("POST", "/console/sign-out", None, sign_out),
)
