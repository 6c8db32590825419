"""What is wrong with RT, or with our account there, is found before the first ticket, by our own names."""

from collections.abc import Iterator
from typing import Any

import pytest

from router.channels import rt
from router.errors import TryLater
from tests.servers import RT_TOKEN, Answer, StandInRT
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import RtSender

FIELDS = {"reference": "Reference id", "category": "Category", "severity": "Severity"}
SELECT = {"Type": "Select", "MaxValues": "1", "Values": ["low", "medium", "high", "critical"]}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT(queues=("Safeguarding", "Withdrawn")) as server:
        yield server


def sender(there: StandInRT, **more: Any) -> RtSender:
    given = {"url": there.url, "token": "env:RT_TOKEN", "queue": "Safeguarding", "custom_fields": FIELDS, **more}
    return RtSender(rt.Settings(**given), SURROUNDINGS)


def check(there: StandInRT, **more: Any) -> list[tuple[str, str]]:
    return [(found.code, found.named) for found in sender(there, **more).check(deadline_s=10)]


def test_a_good_one_has_no_findings_and_is_only_read(there: StandInRT) -> None:
    there.made_like["Severity"] = SELECT

    assert check(there, recall_queue="Withdrawn") == []
    assert {request.method for request in there.everything} == {"GET"}


def test_a_token_that_rt_does_not_know_is_said(there: StandInRT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RT_TOKEN", "1-2-wrong")

    assert check(there) == [("not_authorised", "token")]


def test_a_token_that_is_nowhere_is_said_and_rt_not_asked(there: StandInRT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RT_TOKEN")

    assert check(there) == [("secret_missing", "token")]
    assert there.everything == []


@pytest.mark.parametrize("answer", [Answer(404), Answer(200, b"<html>"), Answer(200, b"[]"), Answer(400)])
def test_something_else_at_the_address_is_said(
    there: StandInRT, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(there, "reply", lambda _: answer)

    assert check(there) == [("not_rt", "url")]


def test_a_redirect_is_said(there: StandInRT) -> None:
    there.answer_always(Answer(302, headers={"Location": "https://elsewhere.example.org/"}))

    assert check(there) == [("redirected", "url")]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_says_nothing_of_the_settings_is_asked_again(there: StandInRT, status: int) -> None:
    there.answer_always(Answer(status))
    with pytest.raises(TryLater, match=f"^http_{status}$"):
        check(there)


def test_a_queue_that_is_not_there_or_not_for_us_is_said(there: StandInRT) -> None:
    assert check(there, queue="Safegarding") == [("queue_missing", "Safegarding")]
    there.lacking.add(("Safeguarding", "SeeQueue"))
    assert check(there) == [("queue_missing", "Safeguarding")]


def test_a_queue_that_is_out_of_use_is_said(there: StandInRT) -> None:
    there.disabled.add("Safeguarding")

    assert check(there) == [("queue_disabled", "Safeguarding")]


def test_every_missing_field_is_said_by_its_name(there: StandInRT) -> None:
    there.absent |= {("Safeguarding", "Severity"), ("Safeguarding", "Category"), ("Withdrawn", "Link")}

    assert check(there) == [("field_missing", "Category"), ("field_missing", "Severity")]


@pytest.mark.parametrize("right", ["CreateTicket", "SeeCustomField"])
def test_a_missing_right_is_said(there: StandInRT, right: str) -> None:
    there.lacking.add(("Safeguarding", right))

    assert check(there) == [("right_missing", right)]


@pytest.mark.parametrize("right", ["CommentOnTicket", "ModifyTicket"])
def test_a_right_that_only_a_ticket_shows_is_said_once_there_is_one(there: StandInRT, right: str) -> None:
    there.lacking.add(("Safeguarding", right))
    before = check(there)
    there._create({"Queue": "Safeguarding"})

    assert before == []
    assert check(there) == [("right_missing", right)]


def test_a_closed_ticket_need_not_offer_anything_to_be_done(there: StandInRT) -> None:
    there._create({"Queue": "Safeguarding"})
    there.put(1, "resolved")
    there.lacking.add(("Safeguarding", "ModifyTicket"))

    assert check(there) == []


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (SELECT, None),
        (SELECT | {"Values": ["low", "medium", "high"]}, "values_missing"),
        ({"Type": "Freeform", "MaxValues": "1"}, None),
        ({"Type": "Freeform", "MaxValues": "0"}, "field_unfit"),
        ({"Type": "DateTime", "MaxValues": "1"}, "field_unfit"),
    ],
)
def test_a_field_that_would_not_show_what_is_put_in_is_said(
    there: StandInRT, made: dict[str, Any], code: str | None
) -> None:
    there.made_like["Severity"] = made

    assert check(there) == ([(code, "Severity")] if code else [])


def test_a_list_of_what_the_policy_names_is_not_for_us_to_judge(there: StandInRT) -> None:
    there.made_like["Category"] = SELECT | {"Values": ["fraud"]}

    assert check(there) == []


def test_the_place_for_withdrawn_tickets_is_checked_too(there: StandInRT) -> None:
    assert check(there, recall_queue="Nowhere") == [("queue_missing", "Nowhere")]
    there.lacking.add(("Withdrawn", "CreateTicket"))
    there.absent.add(("Withdrawn", "Reference id"))
    assert check(there, recall_queue="Withdrawn") == [
        ("recall_right_missing", "CreateTicket"),
        ("recall_field_missing", "Reference id"),
    ]
