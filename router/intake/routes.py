"""The intake's HTTP: reads the request, calls the use case, writes the answer. Decides nothing itself."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from router.errors import Fault, Refused, RouterError, Unavailable
from router.intake import document, strictjson, wire
from router.intake.callers import Callers
from router.intake.submit import Door
from router.store.cases import CaseStatus
from router.web import body, edge, refusals

CREATED: Final = 201
PREFIX: Final = "/api/v1"

_REFERENCE: Final = re.compile(r"CR(-[0-9A-HJKMNP-TV-Z]{4}){3}")


class Api:
    """The operations of `/api/v1`; each method's docstring is its description in the OpenAPI document."""

    def __init__(
        self, door: Door, callers: Callers, find: Callable[[str, str], CaseStatus | None], *, body_deadline_s: float
    ) -> None:
        self._door = door
        self._callers = callers
        self._find = find
        self._body_deadline_s = body_deadline_s

    async def file_concern(self, request: Request) -> Response:
        """File one concern, as a person or as a client. Answers once it is kept."""
        sent = await self._read(request, wire.MAX_BODY_BYTES)
        caller = await self._callers.caller(request)
        answer = await self._door.submit(sent, caller, _idempotency_key(request))
        return Response(answer, CREATED, media_type=body.JSON)

    async def file_batch(self, request: Request) -> Response:
        """File up to 500 concerns of one client. Each is kept or refused for itself; answers are in order."""
        caller = await self._callers.client(request)
        sent = await self._read(request, wire.MAX_BATCH_BYTES)
        if _idempotency_key(request) is not None:
            raise Refused("idempotency_key_per_item")
        answers = await self._door.submit_all(_items(sent), caller)
        return Response(orjson.dumps({"answers": [_item_answer(answer) for answer in answers]}), media_type=body.JSON)

    async def show_concern(self, request: Request) -> Response:
        """Show how far a concern is, to the client that filed it."""
        caller = await self._callers.client(request)
        reference = request.path_params["reference"]
        found = None
        if caller.name is not None and _REFERENCE.fullmatch(reference):
            found = await asyncio.to_thread(self._find, reference, caller.name)
        if found is None:
            raise Refused("not_found")
        shown = {
            "reference": found.reference,
            "state": found.state,
            "received_at": found.received_at,
            "acknowledge_by": found.acknowledge_by,
            "feedback_by": found.feedback_by,
            "referrals": found.referral_states,
        }
        option = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
        return Response(orjson.dumps(shown, option=option), media_type=body.JSON)

    def routes(self) -> APIRouter:
        """Return the operations with what the OpenAPI document says of them."""
        routes = APIRouter(prefix=PREFIX)
        routes.add_api_route(
            "/concerns",
            self.file_concern,
            methods=["POST"],
            status_code=CREATED,
            responses=document.answers(CREATED, wire.AcceptedOut, document.BODY, document.KEY, document.CONCERN),
            openapi_extra=document.taking(wire.ConcernIn, anonymous=True),
        )
        routes.add_api_route(
            "/concerns/batch",
            self.file_batch,
            methods=["POST"],
            responses=document.answers(200, wire.BatchOut, document.BODY, document.CLIENT, document.BATCH),
            openapi_extra=document.taking(wire.BatchIn, anonymous=False),
        )
        routes.add_api_route(
            "/concerns/{reference}",
            self.show_concern,
            methods=["GET"],
            responses=document.answers(200, wire.StatusOut, document.CLIENT, document.LOOKED_UP),
            openapi_extra=document.asking("reference"),
        )
        return routes

    async def _read(self, request: Request, max_bytes: int) -> object:
        return strictjson.loads(
            await body.read_body(request, body.JSON, max_bytes=max_bytes, deadline_s=self._body_deadline_s)
        )


def _idempotency_key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if len(given) > 1:
        raise Refused("idempotency_key_malformed")
    return given[0] if given else None


def _items(sent: object) -> list[object]:
    if not isinstance(sent, dict) or set(sent) != {"concerns"} or not isinstance(sent["concerns"], list):
        raise Refused("invalid_concern", Fault("concerns", "wrong_type"))
    items = sent["concerns"]
    if not 1 <= len(items) <= wire.MAX_BATCH_ITEMS:
        raise Refused("invalid_concern", Fault("concerns", "too_many" if items else "missing"))
    return items


def _item_answer(answer: bytes | RouterError) -> dict[str, Any]:
    if isinstance(answer, bytes):
        return {"status": CREATED, "body": orjson.Fragment(answer)}
    if isinstance(answer, Refused | Unavailable):
        status, _headers = edge.refusal(answer)
        code = answer.code if isinstance(answer, Refused) else "unavailable"
        return {"status": status, "body": refusals.problem(code, getattr(answer, "faults", ()))}
    edge.failed(answer)
    return {"status": refusals.STATUS["internal_error"], "body": refusals.problem("internal_error")}
