"""A decision as pages show it: why, who gets a key, what each channel is told and when, byte for byte.

For what is only foreseen as well as for what is tried. Changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from router.console.outgoing import Outgoing, outgoing
from router.console.pages import factwords
from router.model import Decision, PlannedReferral
from router.store.posting import referral_id
from router.triage.explain import Tried, in_words
from router.triage.policy import Policy
from router.vocabulary import ReferralState, Scope, Severity


@dataclass(frozen=True, slots=True)
class Sending:
    """What one channel is told, once."""

    channel: str
    kind: str
    outside: bool
    draft: bool
    """Waits for approvals."""
    says: str
    """In words: the case, a reminder, a recall."""
    why: str
    """What did not happen by then; empty for what is sent at once."""
    at: datetime | None
    readers: tuple[str, ...]
    leaves: Outgoing | None
    """None: this version cannot make it."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """What is to be done by when."""

    said: str
    by: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision in words."""

    severity: Severity
    route: str
    policy: str
    reason: str | None
    teams: tuple[str, ...]
    avoided: tuple[str, ...]
    severities: tuple[Tried, ...]
    routes: tuple[Tried, ...]
    steps: tuple[Tried, ...]
    deadlines: tuple[Deadline, ...]
    at_once: tuple[Sending, ...]
    drafts: tuple[Sending, ...]
    later: tuple[Sending, ...]
    say: tuple[str, ...]


def decided(policy: Policy, decision: Decision) -> Decided:
    """Return `decision`, which `policy` made, as a page shows it."""
    tried = tuple(in_words(decision.trace))
    by_state = {state: [plan for plan in decision.referrals if plan.state is state] for state in ReferralState}
    return Decided(
        severity=decision.severity,
        route=decision.route,
        policy=decision.policy,
        reason=decision.reason,
        teams=decision.teams,
        avoided=decision.avoided,
        severities=tuple(one for one in tried if one.part == "severity"),
        routes=tuple(one for one in tried if one.part == "route"),
        steps=tuple(one for one in tried if one.part not in {"severity", "route"}),
        deadlines=tuple(
            Deadline(factwords.AWAITED[name.removesuffix("_by")], by)
            for name, by in decision.deadlines
            if by is not None
        ),
        at_once=sendings(policy, by_state[ReferralState.DUE]),
        drafts=sendings(policy, by_state[ReferralState.DRAFT]),
        later=sendings(policy, by_state[ReferralState.STANDBY]),
        say=decision.say,
    )


def sendings(policy: Policy, plans: Iterable[PlannedReferral]) -> tuple[Sending, ...]:
    """Return what is planned for channels as a page shows it, with the exact bytes."""
    return tuple(_sending(policy, plan) for plan in plans)


def _sending(policy: Policy, plan: PlannedReferral) -> Sending:
    channel = policy.channels.get(plan.channel)
    key = referral_id(plan.fields.reference, plan.channel, plan.fields.revision)
    if plan.instead_of:
        why = f"if {plan.instead_of} has not got it"
    else:
        why = f"unless: {factwords.AWAITED[plan.awaited].lower()}" if plan.awaited else ""
    return Sending(
        channel=plan.channel,
        kind=plan.kind,
        outside=channel is not None and channel.scope is Scope.EXTERNAL,
        draft=plan.state is ReferralState.DRAFT,
        says=factwords.notice(plan.fields.notice),
        why=why,
        at=plan.due_at,
        readers=channel.readable_by if channel else (),
        leaves=outgoing(channel, plan.fields, key=key),
    )
