"""A decision for people and for programs: every rule tried, what happens when, and the bytes each channel would send.

Pure. Shows facts, so it belongs on the operator's screen; never in a log.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
        "fallback": "{0} is told: the first of the fallback list that may be",
        "no_match": "no route named a team: the fallback teams are told (no_match)",
        "policy_error": "deciding failed ({2}): the fallback teams are told (policy_error)",
        "parked": "it came with very many others: who is told at once is told when somebody has looked, or at {2}",
    }
)
_SPOKEN: Final = frozenset({*_STEPS, "body"})
"""What is told in a sentence, not by its conditions."""
_SAID_BY: Final[Mapping[str, str]] = MappingProxyType(
    {"country": "the concern's country", "site": "where its site is", "region": "where the organisation is"}
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
        "claim_by": "somebody has claimed it",
        "decide_by": "it is decided and closed",
        "acknowledge_by": "the reporter was told that it arrived",
        "feedback_by": "the reporter was told what was done",
    }
)
_NOT_YET: Final[Mapping[Awaited | None, str]] = MappingProxyType(
    {
        Awaited.CLAIM: "nobody has claimed it",
        Awaited.DECIDE: "it is not decided and closed",
        Awaited.ACKNOWLEDGE: "the reporter was not told that it arrived",
        Awaited.FEEDBACK: "the reporter was not told what was done",
        Awaited.DELIVERY: "something sent at once has not arrived",
    }
)
_SAID: Final[Mapping[Notice | None, str]] = MappingProxyType(
    {
        Notice.REMINDER: "is reminded",
        Notice.OVERDUE: "is told that the time is over",
        Notice.ESCALATION: "is alerted",
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
    """Return the decision as JSON-ready values, each referral with its payload as text, or with what it lacks."""
    shown = decision.model_dump(mode="json", exclude={"referrals"})
    shown["link_duplicates"] = {"by": linked.by, "within": str(linked.within)} if linked else None
    shown["referrals"] = [
        {
            **planned.model_dump(mode="json", exclude={"fields"}),
            "fields": plain(planned.fields),
            "payload": None if (lacks := _lacks(policy, planned)) else _payload(policy, planned, key_of),
            "lacks": lacks,
        }
        for planned in decision.referrals
    ]
    return shown


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule that was tried, in words: conditions of a `severity` or `route`, or a sentence of a `step` or `body`."""

    part: str
    name: str
    matched: bool
    said: str


def in_words(trace: Iterable[RuleTried]) -> Iterator[Tried]:
    """Yield each rule of a stored explanation in the order tried; the policy that it is of need not be there."""
    for rule in trace:
        part, _, name = rule.rule.partition(":")
        if part in _SPOKEN:
            yield Tried("body" if part == "body" else "step", name, rule.matched, _sentence(rule))
        else:
            yield Tried(part, name, rule.matched, _conditions(rule))


def as_lines(
    policy: Policy, facts: Facts, decision: Decision, key_of: KeyOf, *, linked: DuplicatesEntry | None = None
) -> Iterator[str]:
    """Yield the decision as lines that somebody who writes no programs can follow."""
    zone = _zone(policy, facts)
    category = policy.taxonomy.get(facts.category)
    yield f"Severity: {decision.severity}"
    yield "The first rule that matches sets it, but never below the category's own:"
    sets = {one.rule.name.removeprefix("severity:"): f" - sets {one.sets}" for one in policy.severities}
    yield from _tried(decision, "severity", {}, sets)
    if category is not None:
        yield f"  {category.label}: never below {category.floor}"
    yield f"Route: {decision.route}"
    yield "The first route that matches decides, and of those inside it the first that matches:"
    placed = dict(_placed(policy.routes))
    adds = {name: " - adds what it says, and goes on" for name, (_, route) in placed.items() if route.goes_on}
    yield from _tried(decision, "route", placed, adds)
    steps = [rule for rule in decision.trace if rule.rule.partition(":")[0] in _SPOKEN]
    bodies = [step for step in steps if step.rule.startswith("body:")]
    if len(steps) > len(bodies):
        yield "Who was left out, and who came in:"
        yield from (f"  {_sentence(step)}" for step in steps if step not in bodies)
    yield f"Told, with a key to what was written: {', '.join(decision.teams)}"
    yield from _who(decision)
    if bodies:
        yield "Which outside body each draft is for:"
        yield from (line for step in bodies for line in wrap(f"  {_sentence(step)}", WIDTH, subsequent_indent="    "))
    if decision.say:
        yield "A person who reports this is shown:"
        yield from (f"  {line}" for text in decision.say for line in wrap(text, WIDTH - 2))
    yield from _when(decision, zone)
    if linked is not None:
        same = f"cases within {linked.within} that have the same {' and '.join(linked.by)}"
        yield f"Linked with {same}" if decision.duplicates else f"Not linked with {same}: it lacks one of these"
    yield "What each channel gets, byte for byte:"
    for planned in decision.referrals:
        yield f"Channel {planned.channel} ({planned.kind}), {_occasion(planned, zone)}:"
        if lacks := _lacks(policy, planned):
            yield f"  Nothing can be written, and nobody can approve it, without: {', '.join(lacks)}"
        else:
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


def _when(decision: Decision, zone: ZoneInfo | None) -> Iterator[str]:
    """Yield by when what must be done, and what is said while it is not."""
    place = zone.key if zone else "UTC"
    yield f"Deadlines, times of {place}:"
    for name, by in decision.deadlines:
        if by is not None:
            yield f"  by {_moment(by, zone)}: {_DEADLINES[name]}"
    waiting: dict[Awaited | None, list[str]] = {}
    for planned in decision.referrals:
        if planned.due_at is not None and planned.instead_of is None:
            said = f"    {_local(planned.due_at, zone)}  {planned.channel} {_SAID[planned.fields.notice]}"
            waiting.setdefault(planned.awaited, []).append(said)
    if waiting:
        yield f"Later, unless somebody acts, times of {place}:"
    for awaited, lines in waiting.items():
        yield f"  while {_NOT_YET[awaited]}:"
        yield from lines
    stand_ins = [planned for planned in decision.referrals if planned.instead_of is not None]
    if stand_ins:
        yield f"Should a message not get through, times of {place}:"
    for planned in stand_ins:
        at = _local(planned.due_at, zone) if planned.due_at else "then"
        yield f"  if {planned.instead_of} has not got it by {at}: {planned.channel} gets it instead"


def _occasion(planned: PlannedReferral, zone: ZoneInfo | None) -> str:
    if planned.state is ReferralState.DRAFT:
        return "a draft until people approve it"
    if planned.due_at is None:
        return "at once"
    said = f"instead of {planned.instead_of}" if planned.instead_of else planned.fields.notice
    return f"{said}, {_local(planned.due_at, zone)}"


def _lacks(policy: Policy, planned: PlannedReferral) -> list[str]:
    """Return the facts that are missing, or that the channel has no word for."""
    return list(policy.channels.channels[planned.channel].lacks(planned.fields))


def _payload(policy: Policy, planned: PlannedReferral, key_of: KeyOf) -> str:
    channel = policy.channels.channels[planned.channel]
    return channel.render(planned.fields, key=key_of(planned)).body.decode()


def _zone(policy: Policy, facts: Facts) -> ZoneInfo | None:
    calendar = policy.site_calendars.get(facts.site, policy.calendar) if facts.site else policy.calendar
    return calendar.zone if calendar else None


def _local(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return the moment on the clock of the place; in UTC if none is known."""
    return f"{moment.astimezone(zone or UTC):%a %Y-%m-%d %H:%M}"


def _moment(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return the moment on the clock of the place, and in UTC as the channels say it."""
    local, meant = _local(moment, zone), _local(moment, None)
    if zone is None:
        return local
    day, time = meant.rsplit(" ", 1)
    return f"{local} ({time if local.startswith(day) else meant} UTC)"


def _placed(routes: tuple[Route, ...], depth: int = 0) -> Iterator[tuple[str, tuple[int, Route]]]:
    """Yield each route by name, with how deep it is nested."""
    for route in routes:
        yield route.name, (depth, route)
        yield from _placed(route.inner, depth + 1)


def _tried(
    decision: Decision, part: str, placed: Mapping[str, tuple[int, Route]], then: Mapping[str, str]
) -> Iterator[str]:
    """Yield each rule tried; `then` says of some what they do when they match."""
    for rule in decision.trace:
        kind, _, name = rule.rule.partition(":")
        if kind != part:
            continue
        depth, _ = placed.get(name, (0, None))
        start = f"  {'yes' if rule.matched else 'no '}  {'  ' * depth}{'inside: ' if depth else ''}"
        does = then.get(name, "") if rule.matched else ""
        yield from wrap(
            f"{start}{name}: {_conditions(rule)}{does}",
            WIDTH,
            subsequent_indent=" " * (len(start) + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _conditions(rule: RuleTried) -> str:
    """Return what was wanted and what there was; where it did not match, what did not comes last."""
    holds = "; ".join(_condition(test) for test in rule.tests if test.ok)
    fails = "; ".join(_condition(test) for test in rule.tests if not test.ok)
    return "; but ".join(part for part in (holds, fails) if part) or "always matches"


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
    if kind == "body":
        return _body(name, step)
    wanted = " and ".join(step.tests[0].wanted) if step.tests else ""
    actual = ", ".join(step.tests[0].actual) if step.tests else ""
    why = ", and ".join(_CONFLICTS[test.field] for test in step.tests if test.field in _CONFLICTS)
    return _STEPS[kind].format(name, wanted, actual, why)


def _body(channel: str, step: RuleTried) -> str:
    """Return which outside body a draft is for, and whose bodies were asked."""
    test = step.tests[0]
    region = f"{test.actual[0]}, {_SAID_BY[test.field]}" if test.actual else "a country that nobody said"
    if not test.wanted:
        return f"{channel} leads to nobody: bodies.yaml has nobody for {region}"
    if not test.ok:
        return f"{channel} leads to {test.wanted[0]}, which is for everybody: bodies.yaml has no other for {region}"
    return f"{channel} leads to {test.wanted[0]}: the bodies of {region}, are asked"
