"""Stands in front of a far side and answers in its stead, as oddly as a test wants: in clear or over TLS.

What is not odd goes through, one request after the other. With `effect` the far side has done what it was asked before
the odd answer is given.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.loopback import cut

Speak = Callable[[socket.socket], object]
_LENGTH = re.compile(rb"\r\ncontent-length:[ ]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Odd:
    """An odd answer."""

    speak: Speak
    """Says it on the line, which is closed afterwards."""
    only: bytes = b""
    """How requests begin that are answered so; others go through."""
    effect: bool = False


class Front:
    """Listens on `host`, and leads to `upstream` on 127.0.0.1."""

    def __init__(
        self, upstream: int, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._upstream = upstream
        self._listener = socket.create_server((host, port), backlog=64)
        self._open: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]
        self.tls = tls
        """Speaks TLS by this on connections that come from now on."""
        self.odd: Odd | None = None
        self.met = 0
        """Requests answered oddly."""
        self.asked: list[bytes] = []
        """How each request began."""

    def behave(self) -> None:
        """Be odd no more; lines on which something odd is being said are cut."""
        self.odd = None
        for connection in list(self._open):
            cut(connection)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        cut(self._listener)
        self._listener.close()
        self.behave()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), self.tls.wrap_socket(plain, server_side=True) if self.tls else plain as line:
            self._open.add(line)
            try:
                while request := _request(line):
                    self.asked.append(request[:40])
                    if not self._answer(line, request):
                        break
            finally:
                self._open.discard(line)

    def _answer(self, line: socket.socket, request: bytes) -> bool:
        odd = self.odd
        if odd is None or not request.startswith(odd.only):
            line.sendall(self._through(request))
            return True
        if odd.effect:
            self._through(request)
        self.met += 1
        odd.speak(line)
        return False

    def _through(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._upstream), timeout=30) as server:
            server.sendall(request)
            server.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := server.recv(65536):
                answer += chunk
            return answer


def _request(line: socket.socket) -> bytes:
    """Read one request to its end; empty when the line was closed."""
    heard = b""
    while chunk := line.recv(65536):
        heard += chunk
        head, end, body = heard.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if end and len(body) >= int(found[1] if found else 0):
            return heard
    return b""
