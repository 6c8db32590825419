"""Concerns out of other systems' messages: who sends, what `sources.yaml` takes of it, and the same act as for all.

The message is dangerous: a ticket's text may be in it. It is read once, what the source's pointers name is taken, and
the rest is dropped; nothing of it is logged, stored or answered.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from router import clock
from router.channels import hooks
from router.errors import Refused
from router.intake import document, strictjson, wire
from router.intake.callers import Caller, Callers
from router.intake.submit import Door
from router.sources import mapping
from router.sources.file import Source, Sources
from router.web import body

CREATED: Final = 201


class SourcesApi:
    """The operation of `/api/v1/sources`; the method's docstring is its description in the OpenAPI document."""

    def __init__(
        self,
        door: Door,
        callers: Callers,
        sources: Callable[[], Sources],
        *,
        secret: Callable[[str], Awaitable[str]],
        body_deadline_s: float,
    ) -> None:
        """`secret` returns what a reference names, and raises Unavailable."""
        self._door = door
        self._callers = callers
        self._sources = sources
        self._secret = secret
        self._body_deadline_s = body_deadline_s

    async def file_from_source(self, request: Request) -> Response:
        """File the concern that another system's message holds, as sources.yaml says of this source."""
        source = self._sources().get(request.path_params["source"])
        if source is None:
            raise Refused("not_found")
        sent = await body.read_body(request, body.JSON, max_bytes=wire.MAX_BODY_BYTES, deadline_s=self._body_deadline_s)
        caller = await self._caller(source, request, sent)
        message = mapping.take(source, strictjson.loads_foreign(sent))
        try:
            answer = await self._door.submit(dict(message.concern), caller, message.key, note_back=source.note_back)
        except Refused as refused:
            if not refused.faults:
                raise
            raise mapping.refused(source, refused.faults, code=refused.code) from None
        return Response(answer, CREATED, media_type=body.JSON)

    def routes(self) -> APIRouter:
        """Return the operation with what the OpenAPI document says of it."""
        routes = APIRouter(prefix="/api/v1")
        routes.add_api_route(
            "/sources/{source}",
            self.file_from_source,
            methods=["POST"],
            status_code=CREATED,
            responses=document.answers(
                CREATED,
                wire.AcceptedOut,
                document.BODY,
                document.KEY,
                document.CONCERN,
                document.CLIENT,
                document.LOOKED_UP,
                document.SIGNED,
            ),
            openapi_extra=document.from_source(),
        )
        return routes

    async def _caller(self, source: Source, request: Request, sent: bytes) -> Caller:
        """Return the source's client, shown by its token or by the message's signature; raises Refused."""
        if source.signed is None or source.secret is None:
            caller = await self._callers.client(request)
            if caller.name != source.client:
                raise Refused("not_found")
            return caller
        secret = await self._secret(source.secret)
        hooks.verify(source.signed, secret, request.headers.getlist, sent, now=clock.now())
        named = await self._callers.named(source.client)
        if named is None:
            raise Refused("token_refused")
        return named
