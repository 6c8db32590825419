"""The webhook is signed, carries the same id at every attempt, and believes a 2xx only."""

import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from router import clock
from router.channels import webhook
from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Referral
from router.vocabulary import Scope
from tests.certificates import Authority
from tests.oddservers import a_transport, raw_server, say, tls
from tests.servers import SINK_SECRET, Answer, Sink
from workers.channels.base import Surroundings
from workers.channels.webhook import WebhookSender

PAYLOAD = Payload(b'{"type":"referral.created"}', "application/json")
KEY = "0123456789abcdef" * 2


def a_sender(url: str, *, scope: Scope = Scope.INTERNAL, **given: Any) -> WebhookSender:
    settings = webhook.Settings.model_validate({"url": url, "secret": "env:SINK_SECRET", **given})
    return WebhookSender(settings, Surroundings(Path("/not/used"), scope))


def a_lease(key: str = KEY) -> LeasedReferral:
    return LeasedReferral(key, "desk", Referral(reference="CR-AAAA-BBBB-CCCC"), 1, 1, clock.now())


def send(url: str) -> Proof:
    return a_sender(url).send(a_lease(), PAYLOAD, deadline_s=5)


@pytest.fixture(autouse=True)
def _known_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINK_SECRET", SINK_SECRET)


def test_a_receiver_that_checks_signatures_takes_it() -> None:
    with Sink() as sink:
        proof = send(f"{sink.url}/here")

        assert proof == Proof(KEY)
        assert sink.taken[KEY].body == PAYLOAD.body
        assert sink.taken[KEY].path == "/here"
        assert not sink.forged


def test_a_second_attempt_carries_the_same_id() -> None:
    with Sink() as sink:
        sink.answer_next(Answer(cut=True))
        with pytest.raises(TryLater, match=r"^no_answer$"):
            send(sink.url)
        send(sink.url)

        assert list(sink.taken) == [KEY]
        assert len(sink.repeats) == 1


def test_asked_to_wait_it_says_for_how_long() -> None:
    with Sink() as sink:
        sink.answer_next(Answer(503, headers={"Retry-After": "120"}))
        with pytest.raises(TryLater) as raised:
            send(sink.url)

    assert raised.value.retry_after_s == 120


def test_a_refusal_is_final() -> None:
    with Sink() as sink:
        sink.answer_next(Answer(422))
        with pytest.raises(Declined, match=r"^http_422$"):
            send(sink.url)


@pytest.mark.parametrize("key", ["", "whsec_", "not base64, but long enough!", "c2hvcnQ="])
def test_a_secret_that_cannot_sign_holds_the_referral(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SINK_SECRET", key)
    with Sink() as sink, pytest.raises(TryLater, match=r"^secret_(missing|malformed)$"):
        send(sink.url)


def test_many_at_once_are_each_taken_once() -> None:
    keys = [f"{n:032x}" for n in range(192)]
    with Sink() as sink, ThreadPoolExecutor(64) as threads:
        sender = a_sender(sink.url)
        proofs = list(threads.map(lambda key: sender.send(a_lease(key), PAYLOAD, deadline_s=20), keys))

        assert proofs == [Proof(key) for key in keys]
        assert set(sink.taken) == set(keys)
        assert not sink.repeats


def test_a_500_after_it_was_taken_is_in_doubt_and_the_next_attempt_is_dropped_there() -> None:
    with Sink() as sink:
        sink.answer_next(Answer(201, cut=True))
        with pytest.raises(TryLater) as raised:
            send(sink.url)
        send(sink.url)

        assert raised.value.ambiguous
        assert (list(sink.taken), len(sink.repeats)) == ([KEY], 1)


def test_a_check_finds_nothing_wrong_and_sends_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []
    authority = Authority(tmp_path / "ours")
    over_tls = tls(authority.vouch("127.0.0.1").server(), lambda line: heard.append(line.recv(100)))
    with Sink() as sink, raw_server(over_tls, read_first=False) as url:
        plainly = a_sender(sink.url).check(deadline_s=5)
        encrypted = a_sender(url.replace("http", "https"), ca=str(authority.file)).check(deadline_s=5)

        assert (plainly, encrypted) == ((), ())
        assert sink.everything == []
    assert not any(heard)


def test_a_check_names_what_cannot_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    shown: dict[str, Any] = {"ca": str(authority.file), "client_certificate": "/not/there.pem"}
    with raw_server(tls(authority.vouch("127.0.0.1").server(), say()), read_first=False) as url:
        secure = url.replace("http", "https")
        found = {
            "nobody vouches": a_sender(secure).check(deadline_s=5),
            "no ca": a_sender(secure, ca="/not/there.pem").check(deadline_s=5),
            "no certificate": a_sender(secure, **shown).check(deadline_s=5),
            "inside": a_sender("http://localhost:1", scope=Scope.EXTERNAL).check(deadline_s=5),
        }
        monkeypatch.setenv("SINK_SECRET", "c2hvcnQ=")
        found["short secret"] = a_sender(secure, ca=str(authority.file)).check(deadline_s=5)
        monkeypatch.delenv("SINK_SECRET")
        found["no secret"] = a_sender(secure).check(deadline_s=5)

    assert found == {
        "nobody vouches": (Finding("tls_failed", "url"),),
        "no ca": (Finding("tls_failed", "ca"),),
        "no certificate": (Finding("tls_failed", "client_certificate"),),
        "inside": (Finding("refused_address", "url"),),
        "short secret": (Finding("secret_malformed", "secret"),),
        "no secret": (Finding("secret_missing", "secret"), Finding("tls_failed", "url")),
    }


def test_a_check_cannot_say_when_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(TryLater, match=r"^unreachable$"):
        a_sender(f"http://127.0.0.1:{port}").check(deadline_s=5)


@pytest.mark.parametrize("key", [SINK_SECRET, "MARKED-7f3a, no base64", "MARKED-7f3a\r\nX: 1", "MARKED-7f3a\u00e9"])
def test_the_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SINK_SECRET", key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sender = a_sender(url)
    with pytest.raises(TryLater) as raised:
        sender.send(a_lease(), PAYLOAD, deadline_s=5)

    settings = webhook.Settings(url=url, secret="env:SINK_SECRET")
    told = [f"{thing!r} {thing}" for thing in (sender, a_transport(url), settings, raised.value)]
    told += [repr(vars(sender)), repr(vars(raised.value)), *traceback.format_exception(raised.value)]
    assert not [text for text in told if "MARKED" in text or SINK_SECRET.removeprefix("whsec_") in text]
    assert raised.value.__context__ is None
