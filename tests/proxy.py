"""A TCP proxy that knows when the far side has answered and the caller has not yet heard of it."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.loopback import cut


class Proxy:
    """A TCP proxy in front of a real server, for what happens between its answer and us.

    `on_answer(request, answer)` runs when the server has answered (so the effect is there) and
    nothing of it was passed on: the place to kill the caller. It returns whether to pass the answer
    on; otherwise the connection is cut. It gets the request's bytes and the answer's first ones.
    """

    def __init__(self, host: str, port: int, *, on_answer: Callable[[bytes, bytes], bool] | None = None) -> None:
        self.on_answer = on_answer
        self._upstream = (host, port)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._stopping = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        cut(self._listener)
        self._listener.close()
        self._thread.join()
        for connection in list(self._open):
            cut(connection)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._upstream, timeout=30) as server:
            server.settimeout(None)
            self._open |= {client, server}
            asked = bytearray()
            up = threading.Thread(target=self._pass_up, args=(client, server, asked), daemon=True)
            up.start()
            while answer := server.recv(65536):
                request = bytes(asked)
                asked.clear()
                if request and self.on_answer and not self.on_answer(request, answer):
                    break
                client.sendall(answer)
            cut(client)
            cut(server)
            up.join()
            self._open -= {client, server}

    def _pass_up(self, client: socket.socket, server: socket.socket, asked: bytearray) -> None:
        with suppress(OSError):
            while chunk := client.recv(65536):
                asked += chunk
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)
