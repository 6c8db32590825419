"""What a conflict found later and a re-route have in common: a case is decided anew, and others come in.

The pieces of such an act, each in the transaction of whoever calls: the decision, the case's key, its holder, and what
the audit says of them. Shows no content and keeps no key.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from router.console.attempt import Attempt
from router.console.endings import in_force
from router.console.opening import CaseKey
from router.errors import Broken, PolicyErrors
from router.model import AuditEntry, Decision, Facts, PlannedReferral
from router.store import conflicts, progress
from router.store.conflicts import DecidedCase
from router.store.drafts import made_by
from router.store.keys import active_recipients
from router.store.posting import Post, post
from router.store.progress import Access
from router.triage.decide import decide
from router.triage.policy import Policy, parse_policy
from router.vocabulary import Awaited, ReferralState, Scope

Check = Callable[[Connection], None]
"""Asked first in the transaction of an act; raises Forbidden when what was shown is out of date."""


def unchecked(connection: Connection) -> None:
    """Take the case as it stands: nothing was shown before."""
    _ = connection


@dataclass(frozen=True, slots=True)
class Became:
    """What became of who may open a case, and of what its channels are told."""

    keys_taken: tuple[str, ...]
    """Teams that could open it until now."""
    keys_given: tuple[str, ...]
    """Teams that can open it from now on."""
    without_key: tuple[str, ...]
    """Teams that are told and have no key yet: only recovery opens the case for them."""
    released_from: str | None
    """Whoever had claimed the case and may not open it any more: nobody has it now."""
    recalled: tuple[str, ...]
    """Channels that are told to close and forget what they were sent."""
    stopped: int
    """Referrals, reminders and drafts that are not sent any more."""
    told: tuple[str, ...]
    """Channels that are told now."""


def policy_of(case: DecidedCase) -> Policy:
    """Return the policy that the case was decided by; raises Broken when this version cannot read it."""
    try:
        return parse_policy(case.policy_text, case.channels_text)
    except PolicyErrors:
        raise Broken(
            "policy_not_understood", "this version cannot read the policy that the case was decided by"
        ) from None


def decided_anew(
    policy: Policy, case: DecidedCase, conflicted: Collection[str], *, facts: Facts, reference: str, console_url: str
) -> Decision:
    """Return the decision without the teams whose conflict was found; raises Broken when that leaves nobody.

    Its times count from when the case came in: who should have known earlier is late by now.
    """
    decision = decide(
        policy,
        facts,
        reference=reference,
        received_at=case.received_at,
        statutory=case.statutory,
        console_url=console_url,
        conflicted=conflicted,
    )
    told = [plan for plan in decision.referrals if plan.state is ReferralState.DUE]
    if not told or not set(conflicted).isdisjoint(decision.teams):
        raise Broken(
            "nobody_left", "no team of the policy's fallback would be left to tell: name another one there first"
        )
    return decision


def read_by(policies: Iterable[Policy], teams: Collection[str]) -> set[str]:
    """Return the channels that one of `teams` reads by one of `policies`."""
    channels = [channel for policy in policies for channel in policy.channels.channels.values()]
    return {channel.name for channel in channels if not set(teams).isdisjoint(channel.readable_by)}


def outside(connection: Connection, policies: Iterable[Policy]) -> set[str]:
    """Return the channels that lead outside by one of `policies`, or by now."""
    catalogues = [in_force(connection), *(policy.channels for policy in policies)]
    channels = [channel for catalogue in catalogues for channel in catalogue.channels.values()]
    return {channel.name for channel in channels if channel.scope is Scope.EXTERNAL}


def joining(connection: Connection, reference: str, decision: Decision) -> tuple[list[str], list[str]]:
    """Return the deciding teams that cannot open the case and have a key of their own, and those that have none."""
    there = conflicts.readers(connection, reference)
    recipients = active_recipients(connection)
    wanted = [team for team in decision.teams if team not in there]
    return [team for team in wanted if team in recipients], [team for team in wanted if team not in recipients]


def hand_on(
    connection: Connection, reference: str, key: CaseKey, decision: Decision
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Seal the case's key to the deciding teams that cannot open it; return them, and those that have no key."""
    able, without = joining(connection, reference, decision)
    recipients = active_recipients(connection)
    conflicts.give_key(connection, reference, key.sealed_to([recipients[team] for team in able]))
    return tuple(able), tuple(without)


def release_who_may_not(connection: Connection, reference: str, case: DecidedCase) -> str | None:
    """Take the case from a holder who may not open it any more, before what they held back is planned anew."""
    if case.holder is None or Awaited.DECIDE in case.done:
        return None
    if progress.access(connection, reference, case.holder) is Access.READER:
        return None
    return case.holder if progress.release(connection, reference, case.holder) else None


def post_all(
    connection: Connection, attempt: Attempt, policy: str, plans: Sequence[PlannedReferral], *, held: bool, reason: str
) -> None:
    """Post what is planned now; what waits for a claim is withdrawn again where the case is `held` by somebody.

    What leads outside is drafted by whoever does this, so that they approve none of it.
    """
    reference = attempt.reference
    post(connection, [Post(reference, policy, plan) for plan in plans])
    made_by(connection, reference, plans, attempt.actor.partition(":")[2], reason)
    if held:
        # Planned for whoever comes in as well, should the holder give the case back.
        progress.hold_back(connection, reference)


def entries(attempt: Attempt, became: Became) -> list[AuditEntry]:
    """Return the audit's lines on what became of the case, besides the act's own."""
    details: Final = {
        "case_key_taken": [f"team:{team}" for team in became.keys_taken],
        "case_key_given": [f"team:{team}" for team in became.keys_given],
        "case_recalled": became.recalled,
        "case_stopped": [str(became.stopped)] if became.stopped else [],
        "case_told_instead": became.told,
        "case_released": [f"person:{became.released_from}"] if became.released_from else [],
    }
    return [
        AuditEntry(attempt.actor, action, attempt.reference, detail=detail)
        for action, several in details.items()
        for detail in several
    ]
