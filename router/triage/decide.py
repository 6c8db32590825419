"""Policy and Facts to Decision: how bad, who must know, by when, by which channels, and why.

Pure: the reference and the time are given. Fails to a person: whatever goes wrong inside, the fallback
teams are told, and the explanation says `policy_error`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from router.catalogue import Channel
from router.model import ConditionTried, Deadlines, Decision, Facts, PlannedReferral, RuleTried
from router.triage import clocks
from router.triage.clocks import Clock, Wait
from router.triage.file import DuplicatesEntry, ReportedBy, RouteDeadlineEntry
from router.triage.linking import duplicate_keys
from router.triage.policy import FALLBACK, Policy, Route, Team
from router.triage.projection import checked, known, planned
from router.triage.telling import Told, conflicts, last_resort, tell
from router.triage.whose import explained
from router.vocabulary import Reason, ReferralState, Severity

NO_MATCH: Final = Reason.NO_MATCH.value
POLICY_ERROR: Final = Reason.POLICY_ERROR.value

_RANK: Final = {severity: severity.rank for severity in Severity}


@dataclass(frozen=True, slots=True)
class Said:
    """What the routes that matched say, taken together."""

    route: str = FALLBACK
    """The one that names the decision."""
    teams: Sequence[Team] = ()
    to: Sequence[Channel] = ()
    hold: Sequence[Channel] = ()
    times: Sequence[RouteDeadlineEntry] = ()
    """What the case has otherwise than its severity says; the earlier counts before the later."""
    duplicates: DuplicatesEntry | None = None
    """What likely duplicates have in common."""
    say: Sequence[str] = ()
    """Names of the sentences that the reporter is shown."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rules choose, without the explanation of those that did not match."""

    severity: Severity
    said: Said
    told: Told
    view: Mapping[str, Any]
    """What the rules looked at."""

    @property
    def matched(self) -> bool:
        """Say whether a route named a team; else the fallback teams are told."""
        return bool(self.said.teams)

    @property
    def route(self) -> str:
        """The decision's route."""
        return self.said.route if self.said.teams else FALLBACK


def decide(
    policy: Policy,
    facts: Facts,
    *,
    reference: str,
    received_at: datetime,
    statutory: bool,
    console_url: str,
    conflicted: Collection[str] = (),
) -> Decision:
    """Return the decision with its explanation and one projection for each thing that a channel is, or may be, told.

    `statutory` says that a person reports, for whom the legal clocks run if the law has any; `console_url` starts
    the link that reviewers follow; `conflicted` names teams whose conflict was found later. Never raises for valid
    facts: any error inside tells the fallback.
    """
    received_at = received_at.astimezone(UTC)
    legal_clocks = statutory and policy.law.statutory_clocks
    try:
        choice = choose(policy, facts, statutory=statutory, conflicted=conflicted)
        told, said = choice.told, choice.said
        clock = clocks.clock_of(policy, choice.severity, said.times, site=facts.site, received_at=received_at)
        deadlines = clocks.deadlines(clock, statutory=legal_clocks)
        waits = _waits(policy, clock, deadlines, told)
        fields = known(
            policy,
            facts,
            severity=choice.severity,
            deadlines=deadlines,
            reference=reference,
            received_at=received_at,
            console_url=console_url,
        )
        referrals = planned(fields, told.to, told.hold, waits, kept_from=told.kept_from)
        return Decision(
            policy=policy.digest,
            severity=choice.severity,
            route=choice.route,
            teams=tuple([team.name for team in told.teams]),
            avoided=tuple(told.avoided),
            deadlines=deadlines,
            referrals=referrals,
            trace=(*_trace(policy, choice), *_bodies(policy, facts, referrals)),
            reason=None if choice.matched else Reason.NO_MATCH,
            say=tuple([policy.sentences[name] for name in said.say]),
            duplicates=duplicate_keys(policy.handles, facts, said.duplicates),
        )
    except Exception as error:  # noqa: BLE001 - promise 7: a policy error reaches a person, never silence
        failure = ConditionTried(field="error", wanted=(), actual=(type(error).__name__,), ok=True)
        return _failed(
            policy,
            facts,
            RuleTried(rule=POLICY_ERROR, matched=True, tests=(failure,)),
            reference=reference,
            received_at=received_at,
            legal_clocks=legal_clocks,
            conflicted=conflicted,
        )


def choose(policy: Policy, facts: Facts, *, statutory: bool, conflicted: Collection[str] = ()) -> Choice:
    """Return severity, route, teams and channels; no explanation but of who was left out."""
    view: dict[str, Any] = {**facts.__dict__, "from": ReportedBy.PERSON if statutory else ReportedBy.CLIENT}
    severity = policy.taxonomy[facts.category].floor
    rule = policy.severity_rule(view)
    if rule is not None and _RANK[rule.sets] > _RANK[severity]:
        severity = rule.sets
    view["severity_at_least"] = severity
    said = _together(list(policy.candidates(view)))
    in_conflict = conflicts(policy, facts, conflicted)
    return Choice(severity, said, tell(policy, in_conflict, teams=said.teams, to=said.to, hold=said.hold), view)


def _together(routes: Sequence[Route]) -> Said:
    """Return what `routes` say: all teams and channels once, in order; the last one names the decision."""
    if not routes:
        return Said()
    return Said(
        route=routes[-1].name,
        teams=_once(routes, "teams"),
        to=_once(routes, "to"),
        hold=_once(routes, "hold"),
        times=[route.times for route in routes if route.times is not None],
        duplicates=next((route.duplicates for route in routes if route.duplicates is not None), None),
        say=list(dict.fromkeys([name for route in routes for name in route.say])),
    )


def _once(routes: Sequence[Route], of: str) -> Sequence[Any]:
    """Return the named parts of all `routes`, each once."""
    if len(routes) == 1:
        return getattr(routes[0], of)  # type: ignore[no-any-return]
    return list({part.name: part for route in routes for part in getattr(route, of)}.values())


def _waits(policy: Policy, clock: Clock, by: Deadlines, told: Told) -> list[Wait]:
    """Return what will be said later to those who may hear it."""
    return clocks.waits(policy, clock, by, desk=told.first_desk, escalated=told.escalated, instead=told.instead())


def _trace(policy: Policy, choice: Choice) -> Iterator[RuleTried]:
    yield from policy.severities_tried(choice.view)
    yield from policy.routes_tried(choice.view)
    if not choice.matched:
        yield RuleTried(rule=NO_MATCH, matched=True)
    yield from choice.told.steps


def _bodies(policy: Policy, facts: Facts, referrals: Sequence[PlannedReferral]) -> Iterator[RuleTried]:
    """Yield which outside bodies the drafts are for."""
    drafts = [one for one in referrals if one.state is ReferralState.DRAFT]
    return explained(
        policy.regions.whose(facts), [(policy.channels.channels[one.channel], one.fields) for one in drafts]
    )


def _failed(
    policy: Policy,
    facts: Facts,
    failure: RuleTried,
    *,
    reference: str,
    received_at: datetime,
    legal_clocks: bool,
    conflicted: Collection[str],
) -> Decision:
    """Return the decision that tells the fallback teams of a case that could not be decided: at least high.

    Its times are real ones: they end no later than working ones would.
    """
    category = policy.taxonomy.get(facts.category)
    severity = max(category.floor if category else Severity.HIGH, Severity.HIGH, key=_RANK.__getitem__)
    clock = Clock(received_at, policy.times[severity], None)
    deadlines = clocks.deadlines(clock, statutory=legal_clocks)
    waits: Sequence[Wait] = ()
    try:
        told = tell(policy, conflicts(policy, facts, conflicted), teams=(), to=(), hold=())
        waits = _waits(policy, clock, deadlines, told)
    except Exception:  # noqa: BLE001 - the last team of the fallback is nobody's to name, so nothing need be known
        told = last_resort(policy, conflicted)
    fields = checked({**deadlines.__dict__, "reference": reference, "severity": severity, "received_at": received_at})
    return Decision(
        policy=policy.digest,
        severity=severity,
        route=FALLBACK,
        teams=tuple([team.name for team in told.teams]),
        avoided=tuple(told.avoided),
        deadlines=deadlines,
        referrals=planned(fields, told.to, told.hold, waits, kept_from=told.kept_from),
        trace=(failure, *told.steps),
        reason=Reason.POLICY_ERROR,
    )
