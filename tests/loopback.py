"""An HTTP server on 127.0.0.1 that a test scripts: what is answered, when, and what becomes of the connection."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer. A 2xx takes effect first, also when the connection is then cut or left hanging."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    """Silence before the answer; ends early when the server stops."""
    cut: bool = False
    """Close the connection instead of answering."""


class Loopback:
    """An HTTP/1.1 server on a free port of 127.0.0.1, as a context manager; subclasses say what is answered.

    `before_answer` runs after the request took effect and before a byte of the answer is written.
    """

    def __init__(self, *, before_answer: Callable[[Received], None] | None = None) -> None:
        self.before_answer = before_answer
        self.everything: list[Received] = []
        self.changed = threading.Condition()
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer_next(self, *answers: Answer) -> None:
        """Answer the coming requests with these, one each, before going back to normal."""
        self._script.extend(answers)

    def answer_always(self, answer: Answer | None) -> None:
        """Answer everything with this from now on; None goes back to normal."""
        self._always = answer

    def wait_until(self, true: Callable[[], bool], *, timeout_s: float = 30.0) -> bool:
        """Wait until `true()` holds, looked at after each request; return whether it did in time."""
        with self.changed:
            return self.changed.wait_for(true, timeout_s)

    def reply(self, request: Received) -> Answer:
        """Let the request take effect and return the normal answer."""
        raise NotImplementedError

    def respond(self, request: Received) -> Answer:
        """Return what to answer, script first; runs one request at a time."""
        with self.changed:
            self.everything.append(request)
            told = self._script.popleft() if self._script else self._always
            answer = told if told and not 200 <= told.status < 300 else self.reply(request)
            if told and told is not answer:
                answer = Answer(answer.status, answer.body, answer.headers, told.hang_s, told.cut)
            self.changed.notify_all()
        if self.before_answer:
            self.before_answer(request)
        if answer.hang_s:
            self._stopping.wait(answer.hang_s)
        return answer

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.cut_all()


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that none outlives the test."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_activate(self) -> None:
        self._open: set[socket.socket] = set()
        super().server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        for connection in list(self._open):
            cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or cut is what these tests are about."""


def _handler_for(owner: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = owner.respond(Received(self.command, self.path, headers, body, time.time()))
            if answer.cut:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the base class names them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Say nothing."""

    return Handler


def cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
