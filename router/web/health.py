"""/healthz and /readyz: whether a part lives, and whether it can take work; codes only."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import orjson
from fastapi import APIRouter
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from router.errors import RouterError
from router.keyrecords import RECOVERY
from router.store import policies
from router.store.engine import transaction
from router.store.keys import active_recipients
from router.web.body import JSON
from router.web.edge import READ

LONGEST_LOOK_S: Final = 5
OK, NOT_READY = 200, 503


def missing(engine: Engine) -> list[str]:
    """Return codes of what keeps a part from working: database, policy, recovery key."""
    try:
        with transaction(engine) as connection:
            codes = [] if policies.active(connection) else ["no_policy"]
            return codes if RECOVERY in active_recipients(connection) else [*codes, "no_recovery_key"]
    except RouterError as error:
        return [error.code]


def routes(look: Callable[[], Sequence[str]], degraded: Callable[[], Sequence[str]] = tuple) -> APIRouter:
    """Return both pages. `look` says what is missing; `degraded` what is wrong but does not stop work."""
    made = APIRouter(include_in_schema=False)

    async def healthz(_request: Request) -> Response:
        return _answer(OK, "ok", ())

    async def readyz(_request: Request) -> Response:
        try:
            async with asyncio.timeout(LONGEST_LOOK_S):
                codes = await asyncio.to_thread(look)
        except TimeoutError:
            codes = ["database_slow"]
        wrong = degraded()
        if codes:
            return _answer(NOT_READY, "not_ready", (*codes, *wrong))
        return _answer(OK, "degraded" if wrong else "ready", wrong)

    made.add_api_route("/healthz", healthz, methods=READ)
    made.add_api_route("/readyz", readyz, methods=READ)
    return made


def _answer(status: int, word: str, codes: Sequence[str]) -> Response:
    return Response(orjson.dumps({"status": word, "codes": list(codes)}), status, media_type=JSON)
