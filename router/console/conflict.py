"""A conflict found later: the team knows nothing of the case any more, and somebody else does.

The case is decided anew by the policy that it was decided by; what the team's channels were sent is recalled, what
they would be sent is stopped, the case's key is taken from the team and handed to whoever is told instead. All of
it and the audit is one transaction. What people have seen they have seen: the result says who. Shows no content.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from router.configfile.yamltext import nearest
from router.console import anew, redeciding
from router.console.attempt import Attempt
from router.console.opening import CaseKey, begin, hold_key, hold_key_with_recovery, identify
from router.console.redeciding import Became, Check
from router.errors import Broken, Forbidden
from router.keyrecords import RECOVERY
from router.model import Decision, PlannedReferral
from router.store import conflicts, decisions
from router.store.audit import note
from router.store.conflicts import DecidedCase, Told
from router.store.engine import transaction
from router.vocabulary import Notice, ReferralState

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
    if who.recovery:
        key = hold_key_with_recovery(attempt, identity=who.secret)
    else:
        but = members_in_conflict(engine, attempt.reference, known)
        key = hold_key(attempt, identify(attempt, who.handle, who.secret), but=but)
    return take_out(attempt, key, team=known, reason=reason.strip(), console_url=console_url)


def members_in_conflict(engine: Engine, reference: str, team: str) -> frozenset[str]:
    """Return the teams whose members alone may not take `team` out of the case: it, and those taken out before."""
    with transaction(engine) as connection:
        return conflicts.found(connection, reference) | {team}


def take_out(
    attempt: Attempt,
    key: CaseKey,
    *,
    team: str,
    reason: str,
    console_url: str,
    check: Check = redeciding.unchecked,
) -> Removed:
    """Take `team` out of the attempt's case with its opened key; raises as `conflict` does, each refusal audited."""
    try:
        with transaction(attempt.engine) as connection:
            check(connection)
            return _Act(connection, attempt, team, key).take(reason, console_url=console_url)
    except (Broken, Forbidden) as error:
        attempt.note(f"refused_{error.code}")
        raise


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What taking a team out of a case would do."""

    decision: Decision
    joining: tuple[str, ...]
    without_key: tuple[str, ...]
    key_taken: bool
    stopped: int
    posted: tuple[PlannedReferral, ...]


def foresee(connection: Connection, reference: str, team: str, *, console_url: str) -> Foreseen:
    """Return what taking `team` out of the case would do; raises Broken or Forbidden as doing it would."""
    anew_decided = _Anew(connection, reference, conflicts.decided_case(connection, reference), team, console_url)
    told = conflicts.told(connection, reference)
    stops = [conflicts.stops(row, anew_decided.read) for row in told]
    after = [row._replace(state="recalled") if gone else row for row, gone in zip(told, stops, strict=True)]
    joining, without = redeciding.joining(connection, reference, anew_decided.decision)
    return Foreseen(
        decision=anew_decided.decision,
        joining=tuple(joining),
        without_key=tuple(without),
        key_taken=team in conflicts.readers(connection, reference),
        stopped=sum(stops),
        posted=tuple(anew_decided.posts(after)),
    )


class _Anew:
    """The case, decided without the team."""

    def __init__(
        self, connection: Connection, reference: str, case: DecidedCase | None, team: str, console_url: str
    ) -> None:
        if case is None:
            raise Forbidden("unknown_case")
        policy = redeciding.policy_of(case)
        if team not in policy.teams:
            raise Broken("unknown_team", f"the case's policy knows no such team{nearest(team, policy.teams)}")
        before = conflicts.found(connection, reference)
        self.case = case
        self.found_before = team in before
        self._reference = reference
        self._outside = redeciding.outside(connection, [policy])
        self.decision = redeciding.decided_anew(
            policy, case, before | {team}, facts=case.facts, reference=reference, console_url=console_url
        )
        self.read = redeciding.read_by([policy], before | {team})

    def posts(self, told: Sequence[Told]) -> list[PlannedReferral]:
        """Return the recalls, and who is told instead, of what was `told` and is not stopped."""
        case = self.case
        recalls = anew.recalls(self._reference, told, self.read, outside=self._outside)
        if self.found_before:
            return recalls
        added = anew.additions(
            self.decision.referrals, told, done=case.done, received_at=case.received_at, now=case.now
        )
        return [*recalls, *added]


class _Act:
    """One transaction."""

    def __init__(self, connection: Connection, attempt: Attempt, team: str, key: CaseKey) -> None:
        self._connection = connection
        self._attempt = attempt
        self._reference = attempt.reference
        self._team = team
        self._key = key

    def take(self, reason: str, *, console_url: str) -> Removed:
        connection, reference, team = self._connection, self._reference, self._team
        case = conflicts.locked_case(connection, reference)
        decided = _Anew(connection, reference, case, team, console_url)
        conflicts.add(connection, reference, team, self._attempt.actor)
        conflicts.keep_from(connection, reference, team)
        key_taken = conflicts.take_key(connection, reference, team)
        given, without = redeciding.hand_on(connection, reference, self._key, decided.decision)
        released_from = redeciding.release_who_may_not(connection, reference, decided.case)
        # Stopped before it is looked at: what a worker takes meanwhile shows as taken, and is recalled.
        stopped = conflicts.stop(connection, reference, decided.read)
        decisions.end_drafts(connection, reference)
        posts = decided.posts(conflicts.told(connection, reference))
        held = decided.case.holder is not None and released_from is None
        redeciding.post_all(connection, self._attempt, decided.case.policy, posts, held=held, reason=reason)
        became = Became(
            keys_taken=(team,) if key_taken else (),
            keys_given=given,
            without_key=without,
            released_from=released_from,
            recalled=tuple(plan.channel for plan in posts if plan.fields.notice is Notice.RECALLED),
            stopped=stopped,
            told=tuple(
                plan.channel
                for plan in posts
                if plan.state is ReferralState.DUE and plan.fields.notice is not Notice.RECALLED
            ),
        )
        outcome = "repeated" if decided.found_before else "ok"
        own = self._attempt.entry(outcome, f"team:{team} {reason}")
        note(connection, [own, *redeciding.entries(self._attempt, became)])
        seen = conflicts.opened_by(connection, reference, team)
        return Removed(
            reference=reference,
            team=team,
            found_before=decided.found_before,
            recalled=became.recalled,
            stopped=stopped,
            told=became.told,
            key_taken=key_taken,
            keys_given=given,
            without_key=without,
            released_from=released_from,
            seen_by=tuple(Seen(handle, at) for handle, at in seen.items()),
        )
