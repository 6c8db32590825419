"""Pages of single sign-on: to the issuer, and back.

The browser comes back from another site, so our own cookie, which no other site's links bring along, is not there: a
second one ties the answer to the browser that began, lives for ten minutes, and opens nothing. What is answered then
is a page of ours that leads on, because a redirect would still count as the other site's.
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from router.console.pages.ask import Ask, page
from router.console.pages.frame import NEXT_STEP, SIGN_IN
from router.console.pages.rendering import own_address, show
from router.console.pages.signingin import SINGLE_FAILED, home_of, wanted
from router.console.signin import local
from router.console.signin.carried import Carried, new_carried
from router.console.signin.cookie import TOKEN, cookie_name, give
from router.console.signin.single import SingleSignOn, enter
from router.errors import Forbidden
from router.store.sessions import Way

THERE: Final = f"{SIGN_IN}/single"
BACK: Final = f"{THERE}/back"
_LASTS_S: Final = 600
_COOKIE: Final = "console-single"


def go_there(ask: Ask) -> Response:
    """Send the browser to the issuer, with a question that only it can have the answer to used."""
    carried, provider = new_carried(), _single(ask).provider
    try:
        answer = RedirectResponse(provider.way_there(carried), 303)
    except Forbidden as error:
        return _refused(ask, error)
    answer.set_cookie(
        cookie_name(_COOKIE, https=ask.desk.https),
        f"{carried.token}{wanted(ask)}",
        max_age=_LASTS_S,
        path="/",
        secure=ask.desk.https,
        httponly=True,
        samesite="lax",
    )
    return answer


def come_back(ask: Ask) -> Response:
    """Sign in whom the issuer vouches for, or ask for our own second factor."""
    single = _single(ask)
    carried, to = _carried(ask)
    try:
        vouched = single.provider.vouched(carried, dict(ask.query))
        account = enter(ask.desk.engine, single, vouched)
    except Forbidden as error:
        return _refused(ask, error)
    stage = local.next_stage(account, Way.OIDC, proven=vouched.second_factor)
    fresh = local.begin(
        ask.desk.engine,
        ask.session,
        account,
        stage=stage,
        way=Way.OIDC,
        lasts_s=ask.desk.limits.session_s,
        follows=False,
    )
    next_step = NEXT_STEP.get(stage)
    if next_step is not None and to:
        next_step = f"{next_step}?{urlencode({'next': to})}"
    answer = show(ask, "signin/leading_on.html", to=next_step or to or home_of(ask, fresh.session), done=True)
    _forget(ask, answer)
    give(answer, fresh, https=ask.desk.https)
    return answer


def _single(ask: Ask) -> SingleSignOn:
    if ask.desk.single is None:
        raise Forbidden("unknown_page")
    return ask.desk.single


def _carried(ask: Ask) -> tuple[Carried | None, str]:
    """Return the secret that this browser began with, and where it was going."""
    given = ask.cookies.get(cookie_name(_COOKIE, https=ask.desk.https), "")
    known = TOKEN.match(given)
    if known is None:
        return None, ""
    return Carried(known[0]), own_address(given[known.end() :]) or ""


def _refused(ask: Ask, error: Forbidden) -> Response:
    """Lead to the sign-in page; by which check something was refused is in the audit alone."""
    if not ask.desk.slowing.noted_enough(ask.address):
        ask.note("sign_in_failed", "unknown", f"refused_{error.code}")
    mistake = error.code if error.code in SINGLE_FAILED else SINGLE_FAILED[0]
    answer = show(ask, "signin/leading_on.html", 403, to=f"{SIGN_IN}?{urlencode({'mistake': mistake})}", done=False)
    _forget(ask, answer)
    return answer


def _forget(ask: Ask, answer: Response) -> None:
    answer.delete_cookie(
        cookie_name(_COOKIE, https=ask.desk.https), path="/", secure=ask.desk.https, httponly=True, samesite="lax"
    )


PAGES = (
    page("GET", THERE, None, go_there),
    page("GET", BACK, None, come_back),
)
