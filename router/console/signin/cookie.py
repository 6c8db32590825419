"""The cookie that a browser is known by: a random secret, of which the server keeps a digest alone.

Three things follow from it that do not lead back: the session's id, the token that each form carries, and the key
under which an unlocked private key is kept. Somebody not signed in has a cookie too, so that signing in is protected.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Cookie:
    """One browser's secret."""

    token: str = field(repr=False)
    new: bool = False
    """The browser has to be given it."""

    @property
    def session(self) -> bytes:
        """The session's id."""
        return self._derived("session")

    @property
    def lending_secret(self) -> bytes:
        """What `vault.lending` encrypts under."""
        return self._derived("lending")

    @property
    def form_token(self) -> str:
        """What each form of this browser carries, so that another site cannot send one."""
        return self._derived("form").hex()

    def fits(self, form_token: str) -> bool:
        """Say whether a form came from a page that we made for this browser."""
        return hmac.compare_digest(self.form_token.encode(), form_token.encode())

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self.token.encode(), f"concern-router/v1/{purpose}".encode(), sha256)


def new_cookie() -> Cookie:
    """Return a fresh secret of 256 bits."""
    return Cookie(secrets.token_urlsafe(_BYTES), new=True)


def read_cookie(request: Request, *, https: bool) -> Cookie:
    """Return the browser's cookie, a new one if it has none that we could have made."""
    given = request.cookies.get(cookie_name("console", https=https), "")
    return Cookie(given) if TOKEN.fullmatch(given) else new_cookie()


def give(answer: Response, cookie: Cookie, *, https: bool) -> None:
    """Have the browser keep the cookie until it closes; other sites' links and scripts never bring it along.

    By https its name begins with `__Host-`: no other host of the domain can set it.
    """
    answer.set_cookie(
        cookie_name("console", https=https), cookie.token, path="/", secure=https, httponly=True, samesite="strict"
    )


def cookie_name(name: str, *, https: bool) -> str:
    """Return a cookie's name as the browser knows it: by https no other host of the domain can set it."""
    return f"__Host-{name}" if https else name
