"""Makes the console's pages out of templates: what each shows, what an error says, where to go after a form.

Every value is escaped; no template builds a script or a style. A page without a title, a main part and a way to the
content fails a test.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from router.console.attempt import is_reference
from router.console.pages import words
from router.console.pages.ask import Ask
from router.console.rights import Right, may
from router.errors import Forbidden, Refused, RouterError, Unavailable
from router.store.sessions import Session
from router.web import edge
from router.web.refusals import STATUS

FORM_TOKEN: Final = "form_token"  # noqa: S105 - a field's name
SAID: Final = "said"
"""In the query of where a form leads: a code of words.SAID, shown as what was done."""
_OWN: Final = re.compile(r"/console(/(?!\.{1,2}([/?]|$))[A-Za-z0-9._~-]+)*(\?[A-Za-z0-9._~=&%+-]*)?")

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def show(ask: Ask, template: str, status: int = 200, **values: object) -> Response:
    """Return a page made of one of our templates; `values` are what it shows besides what all show."""
    viewer = ask.session
    known = {
        "words": words,
        "viewer": viewer,
        "may": {right.value for right in Right if viewer and may(viewer.roles, right)},
        "navigation": words.NAVIGATION,
        "form_token": ask.cookie.form_token,
        "said": words.SAID.get(ask.query.get(SAID, "")),
        "now": viewer.now if viewer else None,
        "here": ask.page.path,
        "home": home(viewer) if viewer else "/console/sign-in",
        "typed": ask.form,
    }
    return HTMLResponse(_templates.get_template(template).render({**known, **values}), status)


def failed(ask: Ask, error: RouterError) -> Response:
    """Return the page that says why something was refused or failed, and what to do."""
    status = _status(error)
    if isinstance(error, Refused | Unavailable):
        edge.refusal(error, status=status)
    elif not isinstance(error, Forbidden):
        edge.failed(error, route=ask.page.path)
    return show(ask, "failed.html", status, code=error.code, told=words.told(error))


_STATUS: Final = {
    "unknown_case": 404,
    "unknown_channel": 404,
    "unknown_draft": 404,
    "unknown_handover": 404,
    "unknown_request": 404,
    "unknown_page": 404,
    "already_claimed": 409,
    "changed_since": 409,
}
"""Of what is refused to a person; all else of that is 403."""


def _status(error: RouterError) -> int:
    if isinstance(error, Refused):
        return STATUS.get(error.code, 400)
    if isinstance(error, Forbidden):
        return _STATUS.get(error.code, 403)
    return 503 if isinstance(error, Unavailable) else 500


def go(path: str, **query: str) -> Response:
    """Send the browser on to one of our pages after a form was taken; `said` names what to tell there."""
    return RedirectResponse(quote(path, safe="/") + (f"?{urlencode(query)}" if query else ""), 303)


def go_to(address: str) -> Response:
    """Send the browser on to an address that `own_address` let pass."""
    return RedirectResponse(address, 303)


def home(viewer: Session) -> str:
    """Return where somebody begins: the first place in the navigation that they may see, or their account."""
    return next((place.path for place in words.NAVIGATION if may(viewer.roles, place.right)), "/console/account")


def own_address(given: str) -> str | None:
    """Return an address that was carried through a form or a query if it is one of our pages, else None."""
    return given if _OWN.fullmatch(given) else None


def _when(moment: datetime | None) -> str:
    """Return a time as a reader in any zone understands it."""
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC" if moment else ""


def _lasting(seconds: float) -> str:
    """Return a length of time in words."""
    return words.span(timedelta(seconds=seconds))


def _second(moment: datetime) -> str:
    """Return a time to the second, for tables of many."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _stamp(moment: datetime | None) -> str:
    """Return a time for the attribute of a `time` element."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""


_templates.tests["reference"] = is_reference
_templates.filters.update(when=_when, lasting=_lasting, second=_second, stamp=_stamp, left=words.left)
