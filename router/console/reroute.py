"""A re-route: facts that decide were wrong, or the policy was, so the case is decided anew and goes to others.

Whoever does it opens the case's key and hands it on; teams that need not know any more lose it, and what their channels
hold is recalled. The decision that counted until then is kept, with its facts, and its digest stands in the audit. All
of it is one transaction. Conflicts that were found stay, and nothing goes outside by it. Shows no content.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from router.console import redeciding, replan
from router.console.attempt import Attempt
from router.console.opening import CaseKey, Reader, hold_key
from router.console.redeciding import Became, Check
from router.errors import Broken, Forbidden, Taken
from router.keyrecords import RECOVERY
from router.model import AuditEntry, Decision, Facts
from router.store import conflicts, decisions, parked, progress
from router.store.audit import note
from router.store.conflicts import DecidedCase
from router.store.engine import transaction
from router.triage.policy import Policy
from router.triage.telling import conflicts as conflicts_of
from router.vocabulary import ReferralState

ACTION: Final = "case_rerouted"
CORRECTABLE: Final = (
    *("category", "site", "where_found", "noticed_how", "evidence_state", "verdict_source", "country"),
    *("subject_handle", "urgency", "involves"),
)
"""The facts that decide; what happened when, and what names a thing, stays as it was said."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a case is to be decided of and by."""

    facts: Facts
    policy: Policy
    """The case's own, or the one in force."""
    before: Policy
    """The one that the case was decided by."""
    console_url: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a re-route does, or would do."""

    decision: Decision
    conflicted: frozenset[str]
    """Teams that must know nothing of the case, said or found to be involved."""
    corrected: tuple[str, ...]
    """Names of the facts that change."""
    staying: tuple[str, ...]
    joining: tuple[str, ...]
    """Teams that can open the case from now on."""
    leaving: tuple[str, ...]
    """Teams that cannot any more."""
    without_key: tuple[str, ...]
    """Teams that are told and have no key yet: only recovery opens the case for them."""
    change: replan.Change


@dataclass(frozen=True, slots=True)
class Rerouted:
    """What became of the case."""

    prospect: Prospect
    released_from: str | None
    """Whoever had claimed the case and may not open it any more: nobody has it now."""
    still_open_to: bool
    """Whoever did it may still open the case."""

    @property
    def to_ring(self) -> tuple[str, ...]:
        """Channels that have something due now."""
        posted = (plan.channel for plan in self.prospect.change.posted if plan.state is ReferralState.DUE)
        return tuple(dict.fromkeys(posted))


def foresee(connection: Connection, reference: str, wanted: Wanted) -> Prospect:
    """Return what a re-route would do; raises Forbidden or Broken as doing it would."""
    return _prospect(connection, reference, conflicts.decided_case(connection, reference), wanted)


def reroute(
    attempt: Attempt, reader: Reader, wanted: Wanted, *, reason: str, check: Check = redeciding.unchecked
) -> Rerouted:
    """Decide the attempt's case anew, and do what follows.

    A member of a team that is in conflict by it, and of no other, cannot: they would choose who looks into it. Raises
    Forbidden with a code (each refusal is audited), Taken when somebody else has claimed the case, Broken when nobody
    would be left to tell, SealBroken when the key was tampered with, and what `transaction` raises.
    """
    given = attempt.check_reason(reason)
    try:
        with transaction(attempt.engine) as connection:
            conflicted = foresee(connection, attempt.reference, wanted).conflicted
    except (Broken, Forbidden) as error:
        attempt.refuse(error.code, say=error)
    key = hold_key(attempt, reader, but=conflicted)
    try:
        with transaction(attempt.engine) as connection:
            check(connection)
            return _act(connection, attempt, key, wanted, reason=given, who=reader.member.handle)
    except (Broken, Forbidden) as error:
        attempt.refuse(error.code, say=error)


def _act(connection: Connection, attempt: Attempt, key: CaseKey, wanted: Wanted, *, reason: str, who: str) -> Rerouted:
    reference = attempt.reference
    case = conflicts.locked_case(connection, reference)
    # A worker that just takes something is waited for: what it has may have arrived, and is recalled.
    decisions.lock_rows(connection, reference)
    prospect = _prospect(connection, reference, case, wanted)
    if case is None:
        raise Forbidden("unknown_case")
    standing = progress.standing(connection, reference)
    if standing is not None and standing.claimed_at is not None and standing.claimed_by != who:
        raise Taken(str(standing.claimed_by), standing.claimed_at)
    entry = attempt.entry(detail=_detail(case, prospect, reason))
    decisions.replace(connection, reference, wanted.facts, prospect.decision, by=attempt.actor)
    given, without = redeciding.hand_on(connection, reference, key, prospect.decision)
    for team in prospect.leaving:
        conflicts.take_key(connection, reference, team)
    decisions.withdraw(connection, reference, prospect.change.stopped, replan.REROUTED)
    released_from = redeciding.release_who_may_not(connection, reference, case)
    held = case.holder is not None and released_from is None
    # Whoever re-routes it has looked at it: what came in a flood waits no more.
    parked.let_go(connection, [reference])
    change = prospect.change
    redeciding.post_all(connection, attempt, wanted.policy.digest, change.posted, held=held, reason=reason)
    became = Became(
        keys_taken=prospect.leaving,
        keys_given=given,
        without_key=without,
        released_from=released_from,
        recalled=tuple(plan.channel for plan in change.recalled),
        stopped=len(change.stopped),
        told=tuple(plan.channel for plan in change.told),
    )
    corrected = [AuditEntry(attempt.actor, "case_corrected", reference, detail=p.channel) for p in change.corrected]
    note(connection, [entry, *redeciding.entries(attempt, became), *corrected])
    may = progress.access(connection, reference, who)
    return Rerouted(prospect, released_from, still_open_to=may is progress.Access.READER)


def _prospect(connection: Connection, reference: str, case: DecidedCase | None, wanted: Wanted) -> Prospect:
    if case is None:
        raise Forbidden("unknown_case")
    if case.policy != wanted.before.digest:
        raise Forbidden("changed_since")
    if case.state != "open":
        raise Forbidden(f"case_{case.state}")
    if wanted.facts == case.facts and wanted.policy.digest == case.policy:
        raise Forbidden("nothing_changed")
    if wanted.policy.unknown_in(wanted.facts):
        raise Broken("unknown_value", "the policy knows no such category or site")
    policies = (wanted.policy, wanted.before)
    found = conflicts.found(connection, reference)
    facts, url = wanted.facts, wanted.console_url
    decision = redeciding.decided_anew(wanted.policy, case, found, facts=facts, reference=reference, console_url=url)
    conflicted = found.union(*(conflicts_of(policy, facts, found) for policy in policies))
    before = replan.Before(reference, conflicts.told(connection, reference), case.done, case.received_at, case.now)
    readers = conflicts.readers(connection, reference) - {RECOVERY}
    able, without = redeciding.joining(connection, reference, decision)
    return Prospect(
        decision=decision,
        conflicted=frozenset(conflicted),
        corrected=tuple(name for name in CORRECTABLE if getattr(facts, name) != getattr(case.facts, name)),
        staying=tuple(team for team in decision.teams if team in readers),
        joining=tuple(able),
        leaving=tuple(sorted(readers - set(decision.teams))),
        without_key=tuple(without),
        change=replan.change(
            before,
            decision,
            read=redeciding.read_by(policies, conflicted),
            outside=redeciding.outside(connection, policies),
        ),
    )


def _detail(case: DecidedCase, prospect: Prospect, reason: str) -> str:
    """Return who it went to before, by which decision, which facts changed, and why: codes and staff's reason."""
    was = f"was:{case.decision['route']}:{decisions.digest(case)}"
    facts = ",".join(prospect.corrected) or "policy"
    return f"{was} now:{prospect.decision.route} corrected:{facts} {reason}"
