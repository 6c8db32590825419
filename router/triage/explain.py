"""A decision for people and for programs: every rule tried, what happens when, and the bytes each channel would send.

Pure. Shows facts, so it belongs on the operator's screen; never in a log.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from textwrap import wrap
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from router.model import ConditionTried, Decision, Facts, PlannedReferral, RuleTried, plain
from router.triage.decide import choose
from router.triage.file import DuplicatesEntry
from router.triage.policy import Policy, Route
from router.vocabulary import Awaited, Notice, ReferralState

KeyOf = Callable[[PlannedReferral], str]
"""Names the key that goes along with a referral."""
WIDTH: Final = 118

_STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "avoided": "{0} is not told: {3}",
        "withheld": "nothing goes to {0}: {1} can read it",
        "stands_in": "{0} stands in for {1}",
        "desk": "{1} is told by {0}",
        "fallback": "{0} is told: nobody else is left",
        "no_match": "no route named a team: the fallback teams are told (no_match)",
        "policy_error": "deciding failed ({2}): the fallback teams are told (policy_error)",
    }
)
_CONFLICTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "involves": "it is said to be involved",
        "subject_handle": "the person named is a member of it",
        "found_later": "it was found to be involved later",
    }
)
_DEADLINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "claim_by": "a person has taken it by",
        "decide_by": "it is decided and closed by",
        "acknowledge_by": "the reporter is told that it arrived by",
        "feedback_by": "the reporter is told what was done by",
    }
)
_NOT_YET: Final[Mapping[Awaited | None, str]] = MappingProxyType(
    {
        Awaited.CLAIM: "nobody has claimed it",
        Awaited.DECIDE: "it is not decided and closed",
        Awaited.ACKNOWLEDGE: "the reporter was not told that it arrived",
        Awaited.FEEDBACK: "the reporter was not told what was done",
        Awaited.DELIVERY: "somebody who must know at once could not be told",
    }
)
_SAID: Final[Mapping[Notice | None, str]] = MappingProxyType(
    {
        Notice.REMINDER: "is reminded",
        Notice.OVERDUE: "is told that the time is over",
        Notice.ESCALATION: "is told, too",
    }
)


def linked_by(policy: Policy, facts: Facts, *, statutory: bool) -> DuplicatesEntry | None:
    """Return what likely duplicates of this concern have in common, if its routes link any; no values."""
    if policy.unknown_in(facts):
        return None
    return choose(policy, facts, statutory=statutory).said.duplicates


def as_json(
    policy: Policy, decision: Decision, key_of: KeyOf, *, linked: DuplicatesEntry | None = None
) -> dict[str, Any]:
    """Return the decision as JSON-ready values, each referral with its payload as text."""
    shown = decision.model_dump(mode="json", exclude={"referrals"})
    shown["link_duplicates"] = {"by": linked.by, "within": str(linked.within)} if linked else None
    shown["referrals"] = [
        {
            **planned.model_dump(mode="json", exclude={"fields"}),
            "fields": plain(planned.fields),
            "payload": _payload(policy, planned, key_of),
        }
        for planned in decision.referrals
    ]
    return shown


def as_lines(
    policy: Policy, facts: Facts, decision: Decision, key_of: KeyOf, *, linked: DuplicatesEntry | None = None
) -> Iterator[str]:
    """Yield the decision as lines that somebody who writes no programs can follow."""
    zone = _zone(policy, facts)
    category = policy.taxonomy.get(facts.category)
    yield f"Severity: {decision.severity}"
    yield from _tried(decision, "severity", {})
    if category is not None:
        yield f"  {category.label}: never below {category.floor}"
    yield f"Route: {decision.route}"
    yield from _tried(decision, "route", dict(_placed(policy.routes)))
    steps = [rule for rule in decision.trace if rule.rule.partition(":")[0] in _STEPS]
    if steps:
        yield "Who was left out, and who came in:"
        yield from (f"  {_sentence(step)}" for step in steps)
    yield f"Told, with a key to what was written: {', '.join(decision.teams)}"
    if decision.say:
        yield "The reporter is shown:"
        yield from (f"  {line}" for text in decision.say for line in wrap(text, WIDTH - 2))
    yield "Deadlines:"
    for name, by in decision.deadlines:
        if by is not None:
            yield f"  {_DEADLINES[name]} {_moment(by, zone)}"
    if linked is not None:
        yield f"Linked with cases of {linked.within} before that have the same {' and '.join(linked.by)}:"
        yield "  it has them all" if decision.duplicates else "  not this one: it lacks one of these"
    yield from _who(decision)
    yield from _later(decision, zone)
    yield "What each channel gets, byte for byte:"
    for planned in decision.referrals:
        yield f"Channel {planned.channel} ({planned.kind}), {_when(planned, zone)}:"
        yield from (f"  | {line}" for line in _payload(policy, planned, key_of).removesuffix("\n").split("\n"))
    yield f"Policy: {decision.policy}"


def _who(decision: Decision) -> Iterator[str]:
    """Yield which channels are told at once, and which drafts wait."""
    for said, state in (
        ("Told at once", ReferralState.DUE),
        ("Drafts for outside, until people approve them", ReferralState.DRAFT),
    ):
        channels = [planned.channel for planned in decision.referrals if planned.state is state]
        if channels:
            yield f"{said}: {', '.join(channels)}"


def _later(decision: Decision, zone: ZoneInfo | None) -> Iterator[str]:
    """Yield what is said later, in the order of its time, and what keeps it from being said."""
    waiting = [(planned.due_at, planned) for planned in decision.referrals if planned.due_at is not None]
    if waiting:
        yield f"Later, if nobody acts (times of {zone.key if zone else 'UTC'}):"
    for due_at, planned in waiting:
        local = f"{due_at.astimezone(zone or UTC):%a %Y-%m-%d %H:%M}"
        yield f"  if by {local} {_NOT_YET[planned.awaited]}: {planned.channel} {_SAID[planned.fields.notice]}"


def _when(planned: PlannedReferral, zone: ZoneInfo | None) -> str:
    if planned.state is ReferralState.DRAFT:
        return "a draft until people approve it"
    if planned.due_at is None:
        return "at once"
    return f"{planned.fields.notice} at {_moment(planned.due_at, zone)}"


def _payload(policy: Policy, planned: PlannedReferral, key_of: KeyOf) -> str:
    channel = policy.channels.channels[planned.channel]
    return channel.render(planned.fields, key=key_of(planned)).body.decode()


def _zone(policy: Policy, facts: Facts) -> ZoneInfo | None:
    calendar = policy.site_calendars.get(facts.site, policy.calendar) if facts.site else policy.calendar
    return calendar.zone if calendar else None


def _moment(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return the moment on the clock of the place, if there is one, and in UTC."""
    meant = moment.astimezone(UTC)
    if zone is None:
        return f"{meant:%a %Y-%m-%d %H:%M} UTC"
    local = meant.astimezone(zone)
    day = "" if local.date() == meant.date() else f"{meant:%a %Y-%m-%d} "
    return f"{local:%a %Y-%m-%d %H:%M} {zone.key} ({day}{meant:%H:%M} UTC)"


def _placed(routes: tuple[Route, ...], depth: int = 0) -> Iterator[tuple[str, tuple[int, Route]]]:
    """Yield each route by name, with how deep it is nested."""
    for route in routes:
        yield route.name, (depth, route)
        yield from _placed(route.inner, depth + 1)


def _tried(decision: Decision, part: str, placed: Mapping[str, tuple[int, Route]]) -> Iterator[str]:
    for rule in decision.trace:
        kind, _, name = rule.rule.partition(":")
        if kind != part:
            continue
        depth, route = placed.get(name, (0, None))
        inside = "  " * depth + ("inside: " if depth else "")
        goes_on = " - adds what it says, and goes on" if route and route.goes_on and rule.matched else ""
        start = f"  {'yes' if rule.matched else 'no '}  {inside}"
        yield from wrap(
            f"{start}{name}: {_conditions(rule)}{goes_on}",
            WIDTH,
            subsequent_indent=" " * (len(start) + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _conditions(rule: RuleTried) -> str:
    if not rule.tests:
        return "always matches"
    return "; ".join(map(_condition, rule.tests))


def _condition(test: ConditionTried) -> str:
    has = ", ".join(test.actual) or "not said"
    wanted = " or ".join(test.wanted)
    if test.field == "severity_at_least":
        return f"severity is {has}, {'at least' if test.ok else 'below'} {wanted}"
    if test.ok and test.wanted == test.actual:
        return f"{test.field} is {has}"
    return f"{test.field} is {has} ({'one of' if test.ok else 'wanted'}: {wanted})"


def _sentence(step: RuleTried) -> str:
    kind, _, name = step.rule.partition(":")
    wanted = ", ".join(step.tests[0].wanted) if step.tests else ""
    actual = ", ".join(step.tests[0].actual) if step.tests else ""
    why = ", and ".join(_CONFLICTS[test.field] for test in step.tests if test.field in _CONFLICTS)
    return _STEPS[kind].format(name, wanted, actual, why)
