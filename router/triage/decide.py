"""Policy and Facts to Decision: how bad, who must know, by when, by which channels, and why.

Pure: the reference and the time are given. Fails to a person: whatever goes wrong inside, the fallback
teams are told, and the explanation says `policy_error`.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from router.catalogue import Channel
from router.model import ConditionTried, Deadlines, Decision, Facts, PlannedReferral, Referral, RuleTried
from router.triage.file import ReportedBy
from router.triage.policy import FALLBACK, Policy
from router.triage.telling import Told, last_resort, tell
from router.vocabulary import ReferralState, Severity

ACKNOWLEDGE_WITHIN: Final = timedelta(days=7)
"""Directive (EU) 2019/1937, article 9(1)(b)."""
FEEDBACK_MONTHS: Final = 3
"""Article 9(1)(f)."""
NO_MATCH: Final = "no_match"
POLICY_ERROR: Final = "policy_error"

_RANK: Final = {severity: severity.rank for severity in Severity}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rules choose, without the explanation of those that did not match."""

    severity: Severity
    severity_rules: int
    """How many severity rules were tried."""
    route: str
    route_rules: int
    """How many routes were tried."""
    matched: bool
    told: Told


def decide(
    policy: Policy, facts: Facts, *, reference: str, received_at: datetime, statutory: bool, console_url: str
) -> Decision:
    """Return the decision with its explanation and one projection for each channel that is told.

    `statutory` says that a person reports, for whom the legal clocks run; `console_url` starts the
    link that reviewers follow. Never raises for valid facts: any error inside tells the fallback.
    """
    try:
        choice = choose(policy, facts, statutory=statutory)
        received_at = received_at.astimezone(UTC)
        deadlines = _deadlines(policy, choice.severity, received_at, statutory=statutory)
        known = _known(facts, choice, deadlines, reference=reference, received_at=received_at, console_url=console_url)
        return Decision(
            policy=policy.digest,
            severity=choice.severity,
            route=choice.route,
            teams=tuple([team.name for team in choice.told.teams]),
            avoided=tuple([team.name for team in choice.told.avoided]),
            deadlines=deadlines,
            referrals=_planned(choice.told, known),
            trace=_trace(policy, facts, choice, statutory=statutory),
        )
    except Exception as error:  # noqa: BLE001 - promise 7: a policy error reaches a person, never silence
        return _failed(policy, facts, error, reference=reference, received_at=received_at, statutory=statutory)


def choose(policy: Policy, facts: Facts, *, statutory: bool) -> Choice:
    """Return severity, route, teams and channels; no explanation but of who was left out."""
    view = _view(facts, statutory=statutory)
    severity = policy.taxonomy[facts.category].floor
    tried = 0
    for tried, rule in enumerate(policy.severities, 1):  # noqa: B007 - used after the loop
        if rule.rule.matches(view):
            if _RANK[rule.sets] > _RANK[severity]:
                severity = rule.sets
            break
    view["severity_at_least"] = severity
    for count, route in enumerate(policy.routes, 1):
        if route.rule.matches(view):
            told = tell(policy, facts.involves, teams=route.teams, to=route.to, hold=route.hold)
            return Choice(severity, tried, route.name, count, matched=True, told=told)
    told = tell(policy, facts.involves, teams=(), to=(), hold=())
    return Choice(severity, tried, FALLBACK, len(policy.routes), matched=False, told=told)


def months_after(moment: datetime, months: int) -> datetime:
    """Return the same day and time `months` calendar months later, or that month's last day if it has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _view(facts: Facts, *, statutory: bool) -> dict[str, Any]:
    return {**facts.__dict__, "from": ReportedBy.PERSON if statutory else ReportedBy.CLIENT}


def _deadlines(policy: Policy, severity: Severity, received_at: datetime, *, statutory: bool) -> Deadlines:
    return Deadlines(
        claim_by=received_at + policy.times[severity].claim.real,
        decide_by=received_at + policy.times[severity].decide.real,
        acknowledge_by=received_at + ACKNOWLEDGE_WITHIN if statutory else None,
        feedback_by=months_after(received_at, FEEDBACK_MONTHS) if statutory else None,
    )


def _known(
    facts: Facts, choice: Choice, deadlines: Deadlines, *, reference: str, received_at: datetime, console_url: str
) -> dict[str, Any]:
    """Return everything that a referral of this case could hold."""
    return {
        **facts.__dict__,
        "occurred_at": _utc(facts.occurred_at),
        "noticed_at": _utc(facts.noticed_at),
        **deadlines.__dict__,
        "reference": reference,
        "severity": choice.severity,
        "received_at": received_at,
        "link": f"{console_url.rstrip('/')}/console/cases/{reference}",
    }


def _utc(moment: datetime | None) -> datetime | None:
    """Return the same moment in UTC: a zone says where somebody was."""
    return moment.astimezone(UTC) if moment is not None else None


def _planned(told: Told, known: Mapping[str, Any]) -> tuple[PlannedReferral, ...]:
    due = [_referral(channel, ReferralState.DUE, known) for channel in told.to]
    return (*due, *[_referral(channel, ReferralState.DRAFT, known) for channel in told.hold])


def _referral(channel: Channel, state: ReferralState, known: Mapping[str, Any]) -> PlannedReferral:
    """Return the channel's projection: what it may carry, of what is known."""
    fields = {name: known[name] for name in channel.carries if known.get(name) not in (None, ())}
    return PlannedReferral(
        channel=channel.name,
        kind=channel.kind,
        state=state,
        fields=Referral(**{**fields, "reference": known["reference"], "revision": 1}),
    )


def _trace(policy: Policy, facts: Facts, choice: Choice, *, statutory: bool) -> tuple[RuleTried, ...]:
    view = _view(facts, statutory=statutory)
    view["severity_at_least"] = choice.severity
    trace = [rule.rule.tried(view) for rule in policy.severities[: choice.severity_rules]]
    trace += [route.rule.tried(view) for route in policy.routes[: choice.route_rules]]
    if not choice.matched:
        trace.append(RuleTried(rule=NO_MATCH, matched=True))
    return (*trace, *choice.told.steps)


def _failed(
    policy: Policy, facts: Facts, error: Exception, *, reference: str, received_at: datetime, statutory: bool
) -> Decision:
    """Return the decision that tells the fallback teams of a case that could not be decided: at least high."""
    category = policy.taxonomy.get(facts.category)
    severity = max(category.floor if category else Severity.HIGH, Severity.HIGH, key=_RANK.__getitem__)
    try:
        told = tell(policy, facts.involves, teams=(), to=(), hold=())
    except Exception:  # noqa: BLE001 - the last team of the fallback is nobody's to involve, so nothing need be known
        told = last_resort(policy)
    received_at = received_at.astimezone(UTC)
    deadlines = _deadlines(policy, severity, received_at, statutory=statutory)
    known = {
        "reference": reference,
        "severity": severity,
        "received_at": received_at,
        "claim_by": deadlines.claim_by,
    }
    failure = ConditionTried(field="error", wanted=(), actual=(type(error).__name__,), ok=True)
    return Decision(
        policy=policy.digest,
        severity=severity,
        route=FALLBACK,
        teams=tuple(team.name for team in told.teams),
        avoided=tuple(team.name for team in told.avoided),
        deadlines=deadlines,
        referrals=_planned(told, known),
        trace=(RuleTried(rule=POLICY_ERROR, matched=True, tests=(failure,)), *told.steps),
    )
