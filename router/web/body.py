"""Reads a request's body within a size and a time; refuses the rest unread.

Never unpacks, never spools to a file, never looks inside.
"""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from router.errors import Refused

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


async def read_body(request: Request, media_type: str, *, max_bytes: int, deadline_s: float) -> bytes:
    """Return the whole body, at most `max_bytes`; raises Refused as soon as it is over any limit.

    What is wrong with the headers is refused before the first byte is read.
    """
    _check_headers(request.headers, media_type, max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(deadline_s):
            async for piece in request.stream():
                body += piece
                if len(body) > max_bytes:
                    raise Refused("body_too_large")
    except TimeoutError:
        raise Refused("body_too_slow") from None
    return bytes(body)


def _check_headers(headers: Headers, media_type: str, max_bytes: int) -> None:
    if "content-encoding" in headers:
        raise Refused("content_encoding_refused")
    types = headers.getlist("content-type")
    name, _, parameters = (types[0] if len(types) == 1 else "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if name.strip().lower() != media_type or charset not in {"", "charset=utf-8", "charset=utf8"}:
        raise Refused("media_type_refused")
    declared = headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit() or len(declared) > 12 or int(declared) > max_bytes:  # noqa: PLR2004 - more digits than any limit has
        raise Refused("body_too_large")
