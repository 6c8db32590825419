"""Makes guessing slow: waits after wrong passwords, per name and network address, and per address.

In memory, so it fails open when the process starts anew. Never per name alone: whoever knows a name could keep its
owner out from anywhere. What is typed is kept as a digest, for as long as a wait counts.
"""

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Final

FORGOTTEN_AFTER_S: Final = 1800
MOST_KEPT: Final = 20_000
"""Names and addresses; the ones that were quiet for longest go first."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many wrong ones are free, and how long the wait after them may grow."""

    free: int
    longest_s: int

    def wait_s(self, failures: int) -> int:
        """Return how long to wait after so many wrong ones: a second, then twice as long each time."""
        return 0 if failures < self.free else min(self.longest_s, 2 ** min(failures - self.free, 20))


BY_NAME: Final = Pace(free=5, longest_s=300)
BY_ADDRESS: Final = Pace(free=30, longest_s=30)
"""A full office behind one address mistypes too."""


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last: float = 0.0
    told: bool = False


class Slowing:
    """Counts wrong passwords of this process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._counts: OrderedDict[bytes, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str) -> int:
        """Return 0 and count a try as wrong until `passed` says otherwise; else the seconds to wait, uncounted."""
        with self._lock:
            now = self._clock()
            counts = [(self._count(key, now), pace) for key, pace in self._keys(name, address)]
            wait_s = max(_left(count, pace, now) for count, pace in counts)
            if wait_s <= 0:
                for count, _ in counts:
                    count.failures, count.last, count.told = count.failures + 1, now, False
            return wait_s

    def passed(self, name: str, address: str) -> None:
        """Forget the name's wrong ones; of the address only this try, or a guesser's own account would free it."""
        with self._lock:
            (by_name, _), (by_address, _) = self._keys(name, address)
            self._counts.pop(by_name, None)
            count = self._counts.get(by_address)
            if count is not None and count.failures:
                count.failures -= 1

    def told(self, name: str, address: str) -> bool:
        """Say whether it is on record already that this name has to wait now; afterwards it is."""
        with self._lock:
            count = self._count(self._keys(name, address)[0][0], self._clock())
            before, count.told = count.told, True
            return before

    def noted_enough(self, address: str) -> bool:
        """Count something that nobody in particular was refused, and say whether its address left lines enough lately.

        Whoever is not signed in could otherwise fill the audit as fast as they ask.
        """
        key = hmac.digest(self._key, f"noted {_network(address)}".encode(), "sha256")
        with self._lock:
            now = self._clock()
            count = self._count(key, now)
            if _left(count, BY_ADDRESS, now) > 0:
                return True
            count.failures, count.last = count.failures + 1, now
            return False

    def _keys(self, name: str, address: str) -> tuple[tuple[bytes, Pace], tuple[bytes, Pace]]:
        network = _network(address)
        by_name = hmac.digest(self._key, f"name {network} {name}".encode(errors="replace"), "sha256")
        by_address = hmac.digest(self._key, f"address {network}".encode(), "sha256")
        return (by_name, BY_NAME), (by_address, BY_ADDRESS)

    def _count(self, key: bytes, now: float) -> _Count:
        count = self._counts.pop(key, None)
        if count is None or now - count.last > FORGOTTEN_AFTER_S:
            count = _Count(last=now)
        self._counts[key] = count
        while len(self._counts) > MOST_KEPT:
            self._counts.popitem(last=False)
        return count


def _left(count: _Count, pace: Pace, now: float) -> int:
    left_s = count.last + pace.wait_s(count.failures) - now
    return 0 if left_s <= 0 else int(left_s) + 1


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6 a /64, which is one subscriber."""
    try:
        number = ip_address(address.partition("%")[0])
    except ValueError:
        return "none"
    if isinstance(number, IPv6Address) and number.ipv4_mapped is None:
        return str(ip_network((number, 64), strict=False))
    return str(number)
