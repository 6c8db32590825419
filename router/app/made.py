"""What both web parts are made of: the application with its edge, its files, and what runs beside the requests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from router.intake import document, housekeeping
from router.intake.routes import PREFIX
from router.store.engine import transaction
from router.web import edge

VERSION: Final = "1"
_STATIC: Final = Path(__file__).parents[1] / "web/static"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Part(Protocol):
    """What runs beside the requests, in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, in bounded time."""


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def web_part(scheme: str, running: Lifespan, *, api_document: bool) -> FastAPI:
    """Return an application with nothing but its edge."""
    app = FastAPI(
        title=document.TITLE,
        version=VERSION,
        openapi_url=f"{PREFIX}/openapi.json" if api_document else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    edge.answer_errors(app)
    app.add_middleware(edge.Edge, https=scheme == "https")
    return app


def files(*names: str) -> APIRouter:
    """Return the routes of our own style sheets and scripts, read once."""
    made = APIRouter(include_in_schema=False)
    for name in names:
        content, media_type = (_STATIC / name).read_bytes(), _MEDIA_TYPES[Path(name).suffix]

        async def file(_request: Request, content: bytes = content, media_type: str = media_type) -> Response:
            return Response(content, media_type=media_type)

        made.add_route(f"/static/{name}", file, methods=edge.READ)
    return made


def lifespan_of(engine: Engine, *parts: Part) -> Lifespan:
    """Return what starts `parts` with the server and stops them with it, and closes the database at the end."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        for part in parts:
            part.start()
        try:
            yield
        finally:
            for part in parts:
                await asyncio.to_thread(part.stop)
            engine.dispose()

    return running


def beside(*acts: tuple[Callable[[], None], float]) -> list[housekeeping.Chore]:
    """Return what is done again and again, each so many seconds after the last time."""
    return [housekeeping.Chore(act, seconds=seconds) for act, seconds in acts]


def reading(engine: Engine, query: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `query` finds, in a transaction of its own."""
    with transaction(engine) as connection:
        return query(connection, *arguments)
