"""Deciding: severity, route, teams, channels, deadlines, projections; and what happens when it fails."""

from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from router.errors import RouterError
from router.model import ConditionTried, Decision, RuleTried, plain
from router.triage import decide as deciding
from router.triage.decide import decide
from router.triage.policy import Policy, parse_policy
from tests.policies import CHANNELS, CONSOLE, POLICY, RECEIVED, REFERENCE, decided, facts, held, shipped, small, told


def outcome(**values: Any) -> tuple[str, str, list[str], list[str]]:
    decision = decided(small(), facts(**values))
    return decision.severity.value, decision.route, list(decision.teams), told(decision)


def test_the_first_route_that_matches_decides() -> None:
    assert outcome(category="fraud", site="plant") == ("medium", "fraud-at-plant", ["legal"], ["legal-desk"])
    assert outcome(category="fraud") == ("medium", "fraud", ["security", "legal"], ["security-desk", "legal-desk"])


def test_all_conditions_of_a_route_must_hold() -> None:
    client = decided(small(), facts(category="fraud", site="plant"), statutory=False)

    assert client.route == "fraud"


def test_the_first_severity_rule_that_matches_sets_it() -> None:
    assert outcome(urgency=["evidence_at_risk", "live_now"])[0] == "high"


def test_no_rule_brings_severity_below_the_floor() -> None:
    assert outcome(category="fraud")[0] == "medium"
    assert outcome(category="other")[0] == "low"


def test_a_route_may_ask_for_severity() -> None:
    assert outcome(urgency=["ongoing"])[:2] == ("high", "serious")


def test_what_no_route_foresaw_goes_to_the_fallback_and_says_so() -> None:
    decision = decided(small(), facts())

    assert (decision.route, decision.teams, told(decision)) == ("fallback", ("legal",), ["legal-desk"])
    assert [(rule.rule, rule.matched) for rule in decision.trace[-3:]] == [
        ("no_match", True),
        ("desk:legal-desk", True),
        ("fallback:legal", True),
    ]


OTHERWISE = "  - {id: otherwise, set: low}\n"
UNFORESEEN = POLICY.replace(OTHERWISE, "")
LONG = POLICY.replace(OTHERWISE, "".join(f"  - {{id: s{n}, when: {{site: plant}}, set: high}}\n" for n in range(200)))


@pytest.mark.parametrize(
    ("text", "values", "tried"),
    [
        (POLICY, {"urgency": ["ongoing"]}, [("severity:urgent", True)]),
        (POLICY, {}, [("severity:urgent", False), ("severity:otherwise", True)]),
        (UNFORESEEN, {}, [("severity:urgent", False)]),
        (LONG, {}, [("severity:200 others", False), ("severity:1 others", False)]),
        (LONG, {"site": "plant"}, [("severity:1 others", False), ("severity:s0", True)]),
    ],
)
def test_every_severity_rule_is_explained_up_to_the_first_that_matched(
    text: str, values: dict[str, Any], tried: list[tuple[str, bool]]
) -> None:
    decision = decided(parse_policy(text, CHANNELS), facts(**values))

    assert [(rule.rule, rule.matched) for rule in decision.trace if rule.rule.startswith("severity:")] == tried


def test_external_channels_get_drafts_only() -> None:
    decision = decided(small(), facts(category="fraud", site="plant"))

    assert held(decision) == ["police"]
    assert {planned.kind for planned in decision.referrals} == {"folder"}


def test_each_referral_holds_what_its_channel_may_carry() -> None:
    decision = decided(
        small(), facts(category="fraud", site="plant", asset_tag="LT-1", url="https://example.org/", country="LU")
    )

    assert {planned.channel: plain(planned.fields) for planned in decision.referrals if not planned.due_at} == {
        "legal-desk": {"reference": REFERENCE, "revision": 1, "category": "fraud", "asset_tag": "LT-1"},
        "police": {"reference": REFERENCE, "revision": 1, "tlp": "TLP:AMBER+STRICT", "url": "https://example.org/"},
    }


def test_what_was_not_said_is_not_in_a_referral() -> None:
    policy = parse_policy(POLICY, CHANNELS.replace("[category, asset_tag]", "[urgency, involves, hashes, site]"))

    assert plain(decided(policy, facts()).referrals[0].fields) == {"reference": REFERENCE, "revision": 1}


def test_links_lead_to_the_console_and_times_are_utc() -> None:
    everything = "[severity, received_at, occurred_at, noticed_at, claim_by, acknowledge_by, feedback_by, link]"
    policy = parse_policy(POLICY, CHANNELS.replace("[category, asset_tag]", everything))
    east = timezone(timedelta(hours=5))
    decision = decide(
        policy,
        facts(
            category="fraud", site="plant", occurred_at="2026-11-29T10:00:00+05:00", noticed_at="2026-11-29T12:00-05:00"
        ),
        reference=REFERENCE,
        received_at=RECEIVED.astimezone(east),
        statutory=True,
        console_url=f"{CONSOLE}/",
    )

    assert plain(decision.referrals[0].fields) == {
        "reference": REFERENCE,
        "revision": 1,
        "severity": "medium",
        "occurred_at": "2026-11-29T05:00:00Z",
        "noticed_at": "2026-11-29T17:00:00Z",
        "received_at": "2026-11-30T09:00:00Z",
        "claim_by": "2026-12-02T09:00:00Z",
        "acknowledge_by": "2026-12-07T09:00:00Z",
        "feedback_by": "2027-02-28T09:00:00Z",
        "link": f"{CONSOLE}/console/cases/{REFERENCE}",
    }
    fields = decision.referrals[0].fields
    moments = (fields.occurred_at, fields.noticed_at, fields.received_at, fields.claim_by, fields.feedback_by)
    assert all(moment is not None and moment.tzinfo is UTC for moment in moments)


def test_statutory_clocks_run_for_persons_only() -> None:
    deadlines = decided(small(), facts(category="fraud"), statutory=False).deadlines

    assert deadlines.acknowledge_by is None
    assert deadlines.feedback_by is None
    assert deadlines.claim_by == RECEIVED + timedelta(days=2)


# Need to know


def test_an_involved_team_is_left_out_and_its_backup_comes_in() -> None:
    decision = decided(small(), facts(urgency=["ongoing"], involves=["security_team"]))

    assert (decision.teams, decision.avoided, told(decision)) == (("legal",), ("security",), ["legal-desk"])


def test_a_backup_that_is_told_already_is_not_told_twice() -> None:
    decision = decided(small(), facts(category="fraud", involves=["security_team"]))

    assert (decision.teams, told(decision)) == (("legal",), ["legal-desk"])


def test_when_a_whole_chain_is_involved_the_fallback_is_told() -> None:
    decision = decided(small(), facts(category="fraud", involves=["security_team", "legal"]))

    assert (decision.teams, decision.avoided, told(decision)) == (("ombuds",), ("security", "legal"), ["ombuds-desk"])
    assert decision.route == "fraud"


def test_a_channel_that_an_involved_team_reads_is_not_used() -> None:
    channels = CHANNELS.replace("readable_by: [security]", "readable_by: [security, legal]")

    decision = decided(parse_policy(POLICY, channels), facts(urgency=["ongoing"], involves=["legal"]))

    assert told(decision) == ["ombuds-desk"]
    assert decision.avoided == ("legal",)
    assert decision.teams == ("security", "ombuds")


def test_a_team_is_told_by_another_desk_when_somebody_involved_reads_the_usual_one() -> None:
    decision = decided(shipped(), facts(category="csam_suspected", where_found="laptop", involves=["it_helpdesk"]))

    assert told(decision) == ["legal-desk", "security-lead"]
    assert decision.teams == ("security", "legal")


def test_a_draft_that_an_involved_team_reads_is_not_made() -> None:
    channels = CHANNELS.replace("carries: [url], path", "carries: [url], readable_by: [security], path")

    decision = decided(
        parse_policy(POLICY, channels), facts(category="fraud", site="plant", involves=["security_team"])
    )

    assert (told(decision), held(decision), decision.avoided) == (["legal-desk"], [], ("security",))


def test_what_is_planned_names_the_teams_that_must_never_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    concern = facts(category="fraud", site="plant", involves=["security_team"])
    decision = decided(small(), concern)
    monkeypatch.setattr(deciding, "choose", broken)
    failed = decided(small(), concern)
    monkeypatch.setattr(deciding, "tell", broken)
    in_need = decided(small(), concern, conflicted=["legal"])

    assert {planned.state.value for planned in decision.referrals} == {"due", "draft", "standby"}
    assert {planned.kept_from for planned in decision.referrals + failed.referrals} == {("security",)}
    assert {planned.kept_from for planned in in_need.referrals} == {("legal",)}


def test_backups_in_a_ring_come_to_an_end() -> None:
    ring = POLICY.replace("involved_as: legal,", "involved_as: legal, backup: security,")

    decision = decided(parse_policy(ring, CHANNELS), facts(category="fraud", involves=["security_team", "legal"]))

    assert decision.teams == ("ombuds",)


# Failing to a person


def test_when_nobody_is_left_nothing_waits_to_be_said() -> None:
    decision = decided(small(), facts(category="fraud"), conflicted=["security", "legal", "ombuds"])

    assert (decision.reason, decision.teams, decision.referrals) == (None, (), ())


def broken(*_: object, **__: object) -> None:
    raise RouterError("MARKED-7f3a")


def assert_fallback(decision: Decision, error: str) -> None:
    assert decision.route == "fallback"
    failure = ConditionTried(field="error", wanted=(), actual=(error,), ok=True)
    assert decision.trace[0] == RuleTried(rule="policy_error", matched=True, tests=(failure,))
    assert "MARKED-7f3a" not in decision.model_dump_json()


def test_an_unknown_category_reaches_the_fallback_as_at_least_high() -> None:
    decision = decided(small(), facts(category="nothing"))

    assert_fallback(decision, "KeyError")
    assert (decision.severity.value, decision.teams, told(decision)) == ("high", ("legal",), ["legal-desk"])
    assert decision.deadlines.claim_by == RECEIVED + timedelta(hours=4)
    assert decision.deadlines.acknowledge_by == RECEIVED + timedelta(days=7)
    assert plain(decision.referrals[0].fields) == {"reference": REFERENCE, "revision": 1}


def test_a_failure_never_brings_severity_below_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "choose", broken)  # the failure that nobody foresaw

    decision = decided(shipped(), facts(category="csam_suspected"))

    assert_fallback(decision, "RouterError")
    assert decision.severity.value == "critical"


def test_a_failure_does_not_tell_whoever_is_involved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "choose", broken)

    decision = decided(small(), facts(involves=["legal"]))

    assert (decision.teams, decision.avoided, told(decision)) == (("ombuds",), ("legal",), ["ombuds-desk"])


def test_a_failure_in_telling_reaches_the_team_that_nobody_can_involve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "tell", broken)

    decision = decided(small(), facts(category="fraud"))

    assert_fallback(decision, "RouterError")
    assert (decision.teams, told(decision)) == (("ombuds",), ["ombuds-desk"])
    assert told(decided(small(), facts(), conflicted=["ombuds"])) == []


def test_a_link_that_fits_no_referral_reaches_the_fallback() -> None:
    policy = parse_policy(POLICY, CHANNELS.replace("[category, severity]", "[link]"))

    decision = decide(
        policy,
        facts(urgency=["ongoing"]),
        reference=REFERENCE,
        received_at=RECEIVED,
        statutory=True,
        console_url="not an address",
    )

    assert_fallback(decision, "ValidationError")
    assert told(decision) == ["legal-desk"]


def test_the_same_facts_get_the_same_decision() -> None:
    policy: Policy = shipped()
    concern = facts(category="csam_suspected", where_found="forum", involves=["security_team"])

    assert decided(policy, concern) == decided(policy, concern)
