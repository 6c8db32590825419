"""Files concerns over a few keep-alive connections; every byte to send is made before the clock starts.

A process of its own: `python -m tests.bench.generator` reads a plan (JSON) from standard input and prints
what it saw. Ends by itself: after `count` answers, or when `life_s` is over.
"""

import asyncio
import json
import random
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

WORDS = ("on", "the", "second", "floor", "somebody", "saw", "a", "shared", "folder", "open", "before", "lunch")
CATEGORIES = ("fraud", "security_incident", "health_and_safety", "harassment", "other")
_LENGTH = re.compile(rb"\r\ncontent-length:[ ]*(\d+)\r\n", re.IGNORECASE)
_REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"]+)"')


@dataclass(frozen=True)
class Plan:
    """What to file. `per_s` 0 means as fast as the answers come; after `for_s` nothing new is filed, 0: no limit."""

    port: int
    count: int
    connections: int = 32
    per_s: float = 0.0
    for_s: float = 0.0
    token: str = ""
    seed: int = 1
    life_s: float = 120.0
    """After this it gives up."""


@dataclass
class Seen:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted_at: dict[str, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    """From the first byte sent to the whole answer read, of each request."""


def concern(chance: random.Random) -> dict[str, Any]:
    """Return a concern as an agent files it: facts, an identifier, and in half of them a narrative."""
    found: dict[str, Any] = {
        "category": chance.choice(CATEGORIES),
        "noticed_how": "endpoint_hash_match",
        "where_found": "laptop",
        "occurred_at": "2026-01-05T09:30:00Z",
        "evidence_state": "left_in_place",
        "asset_tag": f"LT-{chance.randrange(10**6):06d}",
    }
    if chance.random() < 0.5:
        found["narrative"] = " ".join(chance.choices(WORDS, k=120))
    return found


def requests_of(plan: Plan) -> list[bytes]:
    chance = random.Random(plan.seed)
    made = []
    for _ in range(plan.count):
        body = json.dumps(concern(chance)).encode()
        head = f"POST /api/v1/concerns HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nIdempotency-Key: {uuid.uuid4()}\r\n"
        head += f"Authorization: Bearer {plan.token}\r\n" if plan.token else ""
        made.append(head.encode() + b"\r\n" + body)
    return made


class Connection(asyncio.Protocol):
    """One connection; a request at a time."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._buffer = bytearray()
        self._answered: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_exception(error or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end + 2)
        total = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < total:
            return
        status = int(self._buffer[9:12])
        self._seen.statuses[status] += 1
        reference = _REFERENCE.search(self._buffer, end) if status == 201 else None
        if reference:
            self._seen.accepted_at[reference[1].decode()] = time.time()
        self._buffer.clear()
        if self._answered and not self._answered.done():
            self._answered.set_result(None)

    async def ask(self, request: bytes) -> None:
        began = time.perf_counter()
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._answered
        self._seen.seconds.append(time.perf_counter() - began)


async def _drain(line: Connection, waiting: Iterator[tuple[int, bytes]], plan: Plan, began: float) -> None:
    for number, request in waiting:
        if plan.per_s:
            await asyncio.sleep(began + number / plan.per_s - time.time())
        if plan.for_s and time.time() > began + plan.for_s:
            return
        await line.ask(request)


async def run(plan: Plan) -> dict[str, Any]:
    ready, seen = requests_of(plan), Seen()
    loop = asyncio.get_running_loop()
    lines = [
        (await loop.create_connection(lambda: Connection(seen), "127.0.0.1", plan.port))[1]
        for _ in range(plan.connections)
    ]
    waiting = iter(list(enumerate(ready)))
    began = time.time()
    async with asyncio.timeout(plan.life_s):
        await asyncio.gather(*(_drain(line, waiting, plan, began) for line in lines))
    ended = time.time()
    waits = sorted(seen.seconds)
    return {
        "began": began,
        "ended": ended,
        "statuses": dict(seen.statuses),
        "accepted_at": seen.accepted_at,
        "answer_ms": {"p50": 1000 * waits[len(waits) // 2], "p99": 1000 * waits[len(waits) * 99 // 100]},
        "cpu_s": time.process_time(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(Plan(**json.load(sys.stdin))))))
