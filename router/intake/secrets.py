"""Secrets that others sign with, as the public part needs them: for each message, and never waited for in its way.

What was found, and that nothing was, is kept for seconds: whoever sends a thousand wrong messages a second starts no
thousand programs, and waits for one secret at a time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from router.errors import TryLater, Unavailable
from router.secretrefs import secret

KEPT_S: Final = 5.0
"""A secret that was changed is used after this."""
LONGEST_S: Final = 5.0
"""A program that prints a secret has so long when a message waits for it."""


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    found: str | None = field(default=None, repr=False)
    until: float = 0.0


class Secrets:
    """Finds secrets by their references, for one process."""

    def __init__(self, read: Callable[[str], str] | None = None) -> None:
        """`read` returns what a reference names, and raises TryLater; the ways of `channels.yaml` if left out."""
        self._read = read or _read
        self._kept: dict[str, _Kept] = {}

    async def find(self, reference: str) -> str:
        """Return the secret; raises Unavailable: the sender comes back, and an operator finds it in the log."""
        kept = self._kept.setdefault(reference, _Kept())
        async with kept.lock:
            if monotonic() >= kept.until:
                kept.found = await asyncio.to_thread(self._found, reference)
                kept.until = monotonic() + KEPT_S
        if kept.found is None:
            raise Unavailable("secret_missing")
        return kept.found

    def _found(self, reference: str) -> str | None:
        try:
            return self._read(reference)
        except TryLater:
            return None


def _read(reference: str) -> str:
    return secret(reference, until=monotonic() + LONGEST_S)
