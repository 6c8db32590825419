"""The stand-ins themselves: a stand-in that forgives would hide our faults."""

import json
import threading
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

import pytest
from standardwebhooks import Webhook

from router import clock
from tests.proxy import Proxy
from tests.servers import RT_TOKEN, SINK_SECRET, Answer, Received, Sink, StandInRT


def post(url: str, key: str, body: bytes, *, secret: str = SINK_SECRET) -> int:
    at: datetime = clock.now()
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, at.astimezone(UTC), body.decode()),
    }
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            return int(reply.status)
    except HTTPError as error:
        error.close()
        return error.code


def rt(server: StandInRT, method: str, path: str, body: object = None) -> tuple[int, object]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {RT_TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.rest_url}/{path}", data, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
        return reply.status, json.load(reply)


def test_a_repeat_gets_2xx_and_is_counted_apart() -> None:
    with Sink() as sink:
        statuses = [post(sink.url, key, b"{}") for key in ("a", "b", "a")]

    assert statuses == [200, 200, 200]
    assert list(sink.taken) == ["a", "b"]
    assert [r.headers["webhook-id"] for r in sink.repeats] == ["a"]


def test_a_forged_signature_gets_401_and_takes_no_effect() -> None:
    with Sink() as sink:
        status = post(sink.url, "a", b"{}", secret="whsec_" + "b3RoZXI=")

    assert status == 401
    assert not sink.taken


def test_scripted_refusals_take_no_effect_and_a_cut_after_the_effect_does() -> None:
    with Sink() as sink:
        sink.answer_next(Answer(503, headers={"Retry-After": "1"}), Answer(cut=True))
        assert post(sink.url, "a", b"{}") == 503
        assert not sink.taken
        with pytest.raises((URLError, ConnectionError)):
            post(sink.url, "a", b"{}")

    assert list(sink.taken) == ["a"]


def test_the_hook_runs_between_effect_and_answer() -> None:
    seen: list[int] = []
    with Sink() as sink:
        sink.before_answer = lambda _request: seen.append(len(sink.taken))
        post(sink.url, "a", b"{}")

    assert seen == [1]


def test_the_stand_in_drops_unknown_custom_fields_and_still_says_201() -> None:
    with StandInRT() as server:
        fields = {"Reference id": "CR-1", "Colour": "red"}
        status, _ = rt(server, "POST", "ticket", {"Queue": "Safeguarding", "Subject": "x", "CustomFields": fields})

    assert status == 201
    assert server.values(server.tickets[0]) == {"Reference id": "CR-1"}


@pytest.mark.parametrize(
    ("query", "total"),
    [("'CF.{Reference id}' = 'CR-1'", 1), ("'CF.{Referense id}' = 'CR-1'", 0), ("'CF.{Reference id}' = 'CR-2'", 0)],
)
def test_the_stand_in_finds_by_custom_field_and_nothing_by_a_misspelt_one(query: str, total: int) -> None:
    with StandInRT() as server:
        rt(server, "POST", "ticket", {"Queue": "Safeguarding", "CustomFields": {"Reference id": "CR-1"}})
        _, found = rt(server, "GET", f"tickets?query={quote(query)}&fields=CustomFields")

    assert isinstance(found, dict)
    assert found["total"] == total


def test_the_proxy_calls_with_the_answer_in_hand_and_cuts_when_told() -> None:
    calls: list[tuple[bytes, bytes]] = []

    def once(request: bytes, answer: bytes) -> bool:
        calls.append((request, answer))
        return len(calls) > 1

    with Sink() as sink, Proxy("127.0.0.1", int(urlsplit(sink.url).port or 0), on_answer=once) as proxy:
        with pytest.raises((URLError, ConnectionError)):
            post(proxy.url, "a", b"{}")
        assert post(proxy.url, "a", b"{}") == 200

    assert calls[0][0].startswith(b"POST ")
    assert calls[0][1].startswith(b"HTTP/1.1 200")
    assert list(sink.taken) == ["a"]
    assert len(sink.repeats) == 1


def ask(url: str) -> None:
    with suppress(URLError, ConnectionError, HTTPException):
        post(url, "a", b"{}")


def test_servers_end_even_while_they_hang() -> None:
    with Sink() as sink:
        sink.answer_next(Answer(hang_s=60))
        asker = threading.Thread(target=ask, args=(sink.url,))
        asker.start()
        assert sink.wait_for(1)
    asker.join(5)

    assert not asker.is_alive()
    assert isinstance(sink.taken["a"], Received)
