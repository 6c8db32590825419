"""A call connects to an address that was judged and to no other, whatever a name leads to later."""

import socket
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest

from router.errors import TryLater
from router.vocabulary import Scope
from tests.loopback import Answer
from tests.oddservers import a_transport, raw_server, say
from tests.servers import Sink
from workers.channels.addresses import MOST_TRIED
from workers.channels.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Names:
    """A resolver that answers as it is told, the last answer again and again, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        self.asked.append((host, port))
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        return [found for address in answer for found in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)]


def get(transport: Transport, *, within_s: float = 5.0) -> None:
    transport.call("GET", "/x", until=monotonic() + within_s, headers={})


def named(sink: Sink, host: str) -> str:
    """Return the sink's address under a name; in clear, which is for this machine only."""
    return sink.url.replace("127.0.0.1", host)


def test_a_name_is_looked_up_once_for_each_line_and_what_was_judged_is_connected_to() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    with Sink() as sink:
        sink.answer_always(Answer(404))
        transport = a_transport(named(sink, "localhost"), resolve=names)
        for _ in range(3):
            with pytest.raises(TryLater, match=r"^http_404$"):
                get(transport)

        assert names.asked == [("localhost", int(sink.url.rpartition(":")[2]))]
        assert {request.headers["host"] for request in sink.everything} == {named(sink, "localhost")[7:]}


def test_a_name_that_leads_elsewhere_by_the_next_line_is_judged_anew() -> None:
    """DNS rebinding: good at first, ours later."""
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    with raw_server(say(OK)) as url:
        transport = a_transport(
            url.replace("127.0.0.1", "localhost"), scope=Scope.EXTERNAL, networks=["127.0.0.1"], resolve=names
        )
        get(transport)
        with pytest.raises(TryLater, match=r"^refused_address$") as raised:
            get(transport)

    assert not raised.value.ambiguous
    assert len(names.asked) == 2


@pytest.mark.parametrize(
    "found",
    [
        ["169.254.169.254"],
        ["127.0.0.1", "169.254.169.254"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["0.0.0.0"],  # noqa: S104 - nothing is bound
        ["::"],
        ["224.0.0.1"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_one_bad_address_is_enough_and_nothing_is_sent(method: str, found: list[str]) -> None:
    with Sink() as sink:
        transport = a_transport(named(sink, "localhost"), resolve=Names(found))
        with pytest.raises(TryLater, match=r"^refused_address$") as raised:
            transport.call(method, until=monotonic() + 5, headers={}, body=b"{}")

    assert sink.everything == []
    assert not raised.value.ambiguous
    assert raised.value.__context__ is None


@pytest.mark.parametrize("found", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd12::1", "100.64.0.1"])
def test_an_external_channel_goes_to_no_address_of_ours(found: str) -> None:
    transport = a_transport("https://tickets.example.org", scope=Scope.EXTERNAL, resolve=Names([found]))

    with pytest.raises(TryLater, match=r"^refused_address$"):
        get(transport)


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254/", "https://[64:ff9b::7f00:1]/", "https://[::ffff:a9fe:a9fe]/"]
)
def test_an_address_in_place_of_a_name_is_judged_as_well(url: str) -> None:
    with pytest.raises(TryLater, match=r"^refused_address$"):
        get(a_transport(url))


@pytest.mark.parametrize("written", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
def test_whatever_the_resolver_takes_for_an_address_is_judged_by_what_it_is(written: str) -> None:
    """No such name loads; should one come all the same, as an alias in DNS for one, the resolver's answer counts."""
    found = socket.getaddrinfo(written, 443, type=socket.SOCK_STREAM)

    transport = a_transport("https://tickets.example.org", scope=Scope.EXTERNAL, resolve=lambda _host, _port: found)
    with pytest.raises(TryLater, match=r"^refused_address$"):
        get(transport)


def test_what_is_sent_in_clear_does_not_leave_the_machine() -> None:
    transport = a_transport("http://localhost:80", resolve=Names(["10.0.0.1"]))

    with pytest.raises(TryLater, match=r"^refused_address$"):
        get(transport)


def test_a_name_without_an_address_is_unreachable() -> None:
    def unknown(_host: str, _port: int) -> Sequence[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "MARKED-7f3a")

    for resolve in (unknown, Names([])):
        with pytest.raises(TryLater, match=r"^unreachable$") as raised:
            get(a_transport("https://tickets.example.org", resolve=resolve))
        assert raised.value.__context__ is None


@pytest.mark.parametrize("host", ["a" * 64 + ".example.org", "a..example.org", "xn--zzzzz-.example.org"])
def test_a_name_that_is_none_is_unreachable(host: str) -> None:
    with pytest.raises(TryLater, match=r"^unreachable$"):
        get(a_transport(f"https://{host}"))


def test_a_resolver_that_hangs_ends_with_the_call_and_is_asked_once_for_all_who_wait() -> None:
    go_on = threading.Event()
    asked: list[str] = []

    def hangs(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        asked.append(host)
        go_on.wait(30)
        return Names(["127.0.0.1"])(host, port)

    with Sink() as sink:
        transport = a_transport(named(sink, "localhost"), resolve=hangs)
        began = monotonic()
        for _ in range(3):
            with pytest.raises(TryLater, match=r"^unreachable$"):
                get(transport, within_s=0.2)
        assert monotonic() - began < 5
        assert asked == ["localhost"]

        sink.answer_always(Answer(404))
        go_on.set()
        with pytest.raises(TryLater, match=r"^http_404$"):
            get(transport)


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = socket.getaddrinfo("127.0.0.1", listener.getsockname()[1], type=socket.SOCK_STREAM)
    with Sink() as sink:
        sink.answer_always(Answer(404))
        transport = a_transport(
            named(sink, "localhost"), resolve=lambda host, port: [*nobody, *Names(["127.0.0.1"])(host, port)]
        )
        with pytest.raises(TryLater, match=r"^http_404$"):
            get(transport)


def test_of_very_many_addresses_a_few_are_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = Names(["127.0.0.1"] * 1000)
    began = monotonic()
    with pytest.raises(TryLater, match=r"^unreachable$"):
        get(a_transport(f"http://localhost:{port}", resolve=found))

    assert monotonic() - began < 5
    assert MOST_TRIED < 10
