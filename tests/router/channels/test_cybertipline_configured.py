"""What channels.yaml may say of CyberTipline, and what a policy that leads there is told."""

from typing import Any

import pytest
from pydantic import ValidationError

from router.catalogue import parse_catalogue
from router.channels.cybertipline.settings import PRODUCTION_BASE, TEST_BASE
from router.errors import PolicyErrors
from router.triage import lint
from router.triage.explain import as_json, as_lines
from router.triage.policy import parse_policy
from tests.oddities import DESK, ROUTES, TODAY
from tests.oddities import policy as odd
from tests.policies import decided, facts
from tests.tiplines import settings

CHANNEL = """\
tip:
  kind: cybertipline
  scope: external
  carries: [category, received_at]
  user: env:USER
  password: env:PASSWORD
  reporter: {email: a@example.org}
"""


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"reporter": {}}, "missing"),
        ({"reporter": {"email": "no address"}}, "odd_value"),
        ({"reporter": {"email": "a@example.org", "first_name": "a\x00b"}}, "string_pattern_mismatch"),
        ({"reporter": {"email": "a@example.org", "last_name": "a" * 101}}, "string_too_long"),
        ({"reporter": {"email": "a@example.org", "phone": "ask Anna"}}, "odd_value"),
        ({"reporter": {"email": "a@example.org", "address": {"state": "XX"}}}, "odd_value"),
        ({"reporter": {"email": "a@example.org", "address": {"country": "XX"}}}, "odd_value"),
        ({"company_template": "a\ufffeb"}, "string_pattern_mismatch"),
        ({"company_template": "a\rb"}, "string_pattern_mismatch"),
        ({"incident_types": {"fraud": "Child Sex Tourism"}}, "enum"),
        ({"user": "ncmec"}, "clear_secret"),
        ({"environment": "production"}, "not_signed_off"),
        ({"environment": "live"}, "enum"),
        ({"url": PRODUCTION_BASE}, "odd_address"),
        ({"url": "https://ncmec.example.org/ispws"}, "odd_address"),
        ({"environment": "production", "signed_off": "2026-11-01", "url": TEST_BASE}, "odd_address"),
        ({"test_url": "http://127.0.0.1:1/ispws"}, "odd_address"),
    ],
)
def test_settings_that_could_not_be_meant_do_not_load(more: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**more)

    assert [error["type"] for error in caught.value.errors()] == [code]


def test_it_is_the_test_system_until_the_real_one_is_named_and_signed_off() -> None:
    usual, real = settings(), settings(environment="production", signed_off="2026-11-01")
    here = settings(url="http://127.0.0.1:9/ispws", test_url="http://127.0.0.1:9/test")

    assert (usual.url, usual.production) == (TEST_BASE, False)
    assert (real.url, real.production) == (PRODUCTION_BASE, True)
    assert not here.production


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("external", "internal", "told_outside"),
        ("[category, received_at]", "[category]", "not_carried"),
        ("[category, received_at]", "[received_at]", "not_carried"),
        ("user:", "subject_handle: true\n  user:", "not_carried"),
    ],
)
def test_a_channel_that_could_never_report_or_would_by_itself_does_not_load(old: str, new: str, code: str) -> None:
    with pytest.raises(PolicyErrors) as caught:
        parse_catalogue(CHANNEL.replace(old, new, 1))

    assert code in {problem.code for problem in caught.value.problems}


def explained(category: str) -> tuple[dict[str, Any], str]:
    """Return what `policy explain` says of the draft, for programs and for people."""
    text = odd(ROUTES.replace("to: desk", "to: desk, hold: tip")).replace("fraud: {", f"{category}: {{")
    policy = parse_policy(text, f"{DESK}\n{CHANNEL}")
    concern = facts(category=category)
    decision = decided(policy, concern)
    shown = as_json(policy, decision, lambda planned: planned.channel)
    (draft,) = [one for one in shown["referrals"] if one["state"] == "draft"]
    return draft, "\n".join(as_lines(policy, concern, decision, lambda planned: planned.channel))


def test_policy_explain_shows_the_report_byte_for_byte() -> None:
    draft, said = explained("csam_suspected")

    assert draft["payload"].endswith("</report>\n")
    assert draft["lacks"] == []
    assert "  |     <incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>" in said


def test_policy_explain_says_what_is_missing_for_a_report() -> None:
    draft, said = explained("child_at_risk")

    assert (draft["payload"], draft["lacks"]) == (None, ["category"])
    assert "Nothing can be written, and nobody can approve it, without: category" in said


def test_policy_check_says_which_category_has_no_kind_of_incident() -> None:
    text = odd(ROUTES.replace("to: desk", "to: desk, hold: tip")).replace("fraud: {", "csam_suspected: {")
    named = CHANNEL + "  incident_types: {theft: trafficking}\n"
    found = [one for one in lint.findings(text, f"{DESK}\n{CHANNEL}", today=TODAY) if one.code == "no_kind_there"]

    (one,) = found
    assert "hold: tip" in text.splitlines()[one.line - 1]
    assert "'theft'" in one.said
    assert "csam" not in one.said
    assert not [one for one in lint.findings(text, f"{DESK}\n{named}", today=TODAY) if one.code == "no_kind_there"]
