"""The console's pages: for now one, the same for everybody and every reference; reveals nothing."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from router.web.edge import READ

_NOT_YET: Final = (Path(__file__).parent / "templates/not_yet.html").read_text()


async def not_yet(_request: Request) -> Response:
    """Say how to open a case until one can sign in here."""
    return HTMLResponse(_NOT_YET)


routes = APIRouter(include_in_schema=False)
routes.add_api_route("/console", not_yet, methods=READ)
routes.add_api_route("/console/cases/{reference}", not_yet, methods=READ)
