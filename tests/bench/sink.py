"""A webhook receiver that costs next to nothing: takes each webhook-id once, notes when, answers 200.

A process of its own, started as `python -m tests.bench.sink`; prints its port. `GET /count` says how many
were taken, `GET /` all that was seen. Signatures are not checked: both programs would pay for that alike.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

MAX_LIFE_S = 1200
_KEY = re.compile(rb"\r\nwebhook-id:[ ]*([!-~]+)\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length:[ ]*(\d+)\r\n", re.IGNORECASE)
_REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"]+)"')


class Taken:
    """What arrived so far."""

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self.at: dict[str, float] = {}
        self.repeats = 0
        self.unnamed = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests on it come one after the other."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[: end + 2])
            length = _LENGTH.search(head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < total:
                return
            body = bytes(self._buffer[end + 4 : total])
            del self._buffer[:total]
            answer = self._show(head) if head.startswith(b"GET") else self._take(head, body)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

    def _take(self, head: bytes, body: bytes) -> bytes:
        key, reference = _KEY.search(head), _REFERENCE.search(body)
        if key is None or reference is None:
            self._taken.unnamed += 1
        elif key[1] in self._taken.keys:
            self._taken.repeats += 1
        else:
            self._taken.keys.add(key[1])
            self._taken.at.setdefault(reference[1].decode(), time.time())
        return b"{}"

    def _show(self, head: bytes) -> bytes:
        seen = self._taken
        if head.startswith(b"GET /count"):
            return str(len(seen.keys)).encode()
        report = {"taken": len(seen.keys), "repeats": seen.repeats, "unnamed": seen.unnamed, "at": seen.at}
        return json.dumps(report).encode()


async def serve() -> None:
    taken = Taken()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(taken), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.sleep(MAX_LIFE_S)


if __name__ == "__main__":
    uvloop.run(serve())
