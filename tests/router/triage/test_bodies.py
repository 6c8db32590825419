"""Outside bodies in a decision: whose are asked, how that is told, and what `policy check` warns of."""

from datetime import date

import pytest

from router.bodies.together import joined
from router.errors import PolicyErrors
from router.model import Facts
from router.triage.decide import decide
from router.triage.explain import in_words
from router.triage.lint import findings
from router.triage.policy import Policy, load_policy, parse_policy
from router.vocabulary import ReferralState
from tests.policies import CONFIG, CONSOLE, POLICY, RECEIVED, REFERENCE

TODAY = date(2026, 11, 23)
CHANNELS = """\
security-desk: {kind: folder, scope: internal, carries: [category, severity], readable_by: [security], path: a}
legal-desk: {kind: folder, scope: internal, carries: [category, asset_tag], readable_by: [legal], path: b}
ombuds-desk: {kind: folder, scope: internal, carries: [category], readable_by: [ombuds], path: c}
police: {kind: hand_over, scope: external, carries: [category, jurisdiction, url], to: police}
"""
BODIES = """\
force: {country: SE, name: F, kind: police, takes: any, phone: '114 14', verified_on: '2026-01-01', source: s}
any: {country: any, name: A, kind: police, takes: any, phone: '112 00', source: s}
line: {country: any, name: L, kind: form, takes: url, address: 'https://l.example/', source: s}
"""
FOR_ALL = "which is for everybody: bodies.yaml has no other"
HERE = POLICY.replace("taxonomy:", "region: SE\ntaxonomy:", 1)


def warned(policy: str = HERE, channels: str = CHANNELS, bodies: str = BODIES) -> set[tuple[str, int, str]]:
    parse_policy(policy, joined(channels, bodies))
    found = findings(policy, joined(channels, bodies), today=TODAY)
    codes = {"no_region", "no_body_there", "no_address", "unverified_body", "old_body"}
    return {(one.file, one.line, one.code) for one in found if one.code in codes}


def told(policy: Policy, **facts: object) -> tuple[list[str], list[object]]:
    decision = decide(
        policy,
        Facts.model_validate({"noticed_how": "endpoint_hash_match", **facts}),
        reference=REFERENCE,
        received_at=RECEIVED,
        statutory=True,
        console_url=CONSOLE,
    )
    drafts = [one.fields.jurisdiction for one in decision.referrals if one.state is ReferralState.DRAFT]
    return [one.said for one in in_words(decision.trace) if "leads to" in one.said], list(drafts)


@pytest.mark.parametrize(
    ("folder", "facts", "said", "region"),
    [
        (
            "",
            {"site": "headquarters", "where_found": "removable_usb"},
            ["police-handover leads to se_police: the bodies of SE, where its site is, are asked"],
            "SE",
        ),
        (
            "us",
            {"site": "plant", "where_found": "web_page", "url": "https://example.org/x"},
            [
                "police-handover leads to us_police: the bodies of US-IL, where its site is, are asked",
                "hotline-handover leads to us_ncmec: the bodies of US-IL, where its site is, are asked",
            ],
            "US-IL",
        ),
        (
            "uk",
            {"where_found": "web_page", "url": "https://example.org/x"},
            [
                "police-handover leads to gb_police: the bodies of GB, where the organisation is, are asked",
                "hotline-handover leads to gb_iwf: the bodies of GB, where the organisation is, are asked",
            ],
            "GB",
        ),
        (
            "",
            {"site": "headquarters", "country": "KE"},
            [f"police-handover leads to police_of_the_place, {FOR_ALL} for KE, the concern's country"],
            "KE",
        ),
    ],
)
def test_a_decision_says_which_body_each_draft_is_for_and_why(
    folder: str, facts: dict[str, object], said: list[str], region: str
) -> None:
    found, regions = told(load_policy(CONFIG / folder), category="csam_suspected", **facts)

    assert found == said
    assert set(regions) == {region}


def test_a_channel_that_may_not_carry_the_region_gets_none() -> None:
    with pytest.raises(PolicyErrors, match="may not carry it"):
        parse_policy(HERE, joined(CHANNELS.replace("jurisdiction, ", ""), BODIES))


@pytest.mark.parametrize("region", ["UK", "XX-1", "se"])
def test_a_region_is_in_a_country(region: str) -> None:
    with pytest.raises(PolicyErrors):
        parse_policy(HERE.replace("region: SE", f"region: {region}"), joined(CHANNELS, BODIES))


@pytest.mark.parametrize(
    ("policy", "channels", "bodies", "expected"),
    [
        (HERE, CHANNELS, BODIES, set()),
        (POLICY, CHANNELS, BODIES, {("policy.yaml", 1, "no_region")}),
        (HERE, CHANNELS, BODIES.replace("2026-01-01", "2025-11-20"), {("bodies.yaml", 1, "old_body")}),
        (HERE, CHANNELS, BODIES.replace("2026-01-01", "2999-01-01"), {("bodies.yaml", 1, "old_body")}),
        (
            HERE,
            CHANNELS,
            BODIES.replace(", verified_on: '2026-01-01'", ""),
            {("bodies.yaml", 1, "unverified_body")},
        ),
        (
            HERE.replace("plant: {label: Plant}", "plant: {label: Plant, region: FI}"),
            CHANNELS,
            BODIES,
            {("channels.yaml", 4, "no_body_there"), ("bodies.yaml", 2, "unverified_body")},
        ),
        (
            HERE,
            CHANNELS.replace("jurisdiction, url], to: police", "jurisdiction], to: hotline"),
            BODIES,
            {
                ("channels.yaml", 4, "no_body_there"),
                ("channels.yaml", 4, "no_address"),
                ("bodies.yaml", 3, "unverified_body"),
            },
        ),
    ],
)
def test_what_is_odd_about_bodies_is_warned_of(
    policy: str, channels: str, bodies: str, expected: set[tuple[str, int, str]]
) -> None:
    assert warned(policy, channels, bodies) == expected
