"""Answers kept between two pages of a report: sealed under a secret that one browser's cookie holds, for an hour.

Whoever has the database cannot open them, nor whoever has the deployment's secret as well. Nothing that was typed is in
an address, a log or an error. After a report was sent, its answer takes the place of the answers, for some minutes.
"""

import asyncio
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from router.errors import StoreFailed, Unavailable
from router.reporter.form import Typed
from router.reporter.telling import KEY_BYTES
from router.store import kept
from router.store.engine import transaction
from router.telemetry import get_log
from router.vault.seal import padded, read

LASTS_S: Final = 60 * 60
"""From the last page that was sent."""
SENT_LASTS_S: Final = 10 * 60
"""For so long a reload shows the receipt again, unless the reporter said that they have it."""
FORGET_S: Final = 60
"""How often rows whose time is over are deleted; they are not read any more before."""
MOST_BYTES: Final = 512 * 1024 * 1024
"""Of answers that nobody sent yet. Typical ones take 1 to 4 KB, so that is 100,000 and more; the largest, 64 KB."""
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """A report that was not sent yet."""

    typed: Typed = field(default_factory=Typed)
    seen: frozenset[str] = frozenset()
    """Steps that were gone on from."""
    checking: bool = False
    """The answers were shown once to be checked: what is changed now leads back there."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(KEY_BYTES))
    """The report's idempotency key: however often it is sent, it is one concern."""

    def with_new_key(self) -> "Begun":
        """Return the same answers as another report."""
        return replace(self, key=secrets.token_urlsafe(KEY_BYTES))


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A report that was sent: nothing of it but what it was answered with."""

    answer: bytes
    """The body of the API's 201."""


Kept = Begun | Sent | None


class Shelf:
    """Where answers are kept, by the secret in a browser's cookie."""

    def __init__(self, engine: Engine, source: bytes, *, https: bool) -> None:
        self._engine = engine
        self._source = source
        self._https = https
        self._cookie = "__Host-pages" if https else "pages"
        self._full = False

    @property
    def full(self) -> bool:
        """Whether no report should begin here, as it was at most FORGET_S ago: somebody fills the disk."""
        return self._full

    def secret_of(self, request: Request) -> bytes | None:
        """Return the secret that the browser sent, None if it sent none of ours."""
        given = request.cookies.get(self._cookie, "")
        return urlsafe_b64decode(given + "=") if _COOKIE.fullmatch(given) else None

    def new_secret(self) -> bytes:
        """Return what a browser is given that has none yet; nothing is stored for it."""
        return secrets.token_bytes(_SECRET_BYTES)

    def give(self, response: Response, secret: bytes, *, lasts_s: int = LASTS_S) -> Response:
        """Let the browser keep the secret, out of the reach of scripts and of other sites' pages."""
        return self._set(response, urlsafe_b64encode(secret).decode().rstrip("="), lasts_s)

    def take_back(self, response: Response) -> Response:
        """Let the browser forget the secret."""
        return self._set(response, "", 0)

    def _set(self, response: Response, value: str, lasts_s: int) -> Response:
        response.set_cookie(
            self._cookie, value, max_age=lasts_s, path="/", secure=self._https, httponly=True, samesite="strict"
        )
        return response

    async def found(self, request: Request) -> Kept:
        """Return what is kept for the browser that asks; raises Unavailable, StoreFailed."""
        secret = self.secret_of(request)
        return await asyncio.to_thread(self._look, secret) if secret else None

    def _look(self, secret: bytes) -> Kept:
        row, key = self._derived(secret)
        with transaction(self._engine) as connection:
            return _opened(kept.look(connection, row), key)

    def change(self, secret: bytes, act: Callable[[Kept], Kept]) -> Kept:
        """Keep what `act` makes of what is kept, and return it; nobody else changes it meanwhile.

        None deletes. What was sent stays as it is, and `act` is not asked. Raises what `act` raises, Unavailable,
        StoreFailed; SealBroken when it is too much to be kept.
        """
        row, key = self._derived(secret)
        with transaction(self._engine) as connection:
            before = _opened(kept.take(connection, row), key)
            if isinstance(before, Sent):
                return before
            after = act(before)
            if after is None:
                kept.drop(connection, row)
            else:
                lasts_s = SENT_LASTS_S if isinstance(after, Sent) else LASTS_S
                kept.put(connection, row, _sealed(after, key), lasts_s=lasts_s)
        return after

    async def drop(self, request: Request) -> None:
        """Forget what is kept for the browser that asks, whatever it is.

        Where the database is away it ends by itself, and nobody can open it: the browser forgets the secret anyway.
        """
        secret = self.secret_of(request)
        if secret is not None:
            with suppress(Unavailable, StoreFailed):
                await asyncio.to_thread(self._drop, secret)

    def _drop(self, secret: bytes) -> None:
        row, _ = self._derived(secret)
        with transaction(self._engine) as connection:
            kept.drop(connection, row)

    def forget(self) -> None:
        """Delete what nobody can read any more, and look how much is left; raises Unavailable, StoreFailed."""
        with transaction(self._engine) as connection:
            kept.drop_ended(connection)
            self._full = kept.total_bytes(connection) > MOST_BYTES

    def _derived(self, secret: bytes) -> tuple[bytes, bytes]:
        """Return the row's id and its own key: neither leads to the other, nor back to the cookie."""
        kdf = HKDF(algorithm=SHA256(), length=64, salt=self._source, info=b"concern-router/v1/kept answers")
        both = kdf.derive(secret)
        return both[:32], both[32:]


def _sealed(what: Begun | Sent, key: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, padded(orjson.dumps(_written(what))), None)


def _opened(sealed: bytes | None, key: bytes) -> Kept:
    if sealed is None:
        return None
    try:
        plain = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag:
        # Somebody changed the row, or the deployment has another secret now: whoever typed it must begin anew.
        get_log().error("kept_answers_not_opened")
        return None
    return _read(read(plain))


def _written(what: Begun | Sent) -> Mapping[str, Any]:
    if isinstance(what, Sent):
        return {"answer": what.answer.decode()}
    return {
        "single": dict(what.typed.single),
        "several": dict(what.typed.several),
        "seen": sorted(what.seen),
        "checking": what.checking,
        "key": what.key,
    }


def _read(written: Any) -> Begun | Sent:
    if "answer" in written:
        return Sent(written["answer"].encode())
    several = {name: tuple(values) for name, values in written["several"].items()}
    typed = Typed(written["single"], several)
    return Begun(typed, frozenset(written["seen"]), written["checking"], written["key"])
