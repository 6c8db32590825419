"""Pages of signing in: password, second factor or recovery code, and what must be set up before anything else opens.

Each answer is the same for somebody and for nobody. Nothing that was typed is shown again but the handle.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from router.console.pages.ask import Ask, Desk, page
from router.console.pages.frame import ENROL, NEXT_STEP, SECOND_FACTOR, SIGN_IN
from router.console.pages.rendering import go, go_to, home, own_address, show
from router.console.rights import Right
from router.console.signin import factors, local, own
from router.console.signin.cookie import give
from router.errors import Forbidden, Refused
from router.store import accounts, sessions
from router.store.accounts import Account
from router.store.engine import transaction
from router.store.sessions import Session, Stage, Way

RECOVERY: Final = "/console/sign-in/recovery"
FORGET_EVERY_S: Final = 600
SINGLE_FAILED: Final = ("single_failed", "unknown_subject", "oidc_no_answer")
"""What may be said of a single sign-on that did not work."""


def show_sign_in(ask: Ask) -> Response:
    """Show the form of the first step, or lead on whoever took it."""
    if ask.session is not None:
        step = NEXT_STEP.get(ask.session.stage)
        return go(step) if step else go_to(wanted(ask) or home(ask.session))
    mistake = ask.query.get("mistake")
    return _sign_in_form(ask, mistake=mistake if mistake in SINGLE_FAILED else None)


def _sign_in_form(ask: Ask, status: int = 200, **values: Any) -> Response:
    shared = {"single": ask.desk.single.name if ask.desk.single else None, "next": wanted(ask)}
    return show(ask, "signin/sign_in.html", status, **{**shared, "mistake": None, "wait_s": 0, **values})


def take_password(ask: Ask) -> Response:
    """Take the first step; the session before it, if any, ends."""
    desk, password = ask.desk, ask.form.single.get("password", "")
    try:
        account = local.check_password(desk.engine, desk.slowing, ask.form.get("handle"), password, ask.address)
    except (Forbidden, Refused) as error:
        return _told(ask, error, _sign_in_form)
    return step_on(ask, account, Way.LOCAL, proven=False, follows=False)


def step_on(ask: Ask, account: Account, way: Way, *, proven: bool, follows: bool = True) -> Response:
    """Begin the session of the next step under another cookie, and lead there."""
    stage = local.next_stage(account, way, proven=proven)
    lasts_s = ask.desk.limits.session_s
    fresh = local.begin(ask.desk.engine, ask.session, account, stage=stage, way=way, lasts_s=lasts_s, follows=follows)
    to = NEXT_STEP.get(stage)
    if to is None:
        answer = go_to(wanted(ask) or home_of(ask, fresh.session))
    else:
        answer = go(to, **({"next": wanted(ask)} if wanted(ask) else {}))
    give(answer, fresh, https=ask.desk.https)
    return answer


def show_code(ask: Ask) -> Response:
    """Show the form of the second step."""
    return _code_form(ask)


def _code_form(ask: Ask, status: int = 200, **values: Any) -> Response:
    return show(ask, "signin/code.html", status, **{"next": wanted(ask), "mistake": None, "wait_s": 0, **values})


def show_recovery(ask: Ask) -> Response:
    """Show the form of the second step for somebody whose app is lost."""
    return _recovery_form(ask)


def _recovery_form(ask: Ask, status: int = 200, **values: Any) -> Response:
    return show(ask, "signin/recovery.html", status, **{"next": wanted(ask), "mistake": None, "wait_s": 0, **values})


def take_code(ask: Ask) -> Response:
    """Take the second step with the app's code."""
    try:
        local.check_code(ask.desk.engine, ask.desk.secret, ask.viewer.handle, ask.form.get("code"))
    except (Forbidden, Refused) as error:
        return _told(ask, error, _code_form)
    return step_on(ask, _account(ask), ask.viewer.way, proven=True)


def take_recovery(ask: Ask) -> Response:
    """Take the second step with a recovery code."""
    try:
        local.check_recovery_code(ask.desk.engine, ask.desk.secret, ask.viewer.handle, ask.form.get("code"))
    except (Forbidden, Refused) as error:
        return _told(ask, error, _recovery_form)
    return step_on(ask, _account(ask), ask.viewer.way, proven=True)


def show_enrol(ask: Ask) -> Response:
    """Show what is missing: a new password, then a second factor."""
    return _enrol_form(ask)


def _enrol_form(ask: Ask, status: int = 200, **values: Any) -> Response:
    account = _account(ask)
    shared = {"next": wanted(ask), "mistake": None, "wait_s": 0, **values}
    if account.must_change and ask.viewer.way is Way.LOCAL:
        return show(ask, "signin/new_password.html", status, **shared)
    if account.totp_since is not None:
        return step_on(ask, account, ask.viewer.way, proven=False)
    secret = own.proposed_factor(ask.desk.engine, ask.desk.secret, ask.viewer)
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    # Drawn by us out of our own words; a handle is letters and digits in it, percent-encoded.
    drawn = Markup(factors.picture(secret, account.handle))  # noqa: S704 - see above
    return show(ask, "signin/enrol.html", status, picture=drawn, secret=spaced, **shared)


def take_new_password(ask: Ask) -> Response:
    """Take a new password instead of the one that was handed over; of nobody else's, who would have to know theirs."""
    before = _account(ask)
    if not (before.must_change and ask.viewer.way is Way.LOCAL):
        return go(ENROL)
    new = ask.form.single.get("password", "")
    try:
        fresh = own.change_password(ask.desk.engine, ask.viewer, new, ask.form.single.get("again", ""))
    except (Forbidden, Refused) as error:
        if error.code == "signed_out":
            raise
        return _told(ask, error, _enrol_form)
    account = _account(ask)
    if account.totp_since is not None:
        # The second factor was asked for before this step was reached.
        with transaction(ask.desk.engine) as connection:
            session = sessions.find(connection, fresh.session, idle_s=ask.desk.limits.idle_s)
        return step_on(replace(ask, cookie=fresh, session=session), account, ask.viewer.way, proven=True)
    answer = go(ENROL, **({"next": wanted(ask)} if wanted(ask) else {}))
    give(answer, fresh, https=ask.desk.https)
    return answer


def take_factor(ask: Ask) -> Response:
    """Confirm the second factor: signed in, and recovery codes are shown once."""
    desk, viewer = ask.desk, ask.viewer
    if _account(ask).must_change and viewer.way is Way.LOCAL:
        return go(ENROL)
    try:
        codes = own.confirm_factor(desk.engine, desk.secret, viewer, ask.form.get("code"))
    except Forbidden as error:
        if error.code == "signed_out":
            raise
        return _told(ask, error, _enrol_form)
    fresh = local.begin(
        desk.engine,
        viewer,
        _account(ask),
        stage=Stage.FULL,
        way=viewer.way,
        lasts_s=desk.limits.session_s,
        follows=True,
    )
    to = wanted(ask) or home_of(ask, fresh.session)
    answer = show(replace(ask, cookie=fresh), "signin/recovery_codes.html", codes=codes, to=to)
    give(answer, fresh, https=desk.https)
    return answer


def _account(ask: Ask) -> Account:
    with transaction(ask.desk.engine) as connection:
        account = accounts.find(connection, ask.viewer.handle)
    if account is None:
        raise Forbidden("no_account")
    return account


def _told(ask: Ask, error: Forbidden | Refused, form: Callable[..., Response]) -> Response:
    """Return the form again with what is wrong beside it."""
    if isinstance(error, Forbidden):
        return form(ask, 422, mistake=error.code)
    answer = form(ask, 429, mistake="wait", wait_s=error.retry_after_s)
    answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def wanted(ask: Ask) -> str:
    """Return where in the console the person was going, empty if that is not known."""
    return own_address(ask.form.get("next") or ask.query.get("next", "")) or ""


def home_of(ask: Ask, session: bytes) -> str:
    """Return where whoever's session this is begins."""
    with transaction(ask.desk.engine) as connection:
        found: Session | None = sessions.find(connection, session, idle_s=ask.desk.limits.idle_s)
    return home(found) if found else SIGN_IN


def chores(desk: Desk) -> list[tuple[Callable[[], None], float]]:
    """Return what is done now and then: sessions that count no more are forgotten."""

    def forget() -> None:
        with transaction(desk.engine) as connection:
            sessions.forget_ended(connection, idle_s=desk.limits.idle_s)

    return [(forget, FORGET_EVERY_S)]


PAGES = (
    page("GET", SIGN_IN, None, show_sign_in),
    page("POST", SIGN_IN, None, take_password, "handle password next"),
    page("GET", SECOND_FACTOR, Right.BE_HERE, show_code, stage=Stage.PASSWORD),
    page("POST", SECOND_FACTOR, Right.BE_HERE, take_code, "code next", stage=Stage.PASSWORD),
    page("GET", RECOVERY, Right.BE_HERE, show_recovery, stage=Stage.PASSWORD),
    page("POST", RECOVERY, Right.BE_HERE, take_recovery, "code next", stage=Stage.PASSWORD),
    page("GET", ENROL, Right.BE_HERE, show_enrol, stage=Stage.ENROL),
    page("POST", f"{ENROL}/password", Right.BE_HERE, take_new_password, "password again next", stage=Stage.ENROL),
    page("POST", f"{ENROL}/code", Right.BE_HERE, take_factor, "code next", stage=Stage.ENROL),
)
