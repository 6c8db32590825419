"""What another channel gets when the first one does not get it: who that may be, when, and how much of it."""

from datetime import timedelta
from typing import Any

import pytest

from router.model import Decision, PlannedReferral, plain
from router.triage import decide as deciding
from router.triage.explain import as_json, as_lines
from router.triage.policy import Policy, parse_policy
from router.vocabulary import Awaited, Notice, ReferralState
from tests.policies import CHANNELS, POLICY, RECEIVED, decided, facts

STAND_INS = {"security-desk": "ombuds-desk", "legal-desk": "ombuds-desk, instead_after: 90m"}
ESCALATED = POLICY.replace("decide: 10d}", "decide: 10d, escalate: lost}").replace(
    "routes:\n", "escalations: {lost: [{undelivered: 30m, to: ombuds-desk}]}\nroutes:\n"
)


def policy(stand_ins: dict[str, str], text: str = POLICY) -> Policy:
    lines = CHANNELS.splitlines()
    for number, line in enumerate(lines):
        name = line.partition(":")[0]
        if name in stand_ins:
            lines[number] = line.replace("}", f", instead: {stand_ins[name]}}}")
    ways = "\n".join(lines).replace("carries: []", "carries: [category, severity, received_at]")
    return parse_policy(text, ways, handle_key=b"key")


def instead(decision: Decision) -> list[PlannedReferral]:
    return [planned for planned in decision.referrals if planned.instead_of is not None]


def pairs(decision: Decision) -> list[tuple[str | None, str]]:
    return [(planned.instead_of, planned.channel) for planned in instead(decision)]


def test_whatever_is_told_at_once_has_its_stand_in_with_all_that_it_may_carry() -> None:
    first, second = instead(decided(policy(STAND_INS), facts(category="fraud")))

    for planned, of, minutes, revision in ((first, "security-desk", 30, 1), (second, "legal-desk", 90, 2)):
        assert (planned.channel, planned.instead_of, planned.state) == ("ombuds-desk", of, ReferralState.STANDBY)
        assert (planned.awaited, planned.fields.notice) == (Awaited.DELIVERY, Notice.INSTEAD)
        assert planned.due_at == RECEIVED + timedelta(minutes=minutes)
        assert plain(planned.fields) == {
            "reference": planned.fields.reference,
            "revision": revision,
            "notice": "instead",
            "awaited": "delivery",
            "category": "fraud",
            "severity": "medium",
            "received_at": "2026-11-30T09:00:00Z",
        }


@pytest.mark.parametrize(
    ("stand_ins", "values", "wanted"),
    [
        ({"security-desk": "legal-desk"}, {}, []),  # told at once anyway
        ({"security-desk": "legal-desk"}, {"category": "other", "urgency": ["ongoing"]}, ["security-desk:legal-desk"]),
        ({"security-desk": "legal-desk"}, {"category": "other", "urgency": ["ongoing"], "involves": ["legal"]}, []),
        ({"legal-desk": "security-desk"}, {"site": "plant"}, ["legal-desk:security-desk"]),
        ({"legal-desk": "security-desk"}, {"site": "plant", "involves": ["security_team"]}, []),
        ({"legal-desk": "ombuds-desk", "ombuds-desk": "security-desk"}, {"site": "plant"}, ["legal-desk:ombuds-desk"]),
        ({"police": "ombuds-desk"}, {"site": "plant"}, None),
        ({"legal-desk": "ombuds-desk"}, {"category": "other"}, ["legal-desk:ombuds-desk"]),  # no route: the fallback
    ],
)
def test_who_comes_in_for_whom(stand_ins: dict[str, str], values: dict[str, Any], wanted: list[str] | None) -> None:
    if wanted is None:
        with pytest.raises(Exception, match="draft waits for approvals"):
            policy(stand_ins)
        return
    decision = decided(policy(stand_ins), facts(**{"category": "fraud", **values}))

    assert [f"{of}:{to}" for of, to in pairs(decision)] == wanted


def test_that_a_stand_in_is_withheld_is_explained() -> None:
    concern = facts(category="other", urgency=["ongoing"], involves=["legal"])
    decision = decided(policy({"security-desk": "legal-desk"}), concern)

    assert decision.avoided == ("legal",)
    assert [rule.rule for rule in decision.trace if rule.rule.startswith(("withheld", "avoided"))] == [
        "withheld:legal-desk",
        "avoided:legal",
    ]


def test_a_conflict_found_later_keeps_it_from_the_stand_in() -> None:
    decision = decided(policy({"legal-desk": "security-desk"}), facts(category="fraud", site="plant"))
    anew = decided(
        policy({"legal-desk": "security-desk"}), facts(category="fraud", site="plant"), conflicted=["security"]
    )

    assert pairs(decision) == [("legal-desk", "security-desk")]
    assert pairs(anew) == []
    assert {planned.kept_from for planned in anew.referrals} == {("security",)}


def test_holds_when_deciding_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched, because a policy that loaded has no known way to fail."""
    monkeypatch.setattr(deciding, "choose", lambda *_, **__: 1 / 0)

    decision = decided(policy({"legal-desk": "ombuds-desk"}), facts(category="fraud"))

    assert decision.reason == "policy_error"
    assert pairs(decision) == [("legal-desk", "ombuds-desk")]


def test_an_escalation_at_the_same_moment_is_another_thing_and_comes_before() -> None:
    decision = decided(policy({"security-desk": "ombuds-desk"}, ESCALATED), facts(category="fraud"))
    both = [planned for planned in decision.referrals if planned.channel == "ombuds-desk"]

    assert [(planned.fields.notice, planned.fields.revision, planned.instead_of) for planned in both] == [
        (Notice.ESCALATION, 1, None),
        (Notice.INSTEAD, 2, "security-desk"),
    ]
    assert both[0].fields.category == both[1].fields.category == "fraud"


def test_the_explanation_says_who_comes_in_and_shows_its_bytes() -> None:
    known, concern = policy({"security-desk": "ombuds-desk"}), facts(category="fraud")
    decision = decided(known, concern)
    lines = list(as_lines(known, concern, decision, lambda _: "key"))
    shown = as_json(known, decision, lambda _: "key")["referrals"]

    assert "  if security-desk has not got it by Mon 2026-11-30 09:30: ombuds-desk gets it instead" in lines
    begin = lines.index("Channel ombuds-desk (folder), instead of security-desk, Mon 2026-11-30 09:30:")
    assert '  |   "notice": "instead",' in lines[begin:]
    assert [row["instead_of"] for row in shown if row["channel"] == "ombuds-desk"] == ["security-desk"]
