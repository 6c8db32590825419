"""What `channels.yaml` may say for Redmine, and the bodies that are made of a referral."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from router.channels import redmine
from router.model import Payload, Referral
from router.vocabulary import Awaited, Notice, Severity

REFERENCE = "CR-AAAA-BBBB-CCCC"
GIVEN: dict[str, Any] = {
    "url": "https://redmine.example.org",
    "key": "env:REDMINE_KEY",
    "project": "safeguarding",
    "tracker": 4,
    "custom_fields": {"reference": 1, "category": 2, "severity": 3},
}
FIRST = Referral(reference=REFERENCE, category="fraud", severity=Severity.HIGH)


def settings(**more: Any) -> redmine.Settings:
    return redmine.Settings.model_validate(GIVEN | more)


def issue(payload: Payload) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(payload.body)["issue"]
    return made


def test_an_issue_is_private_and_its_subject_says_nothing_of_the_matter() -> None:
    made = issue(redmine.render(settings(), FIRST, key="k"))

    assert made == {
        "tracker_id": 4,
        "subject": f"{REFERENCE} confidential referral",
        "description": f"Reference: {REFERENCE}\nCategory: fraud\nSeverity: high\n",
        "is_private": True,
        "custom_fields": [
            {"id": 1, "value": REFERENCE},
            {"id": 2, "value": "fraud"},
            {"id": 3, "value": "high"},
        ],
    }


def test_a_note_is_private_and_asks_for_nothing_else() -> None:
    """A state that came along would make a second entry, and a public one."""
    reminder = Referral(reference=REFERENCE, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
    made = issue(redmine.render(settings(), reminder, key="k"))

    assert made == {
        "notes": f"{REFERENCE} confidential referral, notice 2\n\nReminder: a person should have taken {REFERENCE}.\n",
        "private_notes": True,
    }


def test_severity_chooses_the_priority_and_the_settings_the_owner() -> None:
    numbers = {"low": 1, "medium": 2, "high": 3, "critical": 5}
    made = issue(redmine.render(settings(priorities=numbers, assigned_to=17), FIRST, key="k"))

    assert (made["priority_id"], made["assigned_to_id"]) == (3, 17)


def test_a_text_of_nothing_leaves_the_reference_alone_in_the_description() -> None:
    made = issue(redmine.render(settings(text=[]), FIRST, key="k"))

    assert made["description"] == f"Reference: {REFERENCE}\n"
    assert redmine.fields_shown(settings(text=[]), frozenset({"category", "site"})) == {"category"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"custom_fields": {"category": 2}}, "must map 'reference'"),
        ({"custom_fields": {"reference": 1, "category": 1}}, "must not map two fields to one"),
        ({"priorities": {"low": 1}}, "each severity"),
        ({"project": "17"}, "pattern"),
        ({"project": "Safeguarding/1"}, "pattern"),
        ({"tracker": 0}, "greater than"),
        ({"recall_project": "safeguarding"}, "another project"),
        ({"key": "0123456789abcdef"}, "must be named, not written"),
    ],
)
def test_what_cannot_work_is_refused_and_not_shown(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        settings(**more)

    assert "0123456789abcdef" not in str(refused.value)


@pytest.mark.parametrize("value", ["fraud ", "", None, ["fraud", "other"]])
def test_a_field_that_shows_something_else_does_not_read_back(value: object) -> None:
    payload = redmine.ticket(settings(), FIRST)
    fields = [{"id": 1, "value": REFERENCE}, {"id": 2, "value": value}, {"id": 3, "value": "high"}]

    assert not redmine.reads_back(payload, {"is_private": True, "custom_fields": fields})


def test_a_public_issue_does_not_read_back() -> None:
    payload = redmine.ticket(settings(), FIRST)
    there = {"custom_fields": issue(payload)["custom_fields"]}

    assert redmine.reads_back(payload, {**there, "is_private": True})
    assert not redmine.reads_back(payload, {**there, "is_private": False})
    assert not redmine.reads_back(payload, there)


def test_a_withdrawal_empties_all_but_the_reference() -> None:
    emptied = [{"id": 2, "value": ""}, {"id": 3, "value": ""}]

    assert issue(redmine.withdrawal(settings())) == {"description": "", "custom_fields": emptied}
