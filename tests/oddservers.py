"""Far sides on 127.0.0.1 that speak raw bytes, and TLS ones with certificates made for the occasion."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

from router.channels.webhook import Settings
from router.vocabulary import Scope
from workers.channels.addresses import Resolve
from workers.channels.addresses import resolve as really
from workers.channels.transport import Transport

Speak = Callable[[socket.socket], None]


@contextmanager
def raw_server(speak: Speak, *, read_first: bool = True, heard: list[bytes] | None = None) -> Iterator[str]:
    """Serve each connection with `speak`, after a request was read and kept in `heard`; yields the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_now: list[socket.socket] = []

    def one(connection: socket.socket) -> None:
        try:
            if read_first:
                request = connection.recv(65536)
                if heard is not None:
                    heard.append(request)
            speak(connection)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_now.append(connection)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_now:
            connection.close()


def tls(context: ssl.SSLContext, speak: Speak) -> Speak:
    """Speak over TLS."""

    def wrapped(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as line:
            speak(line)

    return wrapped


def drip(before: bytes) -> Speak:
    """Say `before`, and then a byte ten times a second."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(b"x")
            sleep(0.1)

    return speak


def say(*parts: bytes) -> Speak:
    """Say the parts and hang up."""

    def speak(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_RDWR)

    return speak


def a_transport(url: str, *, scope: Scope = Scope.INTERNAL, resolve: Resolve = really, **settings: object) -> Transport:
    """Return a transport as the file would have it: what is given is checked as at load."""
    made = Settings.model_validate({"url": url, "secret": "env:S", **settings})
    return Transport(made, scope, resolve=resolve)
