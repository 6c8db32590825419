"""A proxy is used where channels.yaml names one and nowhere else; TLS goes through it to the service itself."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from router.errors import TryLater
from router.vocabulary import Scope
from tests.certificates import Authority, Pair
from tests.oddservers import Speak, a_transport, drip, raw_server, say, tls
from workers.channels.replies import Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NAME = "tickets.example.org"
PROXY_NAME = "proxy.example.org"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


def only_the_proxy(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """Know the proxy alone, as inside a network that looks nothing else up."""
    assert host in {PROXY_NAME, "127.0.0.1"}
    return socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)


def answer(line: socket.socket) -> None:
    """Answer each request that ends with the body that these tests post."""
    heard = b""
    while more := line.recv(65536):
        heard += more
        if heard.endswith(b"{}"):
            line.sendall(OK)


@contextmanager
def a_proxy(port: int, asked: list[bytes], *, pair: Pair | None = None) -> Iterator[int]:
    """Lead every CONNECT to `port` on this machine, over TLS if there is a pair; yields the proxy's own port."""

    def speak(line: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(65536)
        asked.append(head)
        with socket.create_connection(("127.0.0.1", port)) as further:
            line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(further, line), daemon=True)
            back.start()
            pump(line, further)
            back.join(5)

    with raw_server(speak if pair is None else tls(pair.server(), speak), read_first=False) as url:
        yield int(url.rpartition(":")[2])


def pump(source: socket.socket, to: socket.socket) -> None:
    try:
        while more := source.recv(65536):
            to.sendall(more)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def post(authority: Authority, proxy: str, *, within_s: float = 5.0, **given: Any) -> Reply:
    settings = {"ca": str(authority.file), "proxy": proxy, "resolve": only_the_proxy, **given}
    transport = a_transport(f"https://{NAME}", **settings)
    for _ in range(2):
        reply = transport.call("POST", "/x", until=monotonic() + within_s, headers={"X-Mine": "1"}, body=b"{}")
    return reply


def service(authority: Authority, speak: Speak = answer, *, name: str = NAME) -> Any:
    return raw_server(tls(authority.vouch(name).server(), speak), read_first=False)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
def test_tls_goes_through_the_proxy_to_the_service(authority: Authority, scope: Scope, *, encrypted: bool) -> None:
    pair = authority.vouch(PROXY_NAME, called="proxy") if encrypted else None
    asked: list[bytes] = []
    with service(authority) as url, a_proxy(port_of(url), asked, pair=pair) as port:
        reply = post(authority, f"{'https' if encrypted else 'http'}://{PROXY_NAME}:{port}", scope=scope)

    assert reply.status == 200
    assert [head.split(b"\r\n")[0] for head in asked] == [f"CONNECT {NAME}:443 HTTP/1.0".encode()]
    assert b"X-Mine" not in asked[0]


def test_a_proxy_cannot_pass_for_the_service(authority: Authority) -> None:
    with (
        service(authority, name="other.example.org") as url,
        a_proxy(port_of(url), []) as port,
        pytest.raises(TryLater, match=r"^tls_failed$") as raised,
    ):
        post(authority, f"http://{PROXY_NAME}:{port}")

    assert not raised.value.ambiguous


def test_a_proxy_that_is_not_who_it_should_be_is_not_used(authority: Authority) -> None:
    pair = authority.vouch("other.example.org", called="proxy")
    asked: list[bytes] = []
    with (
        service(authority) as url,
        a_proxy(port_of(url), asked, pair=pair) as port,
        pytest.raises(TryLater, match=r"^tls_failed$"),
    ):
        post(authority, f"https://{PROXY_NAME}:{port}")

    assert asked == []


@pytest.mark.parametrize(
    "says",
    [say(b"HTTP/1.1 407 MARKED-7f3a\r\n\r\n"), say(b"MARKED-7f3a"), say(), drip(b"HTTP/1.1 ")],
    ids=["407", "nonsense", "hangs up", "drips"],
)
def test_a_proxy_that_does_not_let_us_through_leaves_no_doubt(authority: Authority, says: Speak) -> None:
    began = monotonic()
    with raw_server(says) as url, pytest.raises(TryLater, match=r"^unreachable$") as raised:
        post(authority, url, within_s=0.7)

    assert not raised.value.ambiguous
    assert raised.value.__context__ is None
    assert monotonic() - began < 4


def test_a_proxy_is_found_where_machinery_does_not_answer(authority: Authority) -> None:
    def metadata(_host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return socket.getaddrinfo("169.254.169.254", port, type=socket.SOCK_STREAM)

    with pytest.raises(TryLater, match=r"^refused_address$"):
        post(authority, f"http://{PROXY_NAME}:3128", resolve=metadata)


def test_an_address_in_place_of_the_service_s_name_is_judged_though_the_proxy_goes_there() -> None:
    transport = a_transport("https://169.254.169.254", proxy="http://127.0.0.1:1")

    with pytest.raises(TryLater, match=r"^refused_address$"):
        transport.call("GET", until=monotonic() + 5, headers={})


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"])
def test_the_environment_names_no_proxy(authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    asked: list[bytes] = []
    with service(authority, name="127.0.0.1") as url, a_proxy(port_of(url), asked) as port:
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        transport = a_transport(url.replace("http", "https"), ca=str(authority.file))
        assert transport.call("POST", until=monotonic() + 5, headers={}, body=b"{}").status == 200

    assert asked == []


def test_the_environment_takes_no_proxy_away(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    asked: list[bytes] = []
    with service(authority) as url, a_proxy(port_of(url), asked) as port:
        post(authority, f"http://{PROXY_NAME}:{port}")

    assert len(asked) == 1
