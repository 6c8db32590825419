"""policy.yaml: what loads, and every reason why it does not."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from router.errors import PolicyErrors
from router.triage.policy import load_policy, parse_policy, policy_digest
from router.vocabulary import Severity
from tests.policies import CHANNELS, CONFIG, POLICY, facts, problems, shipped, small

TAXONOMY = {
    *("csam_suspected", "grooming_suspected", "child_at_risk", "livestreamed_abuse_suspected", "sexual_extortion"),
    *("harassment", "discrimination", "violence_or_threat", "retaliation", "fraud", "corruption", "data_protection"),
    *("security_incident", "health_and_safety", "other"),
}


def test_the_shipped_policy_knows_every_category_of_the_interface() -> None:
    policy = shipped()

    assert set(policy.taxonomy) == TAXONOMY
    assert policy.taxonomy["csam_suspected"].floor is Severity.CRITICAL
    assert {category.group for category in policy.taxonomy.values()} < {c.label for c in policy.taxonomy.values()} | {
        *("Children in danger", "How people are treated", "Money and rules", "Data and safety")
    }


def test_the_shipped_policy_names_the_teams_that_need_a_key() -> None:
    assert shipped().key_teams == ("hr", "legal", "management", "ombuds", "privacy", "safety", "security")


def test_the_small_policy_is_good() -> None:
    assert problems() == ()


def test_categories_have_a_heading_or_are_their_own() -> None:
    policy = parse_policy(POLICY.replace("floor: medium}", "floor: medium, group: Money}"), CHANNELS)

    assert [(one.name, one.label, one.floor, one.group) for one in policy.taxonomy.values()] == [
        ("fraud", "Fraud", Severity.MEDIUM, "Money"),
        ("other", "Other", Severity.LOW, "Other"),
    ]


def test_severity_rules_have_their_names() -> None:
    assert [(one.rule.name, one.sets) for one in small().severities] == [
        ("severity:urgent", Severity.HIGH),
        ("severity:otherwise", Severity.LOW),
    ]


def test_the_digest_covers_both_files_and_where_one_ends() -> None:
    assert parse_policy(POLICY, CHANNELS).digest == policy_digest(POLICY, CHANNELS)
    assert policy_digest("a", "b") == sha256(b"\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\1b").hexdigest()
    assert (
        len({policy_digest("a", "b"), policy_digest("ab", ""), policy_digest("b", "a"), policy_digest("", "ab")}) == 4
    )


def test_says_which_facts_it_does_not_know() -> None:
    assert small().unknown_in(facts(category="fraud", site="plant")) == ()
    assert small().unknown_in(facts(category="other")) == ()
    assert small().unknown_in(facts(category="nothing", site="nowhere")) == ("category", "site")


def test_is_frozen_to_the_bottom() -> None:
    policy = small()

    with pytest.raises(AttributeError):
        policy.routes = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        policy.taxonomy["fraud"] = policy.taxonomy["other"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # words of the language
        ("concern-router/1", "concern-router/2", "1 unknown_value"),
        ("taxonomy:", "taxonomi:", "2 unknown_key"),
        ("floor: medium", "floor: medum", "3 unknown_value"),
        ("floor: medium", "flor: medium", "3 unknown_key"),
        ("label: Fraud, ", "", "3 missing"),
        ("label: Fraud", "label: ''", "3 wrong_kind"),
        ("label: Fraud", "label: 3", "3 wrong_kind"),
        ("label: Fraud", "label: <b>", "3 odd_value"),
        ("  fraud: {label", "  Fraud: {label", "3 odd_value"),
        ("involved_as: security_team", "involved_as: security", "8 unknown_value"),
        ("urgency: [ongoing, live_now]", "urgency: [ongoing, later]", "12 unknown_value"),
        ("urgency: [ongoing, live_now]", "urgncy: [ongoing]", "12 unknown_key"),
        ("urgency: [ongoing, live_now]", "urgency: []", "12 wrong_kind"),
        ("urgency: [ongoing, live_now]", "severity_at_least: high", "12 unknown_key"),
        ("urgency: [ongoing, live_now]", "asset_tag: LT-1", "12 unknown_key"),
        ("set: high", "set: higher", "12 unknown_value"),
        ("  high: {claim: 4h, decide: 3d}\n", "", "14 missing"),
        ("claim: 4h", "claim: 4 hours", "16 odd_value"),
        ("claim: 4h", "claim: 240", "16 odd_value"),
        ("claim: 4h", "claim: 0h", "16 odd_value"),
        ("claim: 4h", "claim: 4h, clock: office", "16 unknown_value"),
        ("high: {", "hihg: {", "16 unknown_key"),
        ("from: person", "from: reporter", "20 unknown_value"),
        ("severity_at_least: high", "severity_at_least: [high]", "22 unknown_value"),
        ("teams: legal, to", "to", "20 missing"),
        ("teams: [security, legal]", "teams: []", "21 missing"),
        ("id: fraud,", "id: Fraud,", "21 odd_value"),
        # names that lead nowhere
        ("backup: legal", "backup: legals", "8 unknown_team"),
        ("desks: security-desk", "desks: security-desc", "8 unknown_channel"),
        ("{category: fraud}", "{category: frod}", "21 unknown_category"),
        ("site: plant", "site: plan", "20 unknown_site"),
        ("teams: legal, to", "teams: legl, to", "20 unknown_team"),
        ("to: legal-desk", "to: lgal-desk", "20 unknown_channel"),
        ("hold: police", "hold: polic", "20 unknown_channel"),
        ("fallback: [legal, ombuds]", "fallback: [legal, ombud]", "23 unknown_team"),
        # names that stand twice
        ("id: serious", "id: fraud", "22 duplicate_id"),
        ("id: serious", "id: fallback", "22 reserved"),
        ("teams: [security, legal]", "teams: [legal, legal]", "21 twice"),
        # promises
        ("to: legal-desk, hold: police", "to: [legal-desk, police]", "20 external_in_to"),
        ("hold: police", "hold: ombuds-desk", "20 internal_in_hold"),
        ("desks: ombuds-desk", "desks: police", "10 external_desk"),
        ("desks: ombuds-desk", "desks: legal-desk", "10 desk_not_read"),
        (", desks: ombuds-desk", "", "23 no_desk"),
        (", desks: legal-desk", "", "20 no_desk"),
        ("teams: security, to", "teams: [security, ombuds], to", "22 team_not_told"),
        ("backup: legal", "backup: security", "8 own_backup"),
        ("fallback: [legal, ombuds]", "fallback: [ombuds, legal]", "23 fallback_involved"),
        ("fallback: [legal, ombuds]", "fallback: []", "23 wrong_kind"),
        # the reader's own
        ("site: plant", "site: 'plant', site: plant", "20 duplicate_key"),
        ("site: plant", "site: NO", "20 trap"),
    ],
)
def test_refuses_with_line_and_reason(old: str, new: str, expected: str) -> None:
    assert old in POLICY

    found = [f"{problem.line} {problem.code}" for problem in problems(POLICY.replace(old, new, 1))]

    assert expected in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("readable_by: [legal]", "readable_by: [legl]", "channels.yaml:2 unknown_team"),
        ("readable_by: [ombuds]", "readable_by: [ombuds, legal]", "policy.yaml:23 fallback_read"),
    ],
)
def test_holds_the_channels_to_the_policy(old: str, new: str, expected: str) -> None:
    found = [
        f"{problem.file}:{problem.line} {problem.code}" for problem in problems(channels=CHANNELS.replace(old, new))
    ]

    assert expected in found


def test_the_last_fallback_may_have_one_desk_that_others_read() -> None:
    policy = POLICY.replace("desks: ombuds-desk", "desks: [shared, ombuds-desk]")
    channels = (
        f"{CHANNELS}shared: {{kind: folder, scope: internal, carries: [], readable_by: [ombuds, legal], path: e}}\n"
    )

    assert problems(policy, channels) == ()


def test_says_everything_at_once_sorted_by_line() -> None:
    policy = (
        POLICY.replace("floor: low", "floor: lo").replace("set: high", "set: hi").replace("to: legal-desk", "to: x")
    )
    channels = CHANNELS.replace("scope: external", "scope: outside")

    found = [f"{problem.file}:{problem.line}" for problem in problems(policy, channels)]

    assert found == ["channels.yaml:4", "policy.yaml:4", "policy.yaml:12", "policy.yaml:20", "policy.yaml:20"]


def test_shows_what_was_found_and_the_nearest_word() -> None:
    (problem,) = problems(POLICY.replace("floor: medium", "floor: medum"))

    assert str(problem) == "policy.yaml:3: unknown value 'medum'; did you mean 'medium'? [unknown_value]"


def test_one_value_is_a_list_of_one() -> None:
    one, many = parse_policy(POLICY, CHANNELS), parse_policy(POLICY.replace("hold: police", "hold: [police]"), CHANNELS)

    assert [route.hold for route in one.routes] == [route.hold for route in many.routes]


@pytest.mark.parametrize("text", ["", "[]", "x", "policy: concern-router/1", "[" * 50_000, "\0", "{a: {"])
def test_refuses_what_is_no_policy_and_never_fails_otherwise(text: str) -> None:
    assert problems(text)
    assert problems(POLICY, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: the file is empty; it must hold keys and values [wrong_kind]"),
        ("[]", "1: the file must hold keys and values [wrong_kind]"),
        (
            POLICY.replace("severity:\n", "severity:\n\tset: low\n"),
            "12: not YAML: found character that cannot start any token; a tab stands in this line: write spaces; ",
        ),
        (
            POLICY.replace("label: Fraud", 'label: "Fraud'),
            "24: not YAML: found unexpected end of stream, while scanning a quoted scalar that begins in line 3; ",
        ),
    ],
)
def test_one_mistake_that_hides_the_rest_is_said_once(text: str, said: str) -> None:
    (problem,) = problems(text)

    assert str(problem).startswith(f"policy.yaml:{said}")


def test_channels_that_cannot_be_read_are_not_called_unknown() -> None:
    found = problems(POLICY.replace("floor: low", "floor: lo"), f"\t{CHANNELS}")

    assert [(problem.file, problem.code) for problem in found] == [
        ("channels.yaml", "not_yaml"),
        ("policy.yaml", "unknown_value"),
    ]


def test_that_there_are_no_teams_is_said_once() -> None:
    policy = re.sub(r"^teams:\n(  .*\n)+", "", POLICY, flags=re.MULTILINE)

    assert [problem.code for problem in problems(policy)] == ["missing"]


def test_no_half_of_a_policy_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text((CONFIG / "policy.yaml").read_text())

    with pytest.raises(PolicyErrors) as caught:
        load_policy(tmp_path)

    assert [(problem.file, problem.code) for problem in caught.value.problems] == [("channels.yaml", "unreadable")]
