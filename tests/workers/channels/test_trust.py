"""TLS is verified, by whom the channel trusts, before a byte of a request leaves."""

import socket
import ssl
import warnings
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from router.errors import TryLater
from tests.certificates import Authority, Pair
from tests.oddservers import Speak, a_transport, raw_server, say, tls
from workers.channels.replies import Reply
from workers.channels.trust import Trust

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NAME = "tickets.example.org"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


def here(_host: str, port: int) -> Sequence[tuple[Any, ...]]:
    return socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)


def post(url: str, host: str = NAME, **settings: Any) -> Reply:
    port = url.rpartition(":")[2]
    transport = a_transport(f"https://{host}:{port}", resolve=here, **settings)
    return transport.call("POST", "/x", until=monotonic() + 5, headers={}, body=b"{}")


class Heard:
    """Answers a request that came over TLS, and keeps it."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    def __call__(self, line: socket.socket) -> None:
        request = b""
        while not request.endswith(b"{}") and (more := line.recv(65536)):
            request += more
        self.requests.append(request)
        line.sendall(OK)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def serve(context: ssl.SSLContext, speak: Speak) -> Any:
    return raw_server(tls(context, speak), read_first=False)


def refused(pair: Pair, *, context: ssl.SSLContext | None = None, host: str = NAME, **settings: Any) -> None:
    """Post, and see that TLS failed for good, without a byte of the request and without doubt."""
    heard = Heard()
    with (
        serve(context or pair.server(), heard) as url,
        pytest.raises(TryLater, match=r"^tls_failed$") as raised,
    ):
        post(url, host, **settings)

    assert not any(heard.requests)
    assert not raised.value.ambiguous
    assert raised.value.__context__ is None


def test_a_service_that_our_authority_vouches_for_is_called_by_its_name(authority: Authority) -> None:
    heard, asked = Heard(), []
    context = authority.vouch(NAME).server()
    context.sni_callback = lambda _line, name, _context: asked.append(name)
    with serve(context, heard) as url:
        reply = post(url, ca=str(authority.file))

    assert (reply.status, asked) == (200, [NAME])
    assert f"Host: {NAME}:{url.rpartition(':')[2]}\r\n".encode() in heard.requests[0]


def test_a_dot_at_the_end_of_the_name_is_for_the_resolver_alone(authority: Authority) -> None:
    heard, asked = Heard(), []
    context = authority.vouch(NAME).server()
    context.sni_callback = lambda _line, name, _context: asked.append(name)
    with serve(context, heard) as url:
        post(url, f"{NAME}.", ca=str(authority.file))

    assert asked == [NAME]


def test_a_service_may_be_an_address(authority: Authority) -> None:
    with serve(authority.vouch("127.0.0.1").server(), Heard()) as url:
        assert post(url, "127.0.0.1", ca=str(authority.file)).status == 200


def test_one_that_nobody_vouches_for_is_not_spoken_to(authority: Authority) -> None:
    refused(authority.vouch(NAME))


def test_one_that_another_authority_vouches_for_is_not_spoken_to(authority: Authority, tmp_path: Path) -> None:
    refused(Authority(tmp_path / "theirs").vouch(NAME), ca=str(authority.file))


def test_one_whose_certificate_ran_out_is_not_spoken_to(authority: Authority) -> None:
    refused(authority.vouch(NAME, days=-1), ca=str(authority.file))


@pytest.mark.parametrize("host", ["other.example.org", "127.0.0.1", "a.tickets.example.org"])
def test_one_of_another_name_is_not_spoken_to(authority: Authority, host: str) -> None:
    refused(authority.vouch(NAME), host=host, ca=str(authority.file))


def test_one_that_knows_nothing_newer_than_tls_1_1_is_not_spoken_to(authority: Authority) -> None:
    pair = authority.vouch(NAME)
    context = pair.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    # Without this OpenSSL 3 does not offer it any more.
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert speaks_tls_1_1(context, authority)

    refused(pair, context=context, ca=str(authority.file))


def speaks_tls_1_1(server: ssl.SSLContext, authority: Authority) -> bool:
    """Say whether a client that is content with it gets through: else the test would show nothing."""
    client = ssl.create_default_context(cafile=str(authority.file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1
    client.set_ciphers("ALL:@SECLEVEL=0")
    with serve(server, Heard()) as url:
        line = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        with client.wrap_socket(line, server_hostname=NAME) as spoken:
            return spoken.version() == "TLSv1.1"


@pytest.mark.parametrize("oldest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_1_2_and_1_3_will_do(authority: Authority, oldest: ssl.TLSVersion) -> None:
    context = authority.vouch(NAME).server()
    context.maximum_version = oldest
    with serve(context, Heard()) as url:
        assert post(url, ca=str(authority.file)).status == 200


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"220 mail ESMTP\r\n"])
def test_a_port_where_something_else_listens_gets_nothing_of_the_request(says: bytes) -> None:
    heard: list[bytes] = []
    with raw_server(say(says), heard=heard) as url, pytest.raises(TryLater, match=r"^tls_failed$"):
        post(url)

    assert b"POST" not in b"".join(heard)


def test_one_that_hangs_up_in_the_handshake_is_unreachable() -> None:
    with raw_server(say()) as url, pytest.raises(TryLater, match=r"^unreachable$"):
        post(url)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("apart", [False, True], ids=["in one file", "key apart"])
def test_we_show_our_certificate_to_a_service_that_wants_one(
    authority: Authority, tmp_path: Path, newest: ssl.TLSVersion, *, apart: bool
) -> None:
    us, context = authority.vouch("router", called="us"), authority.vouch(NAME).server(clients_of=authority)
    context.maximum_version = newest
    (tmp_path / "both.pem").write_bytes(us.certificate.read_bytes() + us.key.read_bytes())
    shown = {"client_certificate": str(us.certificate), "client_key": str(us.key)}
    if not apart:
        shown = {"client_certificate": str(tmp_path / "both.pem")}
    with serve(context, Heard()) as url:
        assert post(url, ca=str(authority.file), **shown).status == 200


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shows", ["none", "another authority's"])
def test_one_that_does_not_let_us_in_was_sent_nothing(
    authority: Authority, tmp_path: Path, newest: ssl.TLSVersion, shows: str
) -> None:
    """In TLS 1.3 the request may be on its way by then; what refuses us has not read it."""
    pair = authority.vouch(NAME)
    context = pair.server(clients_of=authority)
    context.maximum_version = newest
    settings: dict[str, Any] = {"ca": str(authority.file)}
    if shows != "none":
        us = Authority(tmp_path / "theirs").vouch("router")
        settings |= {"client_certificate": str(us.certificate), "client_key": str(us.key)}

    refused(pair, context=context, **settings)


@pytest.mark.parametrize("key", ["ca", "client_certificate"])
@pytest.mark.parametrize("content", [None, b"", b"MARKED-7f3a"], ids=["missing", "empty", "nonsense"])
def test_a_file_that_cannot_be_used_fails_before_anything_is_sent(
    authority: Authority, tmp_path: Path, key: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "odd.pem").write_bytes(content)

    settings: dict[str, Any] = {"ca": str(authority.file), key: str(tmp_path / "odd.pem")}
    refused(authority.vouch(NAME), **settings)


def test_a_key_with_a_passphrase_asks_nobody_for_it(authority: Authority) -> None:
    us = authority.vouch("router", passphrase=b"s3cret", called="us")
    shown: dict[str, Any] = {"client_certificate": str(us.certificate), "client_key": str(us.key)}

    refused(authority.vouch(NAME), ca=str(authority.file), **shown)


def test_renewed_files_count_from_the_next_line_on(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(Authority(tmp_path / "theirs").file.read_bytes())
    pair = authority.vouch(NAME)
    with serve(pair.server(), Heard()) as url:
        transport = a_transport(f"https://{NAME}:{url.rpartition(':')[2]}", resolve=here, ca=str(file))
        with pytest.raises(TryLater, match=r"^tls_failed$"):
            transport.call("POST", until=monotonic() + 5, headers={}, body=b"{}")
        file.write_bytes(authority.file.read_bytes())
        assert transport.call("POST", until=monotonic() + 5, headers={}, body=b"{}").status == 200


def test_the_environment_vouches_for_nobody_and_writes_no_keys(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.file))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))

    refused(authority.vouch(NAME))
    with serve(authority.vouch(NAME).server(), Heard()) as url:
        post(url, ca=str(authority.file))
    assert not (tmp_path / "keys").exists()


def test_only_the_channel_s_own_authorities_vouch_and_nothing_older_than_1_2_is_offered(authority: Authority) -> None:
    with serve(authority.vouch(NAME).server(), Heard()) as url:
        transport = a_transport(f"https://{NAME}:{port_of(url)}", resolve=here, ca=str(authority.file))
        transport.call("POST", until=monotonic() + 5, headers={}, body=b"{}")
    context = transport._trust.context()

    assert context.cert_store_stats()["x509_ca"] == 1
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_says_which_setting_names_a_file_that_cannot_be_used(authority: Authority) -> None:
    us, good = authority.vouch("router"), str(authority.file)
    pair = str(us.certificate), str(us.key)

    assert Trust(good, None, None).unusable() == ""
    assert Trust(good, *pair).unusable() == ""
    assert Trust("/not/there", *pair).unusable() == "ca"
    assert Trust(good, "/not/there", None).unusable() == "client_certificate"
    assert Trust(good, pair[0], "/not/there").unusable() == "client_certificate"
