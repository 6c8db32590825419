"""Promise 6: which policy, which rule, which values; and what is shown is what is sent."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.model import Decision, Facts, Referral, RuleTried, plain
from router.store.posting import referral_id
from router.triage.explain import as_json, as_lines
from router.triage.parts import everyone
from router.triage.policy import Policy, Route
from router.vocabulary import Involved, Severity, Urgency, WhereFound
from tests.policies import decided, facts, shipped, small

POLICY = shipped()
POLICIES: dict[str, Policy] = {"shipped": POLICY, "small": small()}


def key_of(planned: Any) -> str:
    return referral_id(planned.fields.reference, planned.channel, planned.fields.revision)


def actual(concern: Facts, decision: Decision, field: str) -> tuple[str, ...]:
    """Return what the concern has, read from the facts and not from the trace."""
    if field == "from":
        return ("person",)
    if field == "severity_at_least":
        return (decision.severity.value,)
    value = getattr(concern, field)
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, tuple) else (str(value),)


def will_do(field: str, wanted: tuple[str, ...], has: tuple[str, ...]) -> bool:
    if field == "severity_at_least":
        return Severity(has[0]).rank >= Severity(wanted[0]).rank
    return any(value in wanted for value in has)


def tried(routes: Sequence[Route], trace: Sequence[RuleTried]) -> Iterator[str]:
    """Yield the routes that must have been tried: up to the first that matched and does not go on, and inside each."""
    matched = {rule.rule for rule in trace if rule.matched}
    for route in routes:
        yield route.name
        if f"route:{route.name}" in matched:
            yield from tried(route.inner, trace)
            if not route.goes_on:
                return


@given(
    category=st.sampled_from(sorted(POLICY.taxonomy)),
    where=st.none() | st.sampled_from(WhereFound),
    urgency=st.lists(st.sampled_from(Urgency), unique=True).map(tuple),
    involves=st.lists(st.sampled_from(Involved), unique=True).map(tuple),
    which=st.sampled_from(["shipped", "small"]),
)
def test_the_explanation_tells_what_happened(
    category: str,
    where: WhereFound | None,
    urgency: tuple[Urgency, ...],
    involves: tuple[Involved, ...],
    which: str,
) -> None:
    policy = POLICIES[which]
    concern = facts(
        category=category if category in policy.taxonomy else "other",
        where_found=where,
        urgency=urgency,
        involves=involves,
    )

    decision = decided(policy, concern)

    rules = [rule for rule in decision.trace if rule.rule.startswith(("severity:", "route:"))]
    for rule in rules:
        for test in rule.tests:
            assert test.actual == actual(concern, decision, test.field)
            assert test.ok == will_do(test.field, test.wanted, test.actual)
        assert rule.matched == all(test.ok for test in rule.tests)
    routes = [rule for rule in rules if rule.rule.startswith("route:")]
    assert [rule.rule for rule in routes] == [f"route:{name}" for name in tried(policy.routes, routes)]
    goes_on = {f"route:{route.name}" for route in everyone(policy.routes) if route.goes_on}
    decided_by = [rule.rule for rule in routes if rule.matched and rule.rule not in goes_on]
    assert decided_by[-1:] == [f"route:{decision.route}"] * (decision.route != "fallback")


def test_every_team_that_is_left_out_is_in_the_explanation() -> None:
    decision = decided(POLICY, facts(category="csam_suspected", involves=("security_team", "it_helpdesk", "legal")))

    steps = {rule.rule for rule in decision.trace if not rule.rule.startswith(("severity:", "route:"))}

    assert {f"avoided:{team}" for team in decision.avoided} <= steps
    assert {"withheld:security-desk", "withheld:legal-desk", "stands_in:ombuds", "desk:ombuds-desk"} <= steps
    assert decision.avoided == ("security", "it_helpdesk", "legal")


def test_the_decision_names_its_policy() -> None:
    assert decided(POLICY, facts()).policy == POLICY.digest


def test_the_explanation_is_kept_as_it_is_shown() -> None:
    decision = decided(POLICY, facts(category="fraud"))

    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_json_has_the_shape_that_others_rely_on() -> None:
    shown = json.loads(json.dumps(as_json(POLICY, decided(POLICY, facts(category="fraud")), key_of)))

    assert set(shown) >= {"policy", "severity", "route", "teams", "avoided", "deadlines", "trace", "referrals"}
    assert {tuple(sorted(rule)) for rule in shown["trace"]} == {("matched", "rule", "tests")}
    assert {tuple(sorted(test)) for rule in shown["trace"] for test in rule["tests"]} == {
        ("actual", "field", "ok", "wanted")
    }
    assert {tuple(sorted(referral)) for referral in shown["referrals"]} == {
        ("awaited", "channel", "due_at", "fields", "instead_of", "kept_from", "kind", "lacks", "payload", "state")
    }


def test_what_is_shown_is_what_a_worker_sends() -> None:
    """The worker renders what the database gave back, not what was decided."""
    decision = decided(POLICY, facts(category="csam_suspected", where_found="forum", url="https://example.org/"))
    shown = as_json(POLICY, decision, key_of)

    for planned, referral in zip(decision.referrals, shown["referrals"], strict=True):
        stored = Referral.model_validate(orjson.loads(orjson.dumps(plain(planned.fields))))
        sent = POLICY.channels.channels[planned.channel].render(stored, key=key_of(planned))
        assert referral["payload"] == sent.body.decode()
        assert referral["fields"] == plain(stored)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"category": "fraud"}, "  yes  money: category is fraud"),
        ({"category": "fraud"}, "  no   somebody-in-danger: urgency is not said (wanted: child_in_immediate_danger or"),
        ({"category": "fraud"}, "severity is medium, below high"),
        ({"category": "fraud"}, "  Fraud or theft: never below medium"),
        ({"category": "harassment", "involves": ("hr",)}, "  hr is not told: it is said to be involved"),
        ({"category": "harassment", "involves": ("hr",)}, "  legal stands in for hr"),
        ({"category": "harassment", "involves": ("hr",)}, "  nothing goes to hr-desk: hr can read it"),
        ({"category": "csam_suspected"}, "Channel police-handover (hand_over), a draft until people approve it:"),
        ({"category": "fraud"}, "  if legal-desk has not got it by Mon 2026-11-30 10:30: ombuds-desk gets it instead"),
        ({"category": "nothing"}, "deciding failed (KeyError): the fallback teams are told"),
    ],
)
def test_people_can_follow_it(values: dict[str, Any], said: str) -> None:
    concern = facts(**values)

    lines = "\n".join(as_lines(POLICY, concern, decided(POLICY, concern), key_of))

    assert said in lines
