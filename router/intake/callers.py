"""Who is asking: a machine client by its token, or a person by nothing but a network address.

A wrong token is refused and never taken for a person. Tokens are compared as digests and kept
nowhere; the list of clients is at most a few seconds old, so that a revocation bites.
"""

import asyncio
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from starlette.requests import Request

from router.clock import now
from router.errors import Refused
from router.intake.limits import address_bucket
from router.store.clients import Client

REFRESH_S: Final = 3
"""A revoked token works for at most this long."""

_BEARER: Final = re.compile(r"bearer +(crt_[A-Za-z0-9_-]{43}) *", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose quota counts, and which client it is, if any."""

    client: Client | None
    bucket: str

    @property
    def name(self) -> str | None:
        """The client's name, None for a person."""
        return self.client.name if self.client else None


class Callers:
    """Tells callers apart; asks the database at most once at a time, and not per request."""

    def __init__(self, load: Callable[[], Mapping[bytes, Client]], *, address_secret: bytes) -> None:
        self._load = load
        self._secret = address_secret
        self._clients: Mapping[bytes, Client] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()

    def person(self, request: Request) -> Caller:
        """Return the caller as a person behind a network address, whatever else the request says."""
        address = request.client.host if request.client else None
        return Caller(None, address_bucket(address, self._secret, now().date()))

    async def caller(self, request: Request) -> Caller:
        """Return who asks; raises Refused on any authorization that is not a client's own."""
        given = request.headers.getlist("authorization")
        if not given:
            return self.person(request)
        token = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        if token is None:
            raise Refused("token_refused")
        client = await self._client(sha256(token[1].encode()).digest())
        if client is None:
            raise Refused("token_refused")
        return Caller(client, f"client {client.name}")

    async def client(self, request: Request) -> Caller:
        """Return the client that asks; raises Refused for everybody else."""
        caller = await self.caller(request)
        if caller.client is None:
            raise Refused("client_required")
        return caller

    async def named(self, name: str) -> Caller | None:
        """Return the client called so, whose right to ask was proved otherwise; None when there is none any more."""
        client = await self._known(lambda: next((c for c in self._clients.values() if c.name == name), None))
        return Caller(client, f"client {client.name}") if client is not None else None

    async def _client(self, digest: bytes) -> Client | None:
        return await self._known(lambda: self._find(digest))

    async def _known(self, find: Callable[[], Client | None]) -> Client | None:
        asked_at = time.monotonic()
        if asked_at - self._loaded_at < REFRESH_S:
            client = find()
            if client is not None:
                return client
        # Stale, or not there: it may have been added a moment ago. All who wait share one look.
        async with self._loading:
            if self._loaded_at < asked_at:
                started_at = time.monotonic()
                self._clients = await asyncio.to_thread(self._load)
                self._loaded_at = started_at
        return find()

    def _find(self, digest: bytes) -> Client | None:
        found = None
        for known, client in self._clients.items():
            if hmac.compare_digest(known, digest):
                found = client
        return found
