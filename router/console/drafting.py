"""A reviewer drafts a referral to an outside body, or takes one back; and drafts that nobody decides end by themselves.

A draft is made of the channel's list and nothing else, shown byte for byte before it is made, and never sent from
here. Each act and its audit entry are one transaction; refused tries leave an entry of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from router.catalogue import Channel
from router.console.acting import By, Change, act, begin
from router.console.approving import Desk, seen, told
from router.console.attempt import Attempt
from router.console.duty import CLOCK, remind, tell_of_ends
from router.console.outgoing import Outgoing, channel_now, outgoing
from router.errors import Forbidden
from router.model import AuditEntry, Deadlines, PlannedReferral
from router.store import drafts, outsidewaits
from router.store.audit import note
from router.store.casehead import CaseHead, head
from router.store.drafts import Draft
from router.store.engine import transaction
from router.store.outsidewaits import Waits
from router.store.posting import Post, post, referral_id
from router.store.progress import Standing
from router.store.ties import kept_from
from router.triage.policy import Policy
from router.triage.projection import known, planned
from router.vocabulary import Notice, Scope, Severity

DRAFTED: Final = "draft_made"
WITHDRAWN: Final = "draft_withdrawn"
EXPIRED: Final = "draft_expired"
LONGEST: Final = timedelta(days=1)
FIRST_TOLD: Final[Mapping[Severity, timedelta]] = MappingProxyType(
    {
        Severity.CRITICAL: timedelta(0),
        Severity.HIGH: timedelta(hours=4),
        Severity.MEDIUM: LONGEST,
        Severity.LOW: LONGEST,
    }
)
"""How long a draft waits for approvals until whoever is on duty is told first."""
TOLD_AGAIN: Final[Mapping[Severity, timedelta]] = MappingProxyType(
    {severity: timedelta(hours=4) if severity is Severity.CRITICAL else LONGEST for severity in Severity}
)
"""How long after that they are told again."""


@dataclass(frozen=True, slots=True)
class Way:
    """An outside body, as the case's policy names it and as it is reached now."""

    policy: Policy
    """The case's."""
    decided: Channel
    now: Channel | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft to a channel would say, were it made now."""

    plan: PlannedReferral
    sends: Outgoing | None


def bodies(policy: Policy) -> tuple[str, ...]:
    """Return the names of the channels outside that a policy knows."""
    return tuple(name for name, one in policy.channels.channels.items() if one.scope is Scope.EXTERNAL)


def way(desk: Desk, policy: str, channel: str) -> Way:
    """Return the channel outside that the policy with this digest names; raises Forbidden `unknown_channel`."""
    known_there = desk.policies.of(policy)
    if channel not in bodies(known_there):
        raise Forbidden("unknown_channel")
    return Way(known_there, known_there.channels.channels[channel], channel_now(desk.engine, desk.policies, channel))


def preview(connection: Connection, case: CaseHead, to: Way, *, console_url: str) -> Preview:
    """Return what would be drafted; raises Forbidden with a code when nothing may be."""
    name = to.decided.name
    if not case.open:
        raise Forbidden(f"case_{case.state}")
    if any(draft.open and draft.channel == name for draft in drafts.of_case(connection, case.reference)):
        raise Forbidden("already_drafted")
    not_to = kept_from(connection, case.reference)
    if not set(not_to).isdisjoint((*to.decided.readable_by, *(to.now.readable_by if to.now else ()))):
        raise Forbidden("read_by_involved")
    by = {f"{one.awaited.value}_by": one.by for one in case.deadlines}
    everything = known(
        to.policy,
        case.facts,
        severity=case.severity,
        deadlines=Deadlines.model_validate(by),
        reference=case.reference,
        received_at=case.received_at,
        console_url=console_url,
    )
    (plan,) = planned(everything, (), (to.decided,), (), kept_from=not_to)
    revision = drafts.last_revision(connection, case.reference, name) + 1
    plan = plan.model_copy(update={"fields": plan.fields.model_copy(update={"revision": revision})})
    return Preview(plan, outgoing(to.now, plan.fields, key=referral_id(case.reference, name, revision)))


def draft(desk: Desk, by: By, *, channel: str, digest: str, reason: str, console_url: str) -> str:
    """Make the draft as `digest` showed it; return its referral. Raises Forbidden with a code, audited."""
    attempt = begin(desk.engine, DRAFTED, by)
    why = attempt.check_reason(reason)
    with transaction(desk.engine) as connection:
        seen_now = head(connection, attempt.reference)
    try:
        to = way(desk, seen_now.policy, channel) if seen_now else None
    except Forbidden as error:
        attempt.refuse(error.code)
    made: list[str] = []

    def change(connection: Connection, _case: Standing, _who: str) -> bool:
        case = head(connection, attempt.reference)
        if case is None or to is None:
            return False
        shown = preview(connection, case, to, console_url=console_url)
        if shown.sends is None:
            raise Forbidden("unrenderable")
        if shown.sends.digest != digest or (seen_now and case.policy != seen_now.policy):
            raise Forbidden("changed_since")
        post(connection, [Post(case.reference, case.policy, shown.plan)])
        made.append(referral_id(case.reference, channel, shown.plan.fields.revision))
        body, needed = shown.sends.payload.body, shown.sends.channel.approvals
        drafts.keep(connection, made[0], digest=digest, body=body, needed=needed, drafted_by=attempt.actor, reason=why)
        return True

    _do(desk, by, attempt, change, f"{channel} {why}")
    return made[0]


def withdraw(desk: Desk, by: By, *, referral: str, reason: str) -> Draft:
    """Take a draft back: its drafter may, and the policy's own any reviewer of the case. Raises Forbidden, audited.

    `by` says of which case: a draft of another one is unknown.
    """
    attempt = begin(desk.engine, WITHDRAWN, by)
    why = attempt.check_reason(reason)
    with transaction(desk.engine) as connection:
        found = drafts.find(connection, referral)
    if found is None or found.reference != attempt.reference:
        attempt.refuse("unknown_draft")

    def change(connection: Connection, _case: Standing, _who: str) -> bool:
        drafts.lock(connection, referral)
        now = drafts.find(connection, referral)
        if now is None or not now.open:
            raise Forbidden(f"draft_{now.ended or 'withdrawn'}" if now else "unknown_draft")
        if now.drafted_by not in {drafts.POLICY, attempt.actor}:
            raise Forbidden("not_the_drafter")
        drafts.end(connection, referral, "withdrawn")
        return True

    _do(desk, by, attempt, change, f"{found.channel}:{found.revision} {why}")
    return found


def _do(desk: Desk, by: By, attempt: Attempt, change: Change, detail: str) -> None:
    act(
        desk.engine,
        attempt.action,
        by,
        change=change,
        why_not=lambda _case: Forbidden("unknown_case"),
        detail=lambda _case: f"{detail} ",
        ready=attempt,
    )


def tend(desk: Desk, ring: Callable[[Iterable[str]], None] = lambda _channels: None) -> None:
    """Look after drafts that nobody has looked after yet, end those whose time is over, tell people of both.

    A chore: done again. `ring` wakes a channel after a commit.
    """
    with transaction(desk.engine) as connection:
        untended = drafts.untended(connection)
        found = [draft for draft in (drafts.find(connection, referral) for referral in untended) if draft]
    for draft in found:
        _adopt(desk, draft)
    with transaction(desk.engine) as connection:
        ended = _end_overdue(connection)
        rung = tell_of_ends(connection, desk.policies, Notice.DRAFT_EXPIRED, ended)
        drafts.follow(connection)
    with transaction(desk.engine) as connection:
        waits = outsidewaits.drafts(connection, first=FIRST_TOLD, again=TOLD_AGAIN)
        rung |= remind(connection, desk.policies, Notice.DRAFT_WAITS, waits)
    ring(rung)


def _end_overdue(connection: Connection) -> list[Waits]:
    """End the drafts whose time is over; return what whoever is told of them must know."""
    ended = []
    for referral in drafts.overdue(connection):
        over = drafts.find(connection, referral)
        drafts.end(connection, referral, "expired")
        if over is not None:
            note(connection, [AuditEntry(CLOCK, EXPIRED, over.reference, detail=f"{over.channel}:{over.revision}")])
            not_to = kept_from(connection, over.reference)
            ended.append(Waits(over.channel, over.case_policy, not_to, over.now, LONGEST))
    return ended


def _adopt(desk: Desk, draft: Draft) -> None:
    """Write until when a draft waits, and what of."""
    sends = seen(desk, draft).sends
    with transaction(desk.engine) as connection:
        drafts.lock(connection, draft.id)
        still = drafts.find(connection, draft.id)
        if still is None or not still.open or (still.digest not in {None, drafts.UNSEEN} and still.ended is None):
            return
        again = still.ended is not None
        drafts.keep(
            connection,
            draft.id,
            digest=sends.digest if sends else "",
            body=sends.payload.body if sends else None,
            needed=sends.channel.approvals if sends else 1,
        )
        if again and sends is not None:
            entry = AuditEntry(CLOCK, "draft_reopened", draft.reference, detail=told(draft, sends.digest, "changed"))
            note(connection, [entry])
