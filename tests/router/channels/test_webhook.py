"""What a webhook posts, and where it may post to."""

import orjson
import pytest
from pydantic import ValidationError

from router.channels import webhook
from router.model import Referral
from router.vocabulary import Notice, Urgency

SETTINGS = webhook.Settings(url="https://hooks.example.org/in", secret="env:HOOK_SECRET")


def test_posts_a_type_and_the_fields_that_are_set() -> None:
    referral = Referral(reference="CR-0123-4567-89AB", urgency=(Urgency.ONGOING,))

    payload = webhook.render(SETTINGS, referral, key="k")

    assert orjson.loads(payload.body) == {
        "type": "referral.created",
        "data": {"reference": "CR-0123-4567-89AB", "revision": 1, "urgency": ["ongoing"]},
    }


def test_posts_the_same_bytes_at_every_attempt() -> None:
    referral = Referral(reference="CR-0123-4567-89AB")

    assert webhook.render(SETTINGS, referral, key="k") == webhook.render(SETTINGS, referral, key="k")


def test_calls_a_later_revision_an_update() -> None:
    payload = webhook.render(SETTINGS, Referral(reference="CR-0123-4567-89AB", revision=2), key="k")

    assert orjson.loads(payload.body)["type"] == "referral.updated"


@pytest.mark.parametrize("revision", [1, 2])
@pytest.mark.parametrize("notice", list(Notice))
def test_calls_a_notice_what_it_is(notice: Notice, revision: int) -> None:
    referral = Referral(reference="CR-0123-4567-89AB", revision=revision, notice=notice)
    posted = orjson.loads(webhook.render(SETTINGS, referral, key="k").body)

    assert posted["type"] == f"referral.{notice}"
    assert posted["data"]["notice"] == notice


def test_what_belongs_to_no_case_says_so_in_a_sentence_beside_its_fields() -> None:
    referral = Referral(reference="NOTICE-0123-4567-89AB", notice=Notice.CHANNEL_HELD, about="hr-desk")
    posted = orjson.loads(webhook.render(SETTINGS, referral, key="k").body)

    assert posted["said"].startswith("This is not a case. ")
    assert "concern-router channels check hr-desk" in posted["said"]
    assert "said" not in posted["data"]


@pytest.mark.parametrize("url", ["https://a.example.org", "https://a.example.org:8443/x/y", "http://127.0.0.1:9000/x"])
def test_takes_an_encrypted_address_or_one_on_this_machine(url: str) -> None:
    assert webhook.Settings(url=url, secret="env:S").url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example.org",
        "ftp://a.example.org",
        "https://user:word@a.example.org",
        "https://user@a.example.org",
        "https://a.example.org/?key=1",
        "https://a.example.org/#x",
        "https:///x",
        "https://a.example.org:99999/",
        "https://a.example.org/\n",
        "https://[",
        "javascript:alert(1)",
        "",
    ],
)
def test_refuses_any_other_address(url: str) -> None:
    with pytest.raises(ValidationError):
        webhook.Settings(url=url, secret="env:S")


@pytest.mark.parametrize(
    "secret", ["whsec_abc", "env:lower", "file:relative", "env:-", "hunter2", "file:/a b", "env:A\n"]
)
def test_refuses_a_secret_that_is_not_a_reference_and_does_not_show_it(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        webhook.Settings(url="https://a.example.org", secret=secret)

    assert secret not in str(caught.value)
