"""The transport keeps its deadline and says nothing of a reply, whatever the other side does."""

import gzip
import json
import socket
from pathlib import Path
from time import monotonic

import pytest

from router.errors import Declined, TryLater
from tests.oddservers import a_transport, drip, raw_server
from tests.servers import Answer, Sink
from workers.channels import watching
from workers.channels.replies import Reply
from workers.channels.transport import REPLY_CAP

MARKED = "MARKED-7f3a"


def post(url: str, *, within_s: float = 5.0) -> Reply:
    return a_transport(url).call("POST", "/x", until=monotonic() + within_s, headers={}, body=b"{}")


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;",
    ],
    ids=["status", "header", "body", "body-until-close", "chunk-size"],
)
def test_a_call_ends_at_its_deadline_though_bytes_drip_in(before: bytes) -> None:
    with raw_server(drip(before)) as url:
        began = monotonic()
        with pytest.raises(TryLater, match=r"^no_answer$"):
            post(url, within_s=0.7)

    assert monotonic() - began < 3


def test_a_call_ends_at_its_deadline_though_a_handshake_drips_in() -> None:
    with raw_server(drip(b"\x16\x03\x03\x40\x00"), read_first=True) as url:
        began = monotonic()
        with pytest.raises(TryLater, match=r"^unreachable$"):
            post(url.replace("http", "https"), within_s=0.7)

    assert monotonic() - began < 3


def test_refused_connection_is_told_from_a_lost_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TryLater, match=r"^unreachable$"):
        post(f"http://127.0.0.1:{port}")

    hang_up = raw_server(lambda connection: connection.shutdown(socket.SHUT_RDWR))
    with hang_up as url, pytest.raises(TryLater, match=r"^no_answer$"):
        post(url)


def test_keeps_the_connection_for_the_next_call() -> None:
    with Sink() as sink:
        transport = a_transport(sink.url)
        sink.answer_always(Answer(422))
        for _ in range(3):
            with pytest.raises(Declined):
                transport.call("GET", "/x", until=monotonic() + 5, headers={})

        assert len(sink.everything) == 3
        assert len(sink._server._open) == 1


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (400, Declined, "http_400"),
        (404, TryLater, "http_404"),
        (409, Declined, "http_409"),
        (422, Declined, "http_422"),
        (401, TryLater, "not_authorised"),
        (403, TryLater, "not_authorised"),
        (408, TryLater, "http_408"),
        (425, TryLater, "http_425"),
        (429, TryLater, "http_429"),
        (500, TryLater, "http_500"),
        (503, TryLater, "http_503"),
        (302, TryLater, "redirected"),
    ],
)
def test_a_status_is_a_no_or_a_not_now(status: int, outcome: type[Exception], code: str) -> None:
    with Sink() as sink:
        sink.answer_always(Answer(status, MARKED.encode(), {"Location": f"http://127.0.0.1:1/{MARKED}"}))
        with pytest.raises(outcome) as raised:
            post(sink.url)

    assert raised.value.args == (code,)
    assert raised.value.__cause__ is None
    assert len(sink.everything) == 1


def test_an_overlong_reply_is_read_to_the_cap_only() -> None:
    sent = []

    def speak(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(2000):
            connection.sendall(b"x" * 65536)
            sent.append(65536)

    with raw_server(speak) as url:
        reply = post(url)

    assert reply.body == b""
    assert sum(sent) < 100 * REPLY_CAP
    with pytest.raises(TryLater, match=r"^odd_reply$"):
        reply.json()


def test_a_compressed_reply_is_not_unpacked() -> None:
    packed = gzip.compress(json.dumps({"id": 1}).encode())
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with raw_server(lambda connection: connection.sendall(head + packed)) as url:
        reply = post(url)

    assert reply.body == packed
    with pytest.raises(TryLater, match=r"^odd_reply$"):
        reply.json()


def test_takes_no_proxy_and_no_password_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    with Sink() as sink:
        sink.answer_always(Answer(422))
        with pytest.raises(Declined):
            post(sink.url)

    assert "authorization" not in sink.everything[0].headers


@pytest.mark.parametrize("path", ["@127.0.0.1:1/x", ".example/x"])
def test_speaks_to_its_own_host_only(path: str) -> None:
    with pytest.raises(Declined, match=r"^foreign_host$"):
        a_transport("http://127.0.0.1:9").call("GET", path, until=monotonic() + 1, headers={})


def test_the_timer_goes_when_no_call_comes_and_is_there_again_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched: ten idle seconds without waiting for them."""
    monkeypatch.setattr(watching, "IDLE_S", 0.05)
    with Sink() as sink:
        transport = a_transport(sink.url)
        sink.answer_always(Answer(422))
        for _ in range(2):
            with pytest.raises(Declined):
                transport.call("GET", "/x", until=monotonic() + 5, headers={})
            timer = transport._timer._thread
            assert timer is not None
            timer.join(5)

            assert not timer.is_alive()
