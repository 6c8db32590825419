"""The lines that calls use: each leads to an address that was judged, and knows whether a byte of a request left.

Lines are kept for the next call, but not for long: a service that closes one at the moment of a write leaves in doubt
whether the write took effect. What urllib3 would log of a reply is not heard.
"""

import logging
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from workers.channels.addresses import CONNECT_S, Addresses, RefusedAddress, connected
from workers.channels.trust import Trust
from workers.channels.watching import Call

KEPT_S: Final = 2.0
"""How long a line without a call is kept: well below the 5 s after which common servers begin to close theirs."""
_NOT_LET_IN: Final = re.compile("CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|DECRYPT_ERROR")

logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Way:
    """How one channel's lines get to its service."""

    addresses: Addresses
    trust: Trust


class _UnderWay(threading.local):
    call: Call
    way: Way


_here = _UnderWay()


@contextmanager
def under_way(call: Call, way: Way) -> Iterator[None]:
    """Let the lines that this thread uses now belong to `call`."""
    _here.call, _here.way = call, way
    try:
        yield
    finally:
        del _here.call, _here.way


class _Line(HTTPConnection):
    """Connects to a judged address only, and tells the call how far it came."""

    _used_at = 0.0
    _tunnelling = False

    @property
    def is_connected(self) -> bool:
        """Whether it may be used for another call."""
        return not _here.call.anew and monotonic() - self._used_at < KEPT_S and super().is_connected

    def _new_conn(self) -> socket.socket:
        call, addresses = _here.call, _here.way.addresses
        call.kept = False
        until = min(call.until, monotonic() + CONNECT_S)
        looked_up = addresses.of if self.proxy is None else addresses.of_proxy
        try:
            places = looked_up(self._dns_host, self.port, until=until)
        except RefusedAddress:
            call.why = "refused_address"
            raise
        line = connected(places, until)
        line.settimeout(self.timeout)
        call.use(line)
        return line

    def _tunnel(self) -> None:
        self._tunnelling = True
        try:
            super()._tunnel()
        finally:
            self._tunnelling = False

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            _here.call.use(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        call = _here.call
        if self.sock is None:
            self.connect()
        if call.cut or monotonic() > call.until:
            raise TimeoutError
        if self._tunnelling:
            super().send(data)
            return
        first, call.wrote = not call.wrote, True
        try:
            super().send(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            call.wrote = not first
            # By this urllib3 goes on to read what was said before it hung up: an early no, or why we are not let in.
            raise BrokenPipeError from None

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        finally:
            self._used_at = monotonic()


class _TlsLine(_Line, HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        call, trust = _here.call, _here.way.trust
        try:
            self.ssl_context = trust.context()
            if self.proxy is not None and self.proxy.scheme == "https" and self.proxy_config is not None:
                self.proxy_config = self.proxy_config._replace(ssl_context=trust.for_proxy())
        except OSError:
            call.why = "tls_failed"
            raise
        try:
            super().connect()
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise  # it hung up
        except ssl.SSLError:
            call.why = None if call.cut else "tls_failed"
            raise

    def getresponse(self) -> Any:
        """Return the reply; a service that does not let us in says so here, since TLS 1.3 goes on before it knows."""
        call = _here.call
        try:
            return super().getresponse()
        except ssl.SSLError as error:
            if not call.kept and _NOT_LET_IN.search(error.reason or ""):
                call.why = "tls_failed"
            raise


class PlainPool(HTTPConnectionPool):
    """Lines without TLS."""

    ConnectionCls = _Line


class TlsPool(HTTPSConnectionPool):
    """Lines with TLS."""

    ConnectionCls = _TlsLine
