"""Which addresses a call may connect to: what the service's name leads to, if all of it may be reached.

The addresses that were judged are the ones that are connected to; nothing looks the name up a second time.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final

from router.channels.reach import Network, literal, may_reach
from router.vocabulary import Scope

MOST_TRIED: Final = 8
CONNECT_S: Final = 10.0
"""Longest wait for a name to be looked up, and for a connection."""
Resolve = Callable[[str, int], Sequence[tuple[Any, ...]]]
"""As socket.getaddrinfo, asked for streams."""


def resolve(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """Return what the machine's resolver says of `host`."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class NotSent(OSError):
    """Nothing of the request left."""


class RefusedAddress(OSError):
    """The name leads to an address that the channel may not reach."""


@dataclass(frozen=True, slots=True)
class Place:
    """One address to connect to, as the socket module wants it."""

    family: int
    address: tuple[Any, ...]


@dataclass(slots=True)
class Addresses:
    """The addresses of one channel's service, or of the proxy on the way."""

    scope: Scope
    networks: tuple[Network, ...]
    this_machine_only: bool
    """For a service without TLS: what is sent in clear must not leave the machine."""
    resolve: Resolve = resolve
    _asked: dict[tuple[str, int], "Future[Sequence[tuple[Any, ...]]]"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, host: str, port: int, *, until: float) -> list[Place]:
        """Return where `host` is; raises RefusedAddress unless the channel may reach every address it has.

        Raises OSError when nothing is known by `until`, of `time.monotonic()`.
        """
        return self._all(host, port, until, self.may_reach)

    def of_proxy(self, host: str, port: int, *, until: float) -> list[Place]:
        """Return where the proxy is: it may stand inside, whatever the channel's scope."""
        return self._all(host, port, until, lambda address: may_reach(address, Scope.INTERNAL))

    def may_reach(self, address: str) -> bool:
        """Say whether the channel may connect to `address`."""
        if self.this_machine_only and not ip_address(address.partition("%")[0]).is_loopback:
            return False
        return may_reach(address, self.scope, self.networks)

    def _all(self, host: str, port: int, until: float, allowed: Callable[[str], bool]) -> list[Place]:
        found = self._look_up(host, port, until)
        if not found:
            raise OSError
        if not all(family in {socket.AF_INET, socket.AF_INET6} and allowed(at[0]) for family, _, _, _, at in found):
            raise RefusedAddress
        return [Place(family, at) for family, _, _, _, at in found[:MOST_TRIED]]

    def _look_up(self, host: str, port: int, until: float) -> Sequence[tuple[Any, ...]]:
        """Ask the resolver, which knows no deadline, in a thread of its own; calls that wait for one name share it."""
        if literal(host) is not None:
            return self.resolve(host, port)
        with self._lock:
            asked = self._asked.get((host, port))
            if asked is None:
                asked = self._asked[host, port] = Future()
                threading.Thread(target=self._ask, args=(host, port, asked), name="look-up", daemon=True).start()
        return asked.result(max(0.0, until - monotonic()))

    def _ask(self, host: str, port: int, asked: "Future[Sequence[tuple[Any, ...]]]") -> None:
        found: Sequence[tuple[Any, ...]] = ()
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError):
            pass  # no such name, or none that could be looked up: nothing found
        finally:
            with self._lock:
                del self._asked[host, port]
            asked.set_result(found)


def connected(places: list[Place], until: float) -> socket.socket:
    """Return a line to the first of the places that takes one; each gets its share of the time. Raises NotSent."""
    for left, place in zip(range(len(places), 0, -1), places, strict=True):
        line = socket.socket(place.family, socket.SOCK_STREAM)
        try:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.settimeout(max(0.001, (until - monotonic()) / left))
            line.connect(place.address)
        except OSError:
            line.close()
        else:
            return line
    raise NotSent
