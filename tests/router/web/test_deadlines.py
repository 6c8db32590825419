"""Raw sockets against a real uvicorn with our protocol: what is slow, large or malformed is cut."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.errors import Refused
from router.web import body, deadlines, edge

DEADLINE_S = 0.5
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
GOOD = HEAD + b"Content-Length: 2\r\n\r\n{}"


class Seen:
    """Which whole requests the application was given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[set[str]] = []


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def port(seen: Seen) -> Iterator[int]:
    with _served(seen) as found:
        yield found


@contextmanager
def _served(seen: Seen, *, most: int | None = None) -> Iterator[int]:
    async def take(request: Request) -> Response:
        try:
            sent = await body.read_body(request, body.JSON, max_bytes=1000, deadline_s=DEADLINE_S)
        except Refused as error:
            return edge.problem_answer(error)
        seen.bodies.append(sent)
        seen.headers.append(set(request.headers))
        if sent == b"[]":
            await asyncio.sleep(4 * DEADLINE_S)
        return Response(b"taken")

    app = Starlette(routes=[Route("/", take, methods=["POST"])])
    config = uvicorn.Config(
        edge.Edge(app, https=False),
        port=0,
        http=deadlines.with_deadline(DEADLINE_S),
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=2,
        limit_concurrency=most,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def line(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        yield connection


def rest(line: socket.socket) -> bytes:
    """Read until the other side ends."""
    got = b""
    try:
        while piece := line.recv(65_536):
            got += piece
    except ConnectionResetError:
        got += b"<reset>"
    return got


def answer(line: socket.socket) -> bytes:
    """Read one answer."""
    got = b""
    while b"taken" not in got and b'"}' not in got:
        piece = line.recv(65_536)
        if not piece:
            break
        got += piece
    return got


def test_a_good_request_is_taken_and_the_connection_kept(line: socket.socket, seen: Seen) -> None:
    for _ in range(3):
        line.sendall(GOOD)
        assert answer(line).startswith(b"HTTP/1.1 200 OK")
    assert seen.bodies[-3:] == [b"{}"] * 3


@pytest.mark.parametrize("begun", [b"", b"\r\n\r\n", b"POST", b"POST / HTTP/1.1\r\nHost: a\r\nX-MARKED: "])
def test_a_head_that_does_not_come_is_cut(line: socket.socket, begun: bytes) -> None:
    line.sendall(begun)

    got = rest(line)

    assert got.startswith(b"HTTP/1.1 408")
    assert b'"code":"headers_too_slow"' in got
    assert b"MARKED" not in got


@pytest.mark.parametrize("drop", [b"X: 1\r\n", b"a"])
def test_a_head_that_drips_is_cut_also_after_an_earlier_request(line: socket.socket, drop: bytes) -> None:
    line.sendall(GOOD)
    answer(line)
    started = time.monotonic()
    line.sendall(b"POST / HTTP/1.1\r\n")
    try:
        while time.monotonic() - started < 20 * DEADLINE_S:
            line.sendall(drop)
            time.sleep(DEADLINE_S / 5)
    except OSError:
        pass

    assert time.monotonic() - started < 20 * DEADLINE_S


def test_blank_lines_do_not_keep_a_connection(line: socket.socket) -> None:
    line.sendall(GOOD)
    answer(line)
    started = time.monotonic()
    try:
        while time.monotonic() - started < 20 * DEADLINE_S:
            line.sendall(b"\r\n")
            time.sleep(DEADLINE_S / 5)
    except OSError:
        pass

    assert time.monotonic() - started < 20 * DEADLINE_S


def test_a_slow_answer_is_not_a_slow_head(line: socket.socket) -> None:
    line.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]")

    assert b"taken" in answer(line)


def test_a_body_that_drips_is_cut(line: socket.socket) -> None:
    line.sendall(HEAD + b"Content-Length: 500\r\n\r\nMARKED")

    got = rest(line)

    assert got.startswith(b"HTTP/1.1 408")
    assert b'"code":"body_too_slow"' in got
    assert b"MARKED" not in got


LARGE = {
    "an endless header": b"POST / HTTP/1.1\r\nX: " + b"MARKED" * 20_000,
    "a long header": b"POST / HTTP/1.1\r\nX: " + b"MARKED" * 3000 + b"\r\n\r\n",
    "a long address": b"POST /" + b"MARKED" * 3000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"POST / HTTP/1.1\r\n" + b"X:1\r\n" * 600 + b"\r\n",
}


@pytest.mark.parametrize("sent", LARGE.values(), ids=LARGE.keys())
def test_a_large_head_is_refused(line: socket.socket, seen: Seen, sent: bytes) -> None:
    before = len(seen.bodies)
    line.sendall(sent)

    got = rest(line)

    assert got.startswith(b"HTTP/1.1 431")
    assert b"MARKED" not in got
    assert len(seen.bodies) == before


SMUGGLED = {
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "two encodings": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "compressed chunks": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks by HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": GOOD.replace(b"Host: a\r\n", b""),
    "two hosts": GOOD.replace(b"Host: a", b"Host: a\r\nHost: b"),
    "HTTP/0.9": b"POST /\r\n\r\n",
    "a blank before the colon": b"POST / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a folded header": b"POST / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "bare line feeds": b"POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
    "a bare line feed": b"POST / HTTP/1.1\r\nHost: a\nContent-Length: 2\r\n\r\n{}",
    "a bare carriage return": b"POST / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -2\r\n\r\n{}",
    "a length with a sign": HEAD + b"Content-Length: +2\r\n\r\n{}",
    "a malformed chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nMARKED\r\n",
    "a chunk with a blank length": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
    "a NUL in a header": b"POST / HTTP/1.1\r\nHost: a\x00MARKED\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00",
    "no HTTP": b"MARKED\r\n\r\n",
}


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_two_servers_could_read_differently_is_refused(line: socket.socket, seen: Seen, sent: bytes) -> None:
    before = len(seen.bodies)
    line.sendall(sent)

    got = rest(line)

    assert got.startswith(b"HTTP/1.1 400")
    assert len(re.findall(rb"HTTP/1.1 \d", got)) == 1
    assert b'"code":"bad_request"' in got
    assert b"content-security-policy" in got
    assert b"MARKED" not in got
    assert len(seen.bodies) == before


@pytest.mark.parametrize("apart", [False, True], ids=["in one piece", "later"])
def test_what_follows_the_chunks_is_not_taken_for_a_header(line: socket.socket, seen: Seen, *, apart: bool) -> None:
    request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    trailer = b"0\r\nX-Forwarded-For: 192.0.2.9\r\nAuthorization: MARKED\r\n\r\n"
    if apart:
        line.sendall(request)
        time.sleep(DEADLINE_S / 5)
        line.sendall(trailer)
    else:
        line.sendall(request + trailer)

    assert answer(line).startswith(b"HTTP/1.1 200")
    assert seen.headers[-1] == {"host", "content-type", "transfer-encoding"}


@pytest.mark.parametrize(
    "method", [b"OPTIONS *", b"CONNECT a:1", b"POST http://b/", b"GET //[", b"TRACE /", b"GET /%ff"]
)
def test_odd_requests_get_one_answer(line: socket.socket, method: bytes) -> None:
    line.sendall(method + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    got = rest(line)

    assert len(re.findall(rb"HTTP/1.1 4", got)) == 1


def test_an_upgrade_is_ignored_and_its_body_read(line: socket.socket, seen: Seen) -> None:
    line.sendall(HEAD + b'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 7\r\n\r\n{"a":')
    time.sleep(DEADLINE_S / 5)
    line.sendall(b"1}")

    got = answer(line)

    assert got.startswith(b"HTTP/1.1 200")
    assert len(re.findall(rb"HTTP/1.1 \d", got)) == 1
    assert seen.bodies[-1] == b'{"a":1}'


@pytest.mark.parametrize(("length", "status"), [(b"7", b"200"), (b"5000", b"413")])
def test_whoever_asks_before_sending_is_answered_and_the_connection_ends(
    line: socket.socket, length: bytes, status: bytes
) -> None:
    line.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: " + length + b"\r\n\r\n")
    if status == b"200":
        assert line.recv(1000).startswith(b"HTTP/1.1 100")
        line.sendall(b'{"a":1}')

    got = rest(line)

    assert got.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in got


def test_a_broken_request_behind_a_good_one_does_not_take_its_answer(line: socket.socket, seen: Seen) -> None:
    before = len(seen.bodies)
    line.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]" + b"MARKED\r\n\r\n")

    got = rest(line)

    assert got.startswith(b"HTTP/1.1 200")
    assert len(re.findall(rb"HTTP/1.1 \d", got)) == 1
    assert len(seen.bodies) == before + 1


def test_a_large_body_is_refused_unread_and_the_answer_arrives(line: socket.socket, seen: Seen) -> None:
    before = len(seen.bodies)
    line.sendall(HEAD + b"Content-Length: 3000000\r\n\r\n")
    line.sendall(b"x" * 3_000_000)

    got = answer(line)

    assert got.startswith(b"HTTP/1.1 413")
    assert len(seen.bodies) == before


def test_endless_chunks_are_cut(line: socket.socket) -> None:
    line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    sent = 0
    try:
        while sent < 1000:
            line.sendall(chunk)
            sent += 1
    except OSError:
        pass

    assert sent < 1000
    assert rest(line).startswith((b"HTTP/1.1 413", b"<reset>"))


def test_silent_connections_do_not_keep_a_good_one_out(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port), timeout=15) for _ in range(300)]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=15) as line:
            line.sendall(GOOD)
            assert b"taken" in answer(line)
        assert all(rest(one).startswith(b"HTTP/1.1 408") for one in silent)
    finally:
        for one in silent:
            one.close()


def test_whoever_comes_when_it_is_full_gets_an_answer_that_no_browser_keeps() -> None:
    seen = Seen()
    with _served(seen, most=2) as port, socket.create_connection(("127.0.0.1", port)) as one:
        with socket.create_connection(("127.0.0.1", port)) as other:
            other.sendall(GOOD)
            refused = rest(other)
        one.sendall(GOOD)

        taken = answer(one)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert all(name + b": " + value in refused for name, value in edge.SECURITY_HEADERS)
    assert b"retry-after: 5" in refused
    assert b'"code":"unavailable"' in refused
    assert taken.startswith(b"HTTP/1.1 200 ")
    assert seen.bodies == [b"{}"]
