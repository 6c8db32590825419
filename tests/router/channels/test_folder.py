"""What a referral's file is called and what stands in it."""

import orjson
import pytest
from pydantic import ValidationError

from router.channels import folder
from router.model import Referral
from router.vocabulary import Awaited, Notice, Severity


def test_writes_the_fields_that_are_set_and_no_others() -> None:
    referral = Referral(reference="CR-0123-4567-89AB", severity=Severity.HIGH)

    payload = folder.render(folder.Settings(path="a/b"), referral, key="k")

    assert orjson.loads(payload.body) == {"reference": "CR-0123-4567-89AB", "revision": 1, "severity": "high"}
    assert payload.media_type == "application/json"


def test_a_notice_is_a_field_like_others() -> None:
    referral = Referral(
        reference="CR-0123-4567-89AB", revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM, severity=Severity.LOW
    )
    written = orjson.loads(folder.render(folder.Settings(path="a"), referral, key="k").body)

    assert written == {
        "reference": "CR-0123-4567-89AB",
        "revision": 2,
        "notice": "reminder",
        "awaited": "claim",
        "severity": "low",
    }


def test_what_belongs_to_no_case_says_so_in_a_sentence() -> None:
    referral = Referral(reference="NOTICE-0123-4567-89AB", notice=Notice.DELIVERY_LATE, about="hr-desk")
    written = orjson.loads(folder.render(folder.Settings(path="a"), referral, key="k").body)

    assert written.pop("said").startswith("This is not a case. ")
    assert written == {
        "reference": "NOTICE-0123-4567-89AB",
        "revision": 1,
        "notice": "delivery_late",
        "about": "hr-desk",
    }


def test_names_the_file_by_reference_and_revision() -> None:
    assert folder.file_name(Referral(reference="CR-0123-4567-89AB", revision=2)) == "CR-0123-4567-89AB.2.json"


@pytest.mark.parametrize("path", ["a", "outbox/security-desk", "/srv/hand_over/a.b"])
def test_takes_a_plain_path(path: str) -> None:
    assert folder.Settings(path=path).path == path


@pytest.mark.parametrize("path", ["", ".", "..", "../a", "a/../b", "a//b", ".hidden", "a/", "a b", "~/a", "a\nb"])
def test_refuses_a_path_that_leads_elsewhere(path: str) -> None:
    with pytest.raises(ValidationError):
        folder.Settings(path=path)
