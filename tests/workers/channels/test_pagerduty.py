"""PagerDuty's events: one key for a case, resolved on a recall, nothing of the matter; only its own 202 is believed."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest

from router.channels import pagerduty
from router.channels.pagerduty import SEVERITIES, UNSAID
from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Proof, Referral
from router.vocabulary import Awaited, Notice, Proven, Severity
from tests.loopback import Answer
from tests.standins.pagerduty import ROUTING_KEY, PagerdutyStandIn
from tests.workers.channels.tickets.desks import FIRST, RECALL, REFERENCE, REMINDER, leased
from tests.workers.rooms import SURROUNDINGS
from workers.channels.pagerduty import PagerdutySender

EVERYTHING: Final = Referral(
    reference=REFERENCE, category="marked_7f3a", severity=Severity.HIGH, site="marked_7f3a", asset_tag="MARKED-7f3a"
)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[PagerdutyStandIn]:
    monkeypatch.setenv("PAGERDUTY_KEY", ROUTING_KEY)
    with PagerdutyStandIn() as running:
        yield running
        assert not running.broken


def configured(url: str = "https://events.pagerduty.com", **more: Any) -> pagerduty.Settings:
    return pagerduty.Settings.model_validate({"url": url, "routing_key": "env:PAGERDUTY_KEY", **more})


def send(there: PagerdutyStandIn, what: Referral | LeasedReferral = FIRST, **more: Any) -> Proof:
    given, job = configured(there.url, **more), leased(what) if isinstance(what, Referral) else what
    payload = pagerduty.render(given, job.fields, key=job.id)
    return PagerdutySender(given, SURROUNDINGS).send(job, payload, deadline_s=5)


def rendered(referral: Referral, **more: Any) -> Any:
    return orjson.loads(pagerduty.render(configured(**more), referral, key="").body)


def test_a_case_rings_once_and_the_proof_is_the_key(there: PagerdutyStandIn) -> None:
    proof = send(there)

    (incident,) = there.incidents
    assert (incident.key, incident.is_open) == (REFERENCE, True)
    assert (proof.remote_id, proof.proven) == (REFERENCE, Proven.ACCEPTED)


def test_a_lost_answer_makes_no_second_incident(there: PagerdutyStandIn) -> None:
    there.lose = 1
    with pytest.raises(TryLater) as later:
        send(there)
    send(there)

    assert (later.value.code, later.value.ambiguous) == ("no_answer", True)
    assert len(there.incidents) == 1
    assert len({request.body for request in there.everything}) == 1


def test_what_comes_later_is_put_to_the_open_incident_and_opens_another_after_that(there: PagerdutyStandIn) -> None:
    send(there)
    send(there, REMINDER)
    there.incidents[0].is_open = False
    send(there, REMINDER)

    assert [incident.is_open for incident in there.incidents] == [False, True]


def test_a_recall_resolves_what_rang_and_says_nothing(there: PagerdutyStandIn) -> None:
    send(there)
    send(there, RECALL)

    assert [incident.is_open for incident in there.incidents] == [False]
    assert rendered(RECALL) == {"event_action": "resolve", "dedup_key": REFERENCE}


def test_no_fact_but_the_severity_unless_it_is_listed() -> None:
    event = rendered(EVERYTHING)

    assert event["payload"] == {
        "summary": f"{REFERENCE} confidential referral",
        "source": "concern-router",
        "severity": "error",
    }
    assert rendered(EVERYTHING, details=["site"])["payload"]["custom_details"] == {"site": "marked_7f3a"}


def test_what_is_listed_is_what_can_be_shown_and_must_be_carried() -> None:
    carries = frozenset({"severity", "category", "site"})

    assert pagerduty.fields_shown(configured(), carries) == {"severity"}
    assert pagerduty.fields_shown(configured(details=["site"]), carries) == {"severity", "site"}
    assert pagerduty.fields_named(configured(details=["site"])) == {"site"}


@pytest.mark.parametrize("severity", list(Severity))
def test_each_severity_is_one_of_pagerdutys(severity: Severity, there: PagerdutyStandIn) -> None:
    send(there, FIRST.model_copy(update={"severity": severity}))

    assert there.everything[0].json["payload"]["severity"] == SEVERITIES[severity]


def test_without_a_severity_it_rings_all_the_same() -> None:
    assert rendered(REMINDER)["payload"]["severity"] == UNSAID


def test_a_drill_says_that_it_is_none() -> None:
    event = rendered(Referral(reference="DRILL-AAAA-BBBB-CCCC", notice=Notice.DRILL))

    assert "drill, not a case" in event["payload"]["summary"]
    assert event["payload"]["custom_details"]["said"].startswith("This is a drill")


def test_a_reminder_says_nothing_of_what_is_awaited_or_until_when() -> None:
    said = REMINDER.model_copy(update={"awaited": Awaited.DECIDE})

    assert rendered(said)["payload"].keys() == {"summary", "source", "severity"}


def test_a_key_that_is_not_known_keeps_every_case_waiting(there: PagerdutyStandIn) -> None:
    there.forget_account()
    with pytest.raises(TryLater, match=r"^not_authorised$"):
        send(there)

    assert not there.incidents


def test_asked_to_slow_down_it_waits_as_long_as_it_says(there: PagerdutyStandIn) -> None:
    there.limited = 1
    with pytest.raises(TryLater) as later:
        send(there)

    assert (later.value.code, later.value.retry_after_s, later.value.ambiguous) == ("http_429", 7.0, False)


@pytest.mark.parametrize(
    "said",
    [
        Answer(200, b'{"status":"success","dedup_key":"CR-AAAA-BBBB-CCCC"}'),
        Answer(202, b"<html>welcome</html>"),
        Answer(202, b'{"status":"success","dedup_key":"CR-0000-0000-0000"}'),
        Answer(202, b"[]"),
    ],
)
def test_only_its_own_yes_to_this_event_is_believed(there: PagerdutyStandIn, said: Answer) -> None:
    there.instead = said
    with pytest.raises(TryLater) as later:
        send(there)

    assert (later.value.code, later.value.ambiguous) == ("odd_reply", True)


def test_an_event_that_is_too_large_is_declined(there: PagerdutyStandIn) -> None:
    there.answer_next(Answer(413))
    with pytest.raises(Declined, match=r"^http_413$"):
        send(there)


def test_check_sends_nothing_and_is_content(there: PagerdutyStandIn) -> None:
    assert PagerdutySender(configured(there.url), SURROUNDINGS).check(deadline_s=5) == ()
    assert not there.everything


@pytest.mark.parametrize(("key", "code"), [("", "secret_missing"), ("short", "secret_malformed")])
def test_check_finds_a_key_that_is_none(
    there: PagerdutyStandIn, monkeypatch: pytest.MonkeyPatch, key: str, code: str
) -> None:
    monkeypatch.setenv("PAGERDUTY_KEY", key)

    found = PagerdutySender(configured(there.url), SURROUNDINGS).check(deadline_s=5)
    assert found == (Finding(code, "routing_key"),)


def test_two_channels_with_one_key_would_ring_once_and_are_told_apart() -> None:
    assert pagerduty.place(configured()) == pagerduty.place(configured("https://events.pagerduty.com/"))
    assert pagerduty.place(configured()) != pagerduty.place(configured(routing_key="env:OTHER"))
