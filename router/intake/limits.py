"""Quotas in memory, per client and per network address; they fail open, counted.

One process takes all concerns, so its memory is enough, and no network stands on the request's
path. An address is never kept: only a keyed digest of it that changes every day.
"""

import hmac
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from router.telemetry import LIMITER_FAILED, get_log

MINUTE_S: Final = 60
HOUR_S: Final = 3600
MOST_BUCKETS: Final = 100_000
"""About 20 MB; beyond, newcomers are let through."""


@dataclass(slots=True)
class _Window:
    number: int
    length_s: int
    used: float
    before: float


class Quotas:
    """Sliding windows: the count of this window, and the last one's as far as it still reaches in.

    Two numbers per caller, however large the quota. On average the quota holds; a burst at the end
    of one window may be followed by another, twice the quota together.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[str, _Window] = {}

    def wait_s(self, bucket: str, *, most: int, window_s: int, take: bool = True) -> int:
        """Return 0 if one more of `most` in `window_s` seconds fits, and count it if `take`; else seconds to wait."""
        try:
            return self._wait_s(bucket, most, window_s, take=take)
        except (ArithmeticError, LookupError, MemoryError) as error:
            LIMITER_FAILED.inc()
            get_log().warning("limiter_failed", error=type(error).__name__)
            return 0

    def _wait_s(self, bucket: str, most: int, window_s: int, *, take: bool) -> int:
        number, into_s = divmod(self._now(), window_s)
        window = self._window(bucket, int(number), window_s)
        reaching = window.before * (1 - into_s / window_s)
        if reaching + window.used + 1 > most:
            return max(1, math.ceil(window_s - into_s))
        if take:
            window.used += 1
        return 0

    def _window(self, bucket: str, number: int, window_s: int) -> _Window:
        window = self._windows.get(bucket)
        if window is None:
            if len(self._windows) >= MOST_BUCKETS:
                self._forget()
            window = self._windows[bucket] = _Window(number, window_s, 0, 0)
        elif window.number != number:
            window.before = window.used if window.number == number - 1 else 0
            window.number, window.used = number, 0
        return window

    def _forget(self) -> None:
        now = self._now()
        gone = [name for name, w in self._windows.items() if now >= (w.number + 2) * w.length_s]
        for name in gone:
            del self._windows[name]
        if not gone:
            raise LookupError


def address_bucket(address: str | None, secret: bytes, day: date) -> str:
    """Return the quota's name of a network address: a digest that nobody can turn back or compare after the day.

    IPv6 counts by /64, which is one subscriber; what is no address shares one bucket.
    """
    try:
        number = ip_address((address or "").partition("%")[0])
    except ValueError:
        network = "none"
    else:
        if isinstance(number, IPv6Address):
            number = number.ipv4_mapped or ip_network((number, 64), strict=False).network_address
        network = number.compressed
    return hmac.new(secret, f"{day.isoformat()} {network}".encode(), "sha256").hexdigest()[:32]
