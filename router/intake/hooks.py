"""Signed messages of ticket systems: something happened to a ticket. The HTTP of them, and what is kept: a hint.

The bytes are judged as they came, before anything is read out of them. Of a message that is right, the ticket's id and
two digests are kept; of one that is not, nothing, and it is counted by channel and code.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from router import clock
from router.catalogue import Catalogue, Channel
from router.channels import hooks
from router.channels.hooks import Scheme, Verified
from router.errors import Refused, Unavailable
from router.intake import document
from router.intake.secrets import Secrets
from router.store import hints
from router.store.engine import transaction
from router.telemetry import HOOKS, get_log
from router.web import body

MAX_HOOK_BYTES: Final = 262_144
"""Systems send the whole ticket along; all but its id is dropped unread."""
TAKEN: Final = 204
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,47}")


class HooksApi:
    """The operation of `/api/v1/hooks/{channel}`."""

    def __init__(
        self,
        engine: Engine,
        channels: Callable[[], Catalogue],
        secrets: Secrets,
        *,
        ring: Callable[[Iterable[str]], None],
        body_deadline_s: float,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """`ring` wakes a channel after a commit."""
        self._engine = engine
        self._channels = channels
        self._secrets = secrets
        self._ring = ring
        self._body_deadline_s = body_deadline_s
        self._now = now

    async def take_hook(self, request: Request) -> Response:
        """Take a ticket system's signed word that a ticket changed; the ticket itself is then looked at there."""
        found = self._find(request.path_params["channel"])
        if found is None:
            raise Refused("not_found")
        channel, scheme, reference = found
        try:
            await self._take(request, channel, scheme, reference)
        except (Refused, Unavailable) as error:
            HOOKS.labels(channel.name, error.code).inc()
            get_log().warning("hook_refused", channel=channel.name, code=error.code)
            raise
        HOOKS.labels(channel.name, "taken").inc()
        self._ring([channel.name])
        return Response(status_code=TAKEN)

    def routes(self) -> APIRouter:
        """Return the operation with what the OpenAPI document says of it."""
        routes = APIRouter(prefix="/api/v1")
        routes.add_api_route(
            "/hooks/{channel}",
            self.take_hook,
            methods=["POST"],
            status_code=TAKEN,
            response_class=Response,
            responses=document.nothing(TAKEN, document.BODY, document.SIGNED, document.LOOKED_UP, document.HOOK),
            openapi_extra=document.from_ticket_system(),
        )
        return routes

    def _find(self, name: str) -> tuple[Channel, Scheme, str] | None:
        """Return the channel, its scheme and its secret's reference, if it takes hooks."""
        channel = self._channels().get(name) if _NAME.fullmatch(name) else None
        if channel is None or channel.hook is None or channel.hook_secret is None:
            return None
        return channel, channel.hook, channel.hook_secret

    async def _take(self, request: Request, channel: Channel, scheme: Scheme, reference: str) -> None:
        sent = await body.read_body(request, body.JSON, max_bytes=MAX_HOOK_BYTES, deadline_s=self._body_deadline_s)
        secret = await self._secrets.find(reference)
        verified = hooks.verify(scheme, secret, request.headers.getlist, sent, now=self._now())
        ticket = hooks.ticket_named(scheme, verified.sent)
        if ticket is None:
            raise Refused("ticket_missing")
        if not await asyncio.to_thread(partial(self._keep, channel.name, verified, ticket)):
            raise Refused("hook_replayed")

    def _keep(self, channel: str, verified: Verified, ticket: str) -> bool:
        with transaction(self._engine) as connection:
            return hints.keep(connection, channel, seal=verified.seal, delivery=verified.delivery, remote_id=ticket)
