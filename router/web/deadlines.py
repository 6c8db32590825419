"""uvicorn's HTTP protocol with limits on what comes before a request: time, size, and form.

A connection that does not bring a whole request head in time is cut, as is one that keeps
sending after its request was refused. Answers say a code and nothing of what came.
"""

import asyncio
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from router.web.edge import CONTENT_POLICY, SECURITY_HEADERS
from router.web.refusals import MEDIA_TYPE, RETRY_AFTER_S, STATUS, problem_body

MOST_HEAD_BYTES: Final = 16 * 1024
"""Request line and headers; uvicorn's httptools has no bound of its own."""
HEADER_OVERHEAD_BYTES: Final = 32
"""Counted for each header beside its characters, so that empty ones run out as well: about 500."""
DRAIN_S: Final = 5
"""How long a body is read away that was answered before it had come."""
UPGRADE_HEADERS: Final = frozenset({b"connection", b"upgrade", b"http2-settings"})
LINGER_S: Final = 1
"""How long a connection stays half open after its last answer."""
MOST_DRAINED_BYTES: Final = 4 * 1024 * 1024

_PHRASES: Final = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}


class _Stopped(Exception):
    """Stops the parser in a head that we do not take."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    header_deadline_s: ClassVar[float] = 10

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_begun = False
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._fault = "bad_request"
        self._upgrade_asked = False
        self._deaf = False
        self._drained_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._drain_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a connection that stays silent is cut too."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._deaf = True
        self._stop_head_timer()
        self._stop_drain_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless this connection is over and only read away."""
        if self._drain_timer is not None:
            self._drained_bytes += len(data)
            if self._drained_bytes > MOST_DRAINED_BYTES:
                self.transport.abort()
                return
        if self._deaf:
            return
        was_in_head = self._in_head
        self._feed(data)
        if self._deaf or not self._in_head or not (was_in_head or self._head_begun):
            return
        self._start_head_timer()
        if was_in_head:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > MOST_HEAD_BYTES:
                self._refuse("headers_too_large")

    def on_message_begin(self) -> None:
        """Remember that a head has begun."""
        super().on_message_begin()
        self._in_head = self._head_begun = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count what the head holds."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count what the head holds. What follows a body in chunks (a trailer) is read away: it is no header.

        A proxy that adds or takes off headers has not seen it, and the parser does not tell the two apart.
        """
        self._count(len(name) + len(value) + HEADER_OVERHEAD_BYTES)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the head's clock and let the application begin."""
        if not self._reads_one_way():
            raise _Stopped
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _Stopped
            self._upgrade_asked = True
            return
        if self._is_crowded():
            # uvicorn's own answer lacks our headers: a browser may keep it.
            self.logger.warning("Exceeded concurrency limit.")
            self._fault = "unavailable"
            self.connections.discard(self)  # While its answer goes out it keeps nobody else's place.
            raise _Stopped
        super().on_headers_complete()
        if self.expect_100_continue:
            # Refused unread, such a body may never come: what follows must not be taken for it.
            self.cycle.keep_alive = False
        self._in_head = self._head_begun = False
        self._unparsed_bytes = self._drained_bytes = 0
        self._stop_head_timer()

    def on_message_complete(self) -> None:
        """Expect another head."""
        if self._upgrade_asked:
            return
        super().on_message_complete()
        self._in_head = True
        self._stop_drain_timer()

    def on_response_complete(self) -> None:
        """Give a sender whose body is still coming a moment to see the answer, then cut."""
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing() and self._drain_timer is None:
            self._drain_timer = self.loop.call_later(DRAIN_S, self.transport.abort)

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # We speak nothing else and say so by going on (RFC 9110, 7.8); the parser would drop the body.
                head = self._head_without_upgrade()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(head + data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._fault)

    def _head_without_upgrade(self) -> bytes:
        self._upgrade_asked = False
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] not in UPGRADE_HEADERS]
        return b"\r\n".join([*lines, b"", b""])

    def _reads_one_way(self) -> bool:
        """Say whether every server in between takes this head for the same request (RFC 9112, 3.2 and 6.1)."""
        version = self.parser.get_http_version()
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version == "1.1":
            return hosts == 1 and codings in ([], [b"chunked"])
        return version == "1.0" and hosts <= 1 and not codings

    def _is_crowded(self) -> bool:
        most = self.limit_concurrency
        return most is not None and max(len(self.connections), len(self.tasks)) >= most

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MOST_HEAD_BYTES:
            self._fault = "headers_too_large"
            raise _Stopped

    def _refuse(self, code: str) -> None:
        """End this connection with a problem, or after the answer that is under way."""
        self._deaf = True
        self._stop_head_timer()
        if self.cycle is not None and not self.cycle.response_complete:
            if self._in_head:
                # The broken head follows a whole request: that one is answered first.
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        elif not self._in_head:
            self.transport.abort()
            return
        self.transport.write(_answer(code))
        # Closing with unread bytes makes the kernel throw our answer away: end our half, read theirs away.
        self.transport.write_eof()
        self._stop_drain_timer()
        self._drain_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.header_deadline_s, self._refuse, "headers_too_slow")

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_drain_timer(self) -> None:
        if self._drain_timer is not None:
            self._drain_timer.cancel()
            self._drain_timer = None


def with_deadline(seconds: float) -> type[Protocol]:
    """Return the protocol with another header deadline."""
    return type("Protocol", (Protocol,), {"header_deadline_s": seconds})


def _answer(code: str) -> bytes:
    body = problem_body(code)
    status = STATUS[code]
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([(b"retry-after", str(RETRY_AFTER_S).encode())] if code == "unavailable" else []),
        CONTENT_POLICY,
        *SECURITY_HEADERS,
    ]
    lines = [b"HTTP/1.1 %d %s" % (status, _PHRASES[status]), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join([*lines, b"", body])
