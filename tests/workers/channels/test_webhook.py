"""The webhook is signed, carries the same id at every attempt, and believes a 2xx only."""

import pytest

from router import clock
from router.channels import webhook
from router.errors import Declined, TryLater
from router.model import LeasedReferral, Payload, Proof, Referral
from tests.servers import SINK_SECRET, Answer, Sink
from tests.workers.rooms import SURROUNDINGS
from workers.channels.webhook import WebhookSender

PAYLOAD = Payload(b'{"type":"referral.created"}', "application/json")
KEY = "0123456789abcdef" * 2


def send(url: str) -> Proof:
    sender = WebhookSender(webhook.Settings(url=url, secret="env:SINK_SECRET"), SURROUNDINGS)
    leased = LeasedReferral(KEY, "desk", Referral(reference="CR-AAAA-BBBB-CCCC"), 1, 1, clock.now())
    return sender.send(leased, PAYLOAD, deadline_s=5)


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
