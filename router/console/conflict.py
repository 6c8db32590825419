"""A conflict found later: the team knows nothing of the case any more, and somebody else does.

The case is decided anew by the policy that it was decided by; what the team's channels were sent is recalled, what
they would be sent is stopped, the case's key is taken from the team and handed to whoever is told instead. All of
it and the audit is one transaction. What people have seen they have seen: the result says who. Shows no content.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from router.configfile.yamltext import nearest
from router.console import anew
from router.console.attempt import Attempt
from router.console.opening import CaseKey, begin, hold_key, hold_key_with_recovery, identify
from router.errors import Broken, Forbidden, PolicyErrors
from router.keyrecords import RECOVERY
from router.model import AuditEntry, Decision, PlannedReferral
from router.store import conflicts, progress
from router.store.audit import note
from router.store.conflicts import DecidedCase
from router.store.engine import transaction
from router.store.keys import active_recipients
from router.store.posting import Post, post
from router.store.progress import Access
from router.triage.decide import decide
from router.triage.policy import Policy, parse_policy
from router.vocabulary import Awaited, ReferralState

ACTION: Final = "case_conflict_found"
_TEAM: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")


@dataclass(frozen=True, slots=True)
class Who:
    """Who found the conflict, and how they open the case: a team member's passphrase, or the recovery identity."""

    handle: str
    secret: str
    recovery: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody of the team opened the case before: that cannot be undone."""

    handle: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of the case."""

    reference: str
    team: str
    found_before: bool
    """The conflict was known already."""
    recalled: tuple[str, ...]
    """Channels that are told to close and forget what they were sent."""
    stopped: int
    """Referrals, reminders and drafts that are not sent any more."""
    told: tuple[str, ...]
    """Channels that are told instead."""
    key_taken: bool
    """The team could have opened the case until now."""
    keys_given: tuple[str, ...]
    """Teams that can open the case from now on."""
    without_key: tuple[str, ...]
    """Teams that are told and have no key yet: only recovery opens the case for them."""
    released_from: str | None
    """Whoever had claimed the case and may not open it any more: nobody has it now."""
    seen_by: tuple[Seen, ...]
    """People of the team who opened the case before."""


def conflict(engine: Engine, *, reference: str, team: str, who: Who, reason: str, console_url: str) -> Removed:
    """Take `team` out of the case; doing it again changes nothing that was done.

    Whoever does it opens the case's key, with the recovery identity, or as a member of one of its teams who is
    not of those in conflict alone. Raises Forbidden with a code (each refusal is audited), Broken for a team that
    the case's policy does not name or when nobody would be left to tell, SealBroken when the key was tampered
    with, and what `transaction` raises.
    """
    kind = RECOVERY if who.recovery else "person"
    attempt = begin(engine, ACTION, kind=kind, handle=who.handle, reference=reference, reason=reason)
    known = team if _TEAM.fullmatch(team) else ""
    with transaction(engine) as connection:
        but = conflicts.found(connection, attempt.reference) | {known}
    if who.recovery:
        key = hold_key_with_recovery(attempt, identity=who.secret)
    else:
        key = hold_key(attempt, identify(attempt, who.handle, who.secret), but=but)
    try:
        with transaction(engine) as connection:
            return _Act(connection, attempt, known, key).take(reason.strip(), console_url=console_url)
    except (Broken, Forbidden) as error:
        attempt.note(f"refused_{error.code}")
        raise


class _Act:
    """One transaction."""

    def __init__(self, connection: Connection, attempt: Attempt, team: str, key: CaseKey) -> None:
        self._connection = connection
        self._attempt = attempt
        self._reference = attempt.reference
        self._team = team
        self._key = key

    def take(self, reason: str, *, console_url: str) -> Removed:
        case = conflicts.locked_case(self._connection, self._reference)
        if case is None:
            raise Forbidden("unknown_case")
        policy = _policy_of(case)
        if self._team not in policy.teams:
            raise Broken("unknown_team", f"the case's policy knows no such team{nearest(self._team, policy.teams)}")
        before = conflicts.found(self._connection, self._reference)
        now_conflicted = before | {self._team}
        decision = _decided_anew(policy, case, now_conflicted, reference=self._reference, console_url=console_url)
        conflicts.add(self._connection, self._reference, self._team, self._attempt.actor)
        conflicts.keep_from(self._connection, self._reference, self._team)
        key_taken = conflicts.take_key(self._connection, self._reference, self._team)
        given, without = self._hand_on(decision)
        released_from = self._release(case)
        recalled, stopped, told = self._redirect(case, policy, decision, now_conflicted, again=self._team in before)
        if case.holder is not None and released_from is None:
            # Planned for whoever comes in as well, should the holder give the case back.
            progress.hold_back(self._connection, self._reference)
        seen = conflicts.opened_by(self._connection, self._reference, self._team)
        removed = Removed(
            reference=self._reference,
            team=self._team,
            found_before=self._team in before,
            recalled=tuple(plan.channel for plan in recalled),
            stopped=stopped,
            told=tuple(plan.channel for plan in told if plan.state is ReferralState.DUE),
            key_taken=key_taken,
            keys_given=given,
            without_key=without,
            released_from=released_from,
            seen_by=tuple(Seen(handle, at) for handle, at in seen.items()),
        )
        note(self._connection, self._entries(removed, reason))
        return removed

    def _hand_on(self, decision: Decision) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Seal the case's key to the deciding teams that cannot open it; return them, and those that have no key."""
        there = conflicts.readers(self._connection, self._reference)
        wanted = [team for team in decision.teams if team not in there]
        recipients = active_recipients(self._connection)
        able = [team for team in wanted if team in recipients]
        wraps = self._key.sealed_to([recipients[team] for team in able])
        conflicts.give_key(self._connection, self._reference, wraps)
        return tuple(able), tuple(team for team in wanted if team not in recipients)

    def _release(self, case: DecidedCase) -> str | None:
        """Take the case from a holder who may not open it any more, before what they held back is planned anew."""
        if case.holder is None or Awaited.DECIDE in case.done:
            return None
        if progress.access(self._connection, self._reference, case.holder) is Access.READER:
            return None
        return case.holder if progress.release(self._connection, self._reference, case.holder) else None

    def _redirect(
        self, case: DecidedCase, policy: Policy, decision: Decision, conflicted: frozenset[str], *, again: bool
    ) -> tuple[list[PlannedReferral], int, list[PlannedReferral]]:
        """Recall, stop and tell; return the recalls, how many were stopped, and what is posted beside the recalls."""
        read = {
            channel.name
            for channel in policy.channels.channels.values()
            if not conflicted.isdisjoint(channel.readable_by)
        }
        # Stopped before it is looked at: what a worker takes meanwhile shows as taken, and is recalled.
        stopped = conflicts.stop(self._connection, self._reference, read)
        told = conflicts.told(self._connection, self._reference)
        recalls = anew.recalls(self._reference, told, read)
        added: list[PlannedReferral] = []
        if not again:
            added = anew.additions(decision.referrals, told, done=case.done, received_at=case.received_at, now=case.now)
        post(self._connection, [Post(self._reference, case.policy, plan) for plan in (*recalls, *added)])
        return recalls, stopped, added

    def _entries(self, removed: Removed, reason: str) -> list[AuditEntry]:
        actor = self._attempt.actor

        def entries(action: str, details: tuple[str, ...]) -> list[AuditEntry]:
            return [AuditEntry(actor, action, self._reference, detail=detail) for detail in details]

        return [
            self._attempt.entry("repeated" if removed.found_before else "ok", f"team:{self._team} {reason}"),
            *entries("case_key_taken", (f"team:{self._team}",) if removed.key_taken else ()),
            *entries("case_key_given", tuple(f"team:{team}" for team in removed.keys_given)),
            *entries("case_recalled", removed.recalled),
            *entries("case_stopped", (str(removed.stopped),) if removed.stopped else ()),
            *entries("case_told_instead", removed.told),
            *entries("case_released", (f"person:{removed.released_from}",) if removed.released_from else ()),
        ]


def _policy_of(case: DecidedCase) -> Policy:
    try:
        return parse_policy(case.policy_text, case.channels_text)
    except PolicyErrors:
        raise Broken(
            "policy_not_understood", "this version cannot read the policy that the case was decided by"
        ) from None


def _decided_anew(
    policy: Policy, case: DecidedCase, conflicted: frozenset[str], *, reference: str, console_url: str
) -> Decision:
    """Return the decision without the teams in conflict; raises Broken when that leaves nobody."""
    decision = decide(
        policy,
        case.facts,
        reference=reference,
        received_at=case.received_at,
        statutory=case.statutory,
        console_url=console_url,
        conflicted=conflicted,
    )
    told = [plan for plan in decision.referrals if plan.state is ReferralState.DUE]
    if not told or not conflicted.isdisjoint(decision.teams):
        raise Broken(
            "nobody_left", "no team of the policy's fallback would be left to tell: name another one there first"
        )
    return decision
