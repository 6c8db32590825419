"""A decision for people and for programs: every rule tried, and the exact bytes that each channel would send.

Pure. Shows facts, so it belongs on the operator's screen; never in a log.
"""

from collections.abc import Callable, Iterator
from typing import Any

from router.model import ConditionTried, Decision, Facts, PlannedReferral, RuleTried, plain
from router.triage.policy import Policy

KeyOf = Callable[[PlannedReferral], str]
"""Names the key that goes along with a referral."""

_STEPS = {
    "avoided": "{0} is not told: it is said to be involved",
    "withheld": "nothing goes to {0}: {1}, said to be involved, can read it",
    "stands_in": "{0} stands in for {1}",
    "desk": "{1} is told by {0}",
    "fallback": "{0} is told: nobody else is left",
    "no_match": "no route matched: the fallback teams are told",
    "policy_error": "deciding failed ({2}): the fallback teams are told",
}


def as_json(policy: Policy, decision: Decision, key_of: KeyOf) -> dict[str, Any]:
    """Return the decision as JSON-ready values, each referral with its payload as text."""
    shown = decision.model_dump(mode="json", exclude={"referrals"})
    shown["referrals"] = [
        {
            "channel": planned.channel,
            "state": planned.state.value,
            "fields": plain(planned.fields),
            "payload": _payload(policy, planned, key_of),
        }
        for planned in decision.referrals
    ]
    return shown


def as_lines(policy: Policy, facts: Facts, decision: Decision, key_of: KeyOf) -> Iterator[str]:
    """Yield the decision as lines that somebody who writes no programs can follow."""
    yield f"Severity: {decision.severity}"
    yield from _tried(decision, "severity")
    category = policy.taxonomy.get(facts.category)
    if category is not None:
        yield f"  {category.label}: never below {category.floor}"
    yield f"Route: {decision.route}"
    yield from _tried(decision, "route")
    steps = [rule for rule in decision.trace if rule.rule.split(":")[0] in _STEPS]
    if steps:
        yield "Who was left out, and who came in:"
        yield from (f"  {_sentence(step)}" for step in steps)
    yield f"Told, with a key to what was written: {', '.join(decision.teams)}"
    yield "Deadlines:"
    yield from (f"  {name}: {moment}" for name, moment in plain(decision.deadlines).items())
    for planned in decision.referrals:
        state = "a draft until people approve it" if planned.state == "draft" else planned.state
        yield f"Channel {planned.channel} ({planned.kind}), {state}:"
        yield from (f"  | {line}" for line in _payload(policy, planned, key_of).splitlines())
    yield f"Policy: {decision.policy}"


def _payload(policy: Policy, planned: PlannedReferral, key_of: KeyOf) -> str:
    channel = policy.channels.channels[planned.channel]
    return channel.render(planned.fields, key=key_of(planned)).body.decode()


def _tried(decision: Decision, part: str) -> Iterator[str]:
    for rule in decision.trace:
        kind, _, name = rule.rule.partition(":")
        if kind == part:
            yield f"  {'yes' if rule.matched else 'no '}  {name}: {_conditions(rule)}"


def _conditions(rule: RuleTried) -> str:
    if not rule.tests:
        return "always matches"
    return "; ".join(map(_condition, rule.tests))


def _condition(test: ConditionTried) -> str:
    has = ", ".join(test.actual) or "not said"
    wanted = " or ".join(test.wanted)
    if test.field == "severity_at_least":
        return f"severity is {has}, {'at least' if test.ok else 'below'} {wanted}"
    return f"{test.field} is {has}" if test.ok else f"{test.field} is {has}, not {wanted}"


def _sentence(step: RuleTried) -> str:
    kind, _, name = step.rule.partition(":")
    wanted = ", ".join(step.tests[0].wanted) if step.tests else ""
    actual = ", ".join(step.tests[0].actual) if step.tests else ""
    return _STEPS[kind].format(name, wanted, actual)
