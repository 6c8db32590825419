"""One's own account: password, recovery codes, and where one is signed in. Nobody else's is ever shown here."""

from typing import Any, Final

from starlette.responses import Response

from router.console.pages.ask import Ask, page
from router.console.pages.rendering import go, show
from router.console.rights import Right
from router.console.signin import local, own
from router.console.signin.cookie import give
from router.errors import Forbidden, Refused
from router.store import accounts, sessions
from router.store.engine import transaction

ACCOUNT: Final = "/console/account"


def show_account(ask: Ask) -> Response:
    """Show one's own account."""
    return _account_page(ask)


def _account_page(ask: Ask, status: int = 200, **values: Any) -> Response:
    handle = ask.viewer.handle
    with transaction(ask.desk.engine) as connection:
        account = accounts.find(connection, handle)
        left = accounts.recovery_codes_left(connection, handle)
        listed = sessions.of_person(connection, handle)
    own_sessions = [(own.name_of(one.id), one, one.id == ask.viewer.id) for one in listed]
    known: dict[str, Any] = {
        "account": account,
        "codes_left": left,
        "sessions": own_sessions,
        "mistakes": {},
        "wait_s": 0,
    }
    return show(ask, "account/account.html", status, **{**known, **values})


def change_password(ask: Ask) -> Response:
    """Take a new password from whoever knows the old one; all their other sessions end."""
    desk, handle = ask.desk, ask.viewer.handle
    given = {name: ask.form.single.get(name, "") for name in ("old", "password", "again")}
    try:
        local.check_password(desk.engine, desk.slowing, handle, given["old"], ask.address)
    except (Forbidden, Refused) as error:
        return _told(ask, error, "old", {"wrong_handle_or_password": "wrong_password"})
    try:
        fresh = own.change_password(desk.engine, ask.viewer, given["password"], given["again"])
    except (Forbidden, Refused) as error:
        return _told(ask, error, "password")
    answer = go(ACCOUNT, said="password_changed")
    give(answer, fresh, https=desk.https)
    return answer


def make_codes(ask: Ask) -> Response:
    """Show new recovery codes, once, to whoever has the second factor at hand."""
    desk, viewer = ask.desk, ask.viewer
    try:
        local.check_code(desk.engine, desk.secret, viewer.handle, ask.form.get("code"))
    except (Forbidden, Refused) as error:
        return _told(ask, error, "code")
    codes = own.new_recovery_codes(desk.engine, desk.secret, viewer)
    return show(ask, "signin/recovery_codes.html", codes=codes, to=ACCOUNT)


def end_session(ask: Ask) -> Response:
    """End one of one's own sessions."""
    own.end_session(ask.desk.engine, ask.viewer, ask.form.get("session"))
    return go(ACCOUNT, said="session_ended")


def _told(ask: Ask, error: Forbidden | Refused, name: str, other: dict[str, str] | None = None) -> Response:
    """Return the page again with what is wrong beside the field."""
    if error.code == "signed_out":
        raise error
    if isinstance(error, Refused):
        return _account_page(ask, 429, mistakes={name: "wait"}, wait_s=error.retry_after_s)
    return _account_page(ask, 422, mistakes={name: (other or {}).get(error.code, error.code)})


PAGES = (
    page("GET", ACCOUNT, Right.BE_HERE, show_account),
    page("POST", f"{ACCOUNT}/password", Right.BE_HERE, change_password, "old password again"),
    page("POST", f"{ACCOUNT}/codes", Right.BE_HERE, make_codes, "code"),
    page("POST", f"{ACCOUNT}/sessions", Right.BE_HERE, end_session, "session"),
)
