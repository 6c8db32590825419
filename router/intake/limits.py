"""Quotas in memory, per client and per network address; they fail open, counted.

One process takes all concerns, so its memory is enough, and no network stands on the request's
path. An address is never kept: only a keyed digest of it that changes every day.
"""

import hmac
import math
from datetime import date
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from router.clock import now
from router.telemetry import LIMITER_FAILED, get_log

MINUTE_S: Final = 60
HOUR_S: Final = 3600


class Quotas:
    """Sliding windows, by the library `limits`: this window's count, and the last one's as far as it reaches in.

    Two numbers per caller, however large the quota; forgotten when their time is over.
    """

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait_s(self, bucket: str, *, most: int, window_s: int) -> int:
        """Return 0 if one more of `most` in `window_s` seconds fits, and count it; else seconds to wait."""
        quota = RateLimitItemPerSecond(most, window_s)
        try:
            if self._limiter.hit(quota, bucket):
                return 0
            reset, _ = self._limiter.get_window_stats(quota, bucket)
        except Exception as error:  # noqa: BLE001 - a broken counter must not turn a person away
            LIMITER_FAILED.inc()
            get_log().warning("limiter_failed", error=type(error).__name__)
            return 0
        return max(1, math.ceil(reset - now().timestamp()))


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
