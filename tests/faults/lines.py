"""A TCP line between two processes that a test can freeze, silence, cut, or hold something back on."""

import re
import socket
import threading
from contextlib import suppress
from enum import StrEnum
from typing import Self

from tests.loopback import cut

COMMIT = b"COMMIT\0"
"""As PostgreSQL's wire protocol carries the statement."""


class Cut(StrEnum):
    """Where a connection is cut when a COMMIT passes."""

    BEFORE = "before_it_arrives"
    AFTER = "after_it_was_done"


class Line:
    """Passes bytes on to `port` until it is told otherwise; its own port is `port`."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._epoch = 0
        self._passing = threading.Event()
        self._passing.set()
        self._cut: Cut | None = None
        self.cuts = 0
        """Connections that were cut at a COMMIT."""
        self._held_back: re.Pattern[bytes] | None = None
        self.holding = threading.Event()
        """Set while something is held back."""
        self._let_go = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def freeze(self) -> None:
        """Pass nothing; connections stay open, and new ones are taken."""
        self._passing.clear()

    def thaw(self) -> None:
        """Pass on what waited, and what comes."""
        self._passing.set()

    def silence(self) -> None:
        """Never again pass anything on a connection that is open now; new ones work. A node that vanished."""
        self._epoch += 1

    def cut_all(self) -> None:
        """Cut every connection."""
        for connection in list(self._open):
            cut(connection)

    def cut_at_commit(self, when: Cut | None) -> None:
        """Cut each connection that commits, from now on; None: none any more."""
        self._cut = when

    def hold_back(self, beginning: bytes) -> None:
        """Keep the next request that begins so, until it is let go; whoever sent it may be gone by then."""
        self._let_go.clear()
        self._held_back = re.compile(re.escape(beginning))

    def let_go(self) -> None:
        """Pass on what was held back."""
        self._let_go.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._passing.set()
        self._let_go.set()
        cut(self._listener)
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._upstream), timeout=30) as server:
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            committed = threading.Event()
            up = threading.Thread(target=self._pass_up, args=(client, server, self._epoch, committed), daemon=True)
            up.start()
            self._pass_down(server, client, self._epoch, committed)
            up.join()
            self._open -= {client, server}

    def _pass_up(self, client: socket.socket, server: socket.socket, epoch: int, committed: threading.Event) -> None:
        with suppress(OSError):
            while chunk := client.recv(65536):
                self._passing.wait()
                if epoch != self._epoch:
                    continue
                if self._cut and COMMIT in chunk:
                    self.cuts += 1
                    if self._cut is Cut.BEFORE:
                        break
                    committed.set()
                if self._held_back and self._held_back.match(chunk):
                    self._held_back = None
                    self.holding.set()
                    self._let_go.wait()
                    self.holding.clear()
                server.sendall(chunk)
        if committed.is_set():
            return
        with suppress(OSError):
            # What the server still has to say goes to nobody.
            server.shutdown(socket.SHUT_WR)
        cut(client)

    def _pass_down(self, server: socket.socket, client: socket.socket, epoch: int, committed: threading.Event) -> None:
        with suppress(OSError):
            while chunk := server.recv(65536):
                self._passing.wait()
                if committed.is_set():
                    break
                if epoch == self._epoch:
                    client.sendall(chunk)
        cut(client)
        cut(server)
