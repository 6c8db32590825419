"""How a described ticket system knows us: the headers that go along with each call.

A token that was handed out is kept in memory until it runs out or is refused; it is never shown.
"""

import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Final
from urllib.parse import quote, urlencode

from router.channels import rest
from router.channels.rest.language import OAuth2, SecretHeader, Session
from router.channels.rest.rendering import constants
from router.channels.rest.templates import Name, Node, Text
from router.configfile.pointers import at
from router.errors import Declined, TryLater
from router.secretrefs import secret
from workers.channels.transport import Transport

LASTS_S: Final = 600.0
"""How long a token is used that does not say how long it may be."""
EARLIER_S: Final = 30.0
"""So long before it runs out a token is not used any more."""
LONGEST_TOKEN: Final = 8192
"""Characters. OAuth2 tokens can be long."""
ANY_PASSWORD: Final = "X"  # noqa: S105 - none: the user's name is the secret


@dataclass(slots=True)
class _Token:
    text: str = field(default="", repr=False)
    until: float = 0.0


class Account:
    """Our account at one system; used by several threads at once."""

    def __init__(self, settings: rest.Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._lock = threading.Lock()
        self._token = _Token()

    def headers(self, until: float) -> dict[str, str]:
        """Return what goes along with a call; raises TryLater when the secret is not there or no token is given."""
        auth = self._settings.auth
        made = {**self._settings.headers, **_secrets(auth.headers, until)}
        if auth.basic is not None:
            basic = auth.basic
            user = basic.user if basic.user_secret is None else secret(basic.user_secret, until=until)
            word = ANY_PASSWORD if basic.password is None else secret(basic.password, until=until)
            made["Authorization"] = f"Basic {b64encode(f'{user}:{word}'.encode()).decode()}"
        elif auth.bearer is not None:
            made["Authorization"] = f"Bearer {secret(auth.bearer, until=until)}"
        elif auth.session is not None:
            made[auth.session.header] = self._kept(partial(self._log_in, auth.session), until)
        elif auth.oauth2 is not None:
            made["Authorization"] = f"Bearer {self._kept(partial(self._granted, auth.oauth2), until)}"
        return made

    def forget(self) -> bool:
        """Use the token no longer; return whether there was one that another may replace."""
        with self._lock:
            had = bool(self._token.text)
            self._token = _Token()
            return had

    def _kept(self, ask: Callable[[float], _Token], until: float) -> str:
        if not self._lock.acquire(timeout=max(0.0, until - monotonic())):
            raise TryLater("no_answer")
        try:
            if monotonic() >= self._token.until:
                self._token = ask(until)
            return self._token.text
        finally:
            self._lock.release()

    def _log_in(self, how: Session, until: float) -> _Token:
        headers = {**self._settings.headers, **_secrets(self._settings.auth.headers, until)}
        headers |= _secrets(how.headers, until)
        body = b"{}" if how.method == "POST" else None
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = self._asked(how.method, how.path, headers, body, until)
        return _Token(_token(at(answer, how.token)), monotonic() + LASTS_S)

    def _granted(self, how: OAuth2, until: float) -> _Token:
        form = {
            "grant_type": how.grant,
            "client_id": how.client_id,
            "client_secret": secret(how.client_secret, until=until),
        }
        if how.user is not None and how.password is not None:
            form |= {"username": how.user, "password": secret(how.password, until=until)}
        if how.scope is not None:
            form["scope"] = how.scope
        headers = {**self._settings.headers, "Content-Type": "application/x-www-form-urlencoded"}
        answer = self._asked("POST", how.path, headers, urlencode(form).encode(), until)
        said = at(answer, "/expires_in")
        lasts_s = float(said) - EARLIER_S if isinstance(said, int | float) and said > 0 else LASTS_S
        return _Token(_token(at(answer, "/access_token")), monotonic() + lasts_s)

    def _asked(self, method: str, path: Node, headers: Mapping[str, str], body: bytes | None, until: float) -> Any:
        """Ask for a token: nothing is in doubt when that fails, and a no is one to our account."""
        where = path_of(path, constants(self._settings))
        try:
            return self._transport.call(method, where, until=until, headers=headers, body=body).json()
        except TryLater as later:
            raise TryLater(later.code, retry_after_s=later.retry_after_s) from None
        except Declined:
            raise TryLater("not_authorised") from None


def path_of(path: Node, values: Mapping[str, object]) -> str:
    """Return a path, what names stand for percent-encoded."""
    pieces = path.pieces if isinstance(path, Text) else (path,)
    return "".join(
        quote(str(values[piece.name]), safe="") if isinstance(piece, Name) else str(piece) for piece in pieces
    )


def _secrets(headers: Mapping[str, SecretHeader], until: float) -> dict[str, str]:
    return {name: f"{header.before}{secret(header.secret, until=until)}" for name, header in headers.items()}


def _token(found: object) -> str:
    plain = isinstance(found, str) and found.isascii() and found.isprintable()
    if not isinstance(found, str) or not plain or not 0 < len(found) <= LONGEST_TOKEN:
        raise TryLater("odd_reply")
    return found
