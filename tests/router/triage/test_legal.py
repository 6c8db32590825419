"""What follows from a legal profile: clocks, how long is kept, what `policy check` misses; each with its sources."""

from datetime import date

import pytest

from router.errors import PolicyErrors
from router.model import Facts
from router.reporter.stateduty import STATES
from router.triage.legal import LAWS, NO_ADVICE, LegalProfile, Wanted
from router.triage.lint import findings
from router.triage.policy import parse_policy, policy_texts
from router.triage.stateduties import DUTIES, NAMES, duty_of
from router.triage.whose import Regions
from tests.oddities import DESK, POLICE, policy, problems, route, routes, ways
from tests.policies import CONFIG

CSAM = "{fraud: {label: Fraud, floor: medium}, csam_suspected: {label: CSAM, floor: critical}}"
OWN = "legal: {statutory_clocks: true, preserve_months: 24, wants: police, source: 'Counsel, 2026-11-01'}"
HELD = routes(route("csam", "{category: csam_suspected}", hold="police"), route("all"))
NEVER = routes(route("csam", "{category: csam_suspected}"), route("all", "{category: fraud}", hold="police"))

TIPLINE = """police: {kind: cybertipline, scope: external, carries: [category, received_at], user: 'env:U',
  password: 'env:P', reporter: {email: a@example.org}}"""


def under(profile: str, drafts: str = HELD, more: str = "") -> str:
    text = policy(drafts, more=f"legal_profile: {profile}\n{more}")
    return text.replace("{fraud: {label: Fraud, floor: medium}, theft: {label: Theft, floor: low}}", CSAM)


def test_every_profile_says_what_it_assumes_and_from_where() -> None:
    assert set(LAWS) == set(LegalProfile) - {LegalProfile.CUSTOM}
    for law in LAWS.values():
        assert law.says
        assert all(said.text and said.source for said in law.says)
        assert law.preserve_why
        assert law.wants
    assert "no legal advice" in NO_ADVICE
    assert LAWS[LegalProfile.US_PROVIDER].preserve_months == 12


def test_the_custom_profile_is_what_the_policy_says() -> None:
    law = parse_policy(under("custom", more=OWN), ways(POLICE)).law

    assert (law.profile, law.statutory_clocks, law.preserve_months) == (LegalProfile.CUSTOM, True, 24)
    assert law.wants == (Wanted.POLICE,)
    assert "Counsel, 2026-11-01" in law.preserve_why


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (under("custom"), "legal_missing"),
        (under("eu_employer", more=OWN), "legal_in_vain"),
        (under("custom", more=OWN.replace("24", "0")), "greater_than_equal"),
        (under("custom", more=OWN.replace(", source: 'Counsel, 2026-11-01'", "")), "missing"),
    ],
)
def test_what_a_profile_says_is_said_for_custom_alone_and_in_full(text: str, code: str) -> None:
    with pytest.raises(PolicyErrors) as refused:
        parse_policy(text, ways(POLICE))

    assert code in [problem.code for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("profile", "drafts", "channel", "found"),
    [
        # A channel of a kind of its own may lead to anybody but CyberTipline.
        ("us_provider", HELD, POLICE, ["profile_wants"]),
        ("us_employer", HELD, POLICE, []),
        ("us_provider", HELD, TIPLINE, []),
        # No device is for CyberTipline, and who is no provider does not file as one.
        ("us_employer", HELD, TIPLINE, ["profile_differs", "profile_wants"]),
        ("eu_employer", NEVER, POLICE, ["profile_wants", "profile_wants"]),
        ("uk_employer", NEVER, POLICE, ["profile_wants", "profile_wants"]),
    ],
)
def test_a_profile_says_which_body_it_misses(profile: str, drafts: str, channel: str, found: list[str]) -> None:
    odd = [one for one in problems(under(profile, drafts), ways(channel)) if one.code.startswith("profile_")]

    assert sorted(one.code for one in odd) == found
    assert all("no legal advice" in one.said for one in odd)


@pytest.mark.parametrize(
    ("changed", "into", "found"),
    [
        ("legal_profile: us_employer", "legal_profile: us_employer", []),
        ("legal_profile: us_employer", "legal_profile: us_provider", ["CyberTipline", "CyberTipline"]),
        ("hold: [police-handover, hotline-handover]", "hold: police-handover", ["a hotline", "a hotline"]),
    ],
)
def test_what_a_person_hands_over_leads_where_its_channel_says(changed: str, into: str, found: list[str]) -> None:
    text, ways_text = policy_texts(CONFIG / "us")

    odd = findings(text.replace(changed, into), ways_text, today=date(2026, 11, 30))

    wanting = [one.said for one in odd if one.code == "profile_wants"]
    assert len(wanting) == len(found)
    assert all(body in said for body, said in zip(found, wanting, strict=True))


def test_a_policy_without_such_a_category_is_asked_for_no_body() -> None:
    assert problems(policy(more="legal_profile: us_provider"), DESK) == ()


@pytest.mark.parametrize(
    ("facts", "region"),
    [
        ({}, "US-TX"),
        ({"site": "plant"}, "US-IL"),
        ({"site": "office"}, None),  # Michigan gives immunity, and obliges nobody
        ({"site": "elsewhere"}, "US-TX"),
        ({"country": "SE"}, "US-TX"),  # where the concern is said to be does not change where somebody works
        ({"noticed_how": "colleague_witness"}, None),
        ({"category": "fraud"}, None),
    ],
)
def test_the_state_where_somebody_works_may_oblige_them_themselves(facts: dict[str, str], region: str | None) -> None:
    regions = Regions("US-TX", {"plant": "US-IL", "office": "US-MI"})
    found = Facts.model_validate({"category": "csam_suspected", "noticed_how": "helpdesk_repair", **facts})

    assert duty_of(regions, found) == region
    assert set(NAMES) == DUTIES == set(STATES)
    assert all(STATES[one] == name for one, name in NAMES.items())
    assert duty_of(Regions(None, {}), found) is None
