"""Approvers decide about a draft: enough different people, none of them its drafter or involved, or it never leaves.

What is approved are bytes and a way: whoever approves says which they saw, and when either has changed since then,
nothing was approved. The last approval makes the referral due in its own transaction; everybody who approved is asked
about once more then. The worker reads the approvals again before it sends. Refused tries are in the audit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine

from router.catalogue import Channel
from router.console.attempt import Attempt, attempted
from router.console.involved import why_not
from router.console.outgoing import Outgoing, channel_now, outgoing
from router.console.policies import Policies
from router.errors import Forbidden
from router.keyrecords import normal_handle
from router.store import drafts
from router.store.audit import note
from router.store.drafts import Draft
from router.store.engine import transaction
from router.triage.policy import Policy
from router.vocabulary import Role

APPROVED: Final = "draft_approved"
REFUSED: Final = "draft_refused"
RELEASED: Final = "draft_released"
SHOWN_DIGITS: Final = 12
Deciding = Callable[[Connection, Draft, Outgoing], "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the draft."""

    draft: Draft
    approved_by: tuple[str, ...]
    needed: int
    released: bool
    """It is due now: ring its channel."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A draft in the list of somebody who has a say about it."""

    draft: Draft
    approved_by: tuple[str, ...]
    """Of what was shown last."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What deciding works with."""

    engine: Engine
    policies: Policies


@dataclass(frozen=True, slots=True)
class Seen:
    """One draft with what it is decided by, as it was when somebody began to decide."""

    draft: Draft
    policy: Policy
    """By which the case was decided."""
    channel: Channel | None
    """As it is now; None: nothing names it any more."""
    sends: Outgoing | None


def look(desk: Desk, referral: str) -> Seen | None:
    """Return the draft with what would leave now; None if there is no such."""
    with transaction(desk.engine) as connection:
        draft = drafts.find(connection, referral)
    return seen(desk, draft) if draft else None


def listed(desk: Desk, handle: str, *, after: str = "", limit: int) -> tuple[list[Listed], str]:
    """Return the drafts that `handle` has a say about, the oldest first, and behind which there may be more.

    Looks through `limit` drafts; what they have no say about is left out.
    """
    with transaction(desk.engine) as connection:
        found = drafts.waiting(connection, after=after, limit=limit)
    known = {digest: desk.policies.of(digest) for digest in {draft.case_policy for draft in found}}
    rows = []
    with transaction(desk.engine) as connection:
        for draft in found:
            policy = known[draft.case_policy]
            if not draft.expired and why_not_approve(connection, policy, draft, handle) is None:
                rows.append(Listed(draft, approvers(connection, policy, draft, draft.digest or "")))
    return rows, found[-1].id if len(found) == limit else ""


def seen(desk: Desk, draft: Draft) -> Seen:
    """Return the draft with what would leave now."""
    channel = channel_now(desk.engine, desk.policies, draft.channel)
    sends = outgoing(channel, draft.fields, key=draft.id)
    return Seen(draft, desk.policies.of(draft.case_policy), channel, sends)


def approve(desk: Desk, *, referral: str, handle: str, digest: str, reason: str) -> Verdict:
    """Approve the draft as `digest` shows it. Raises Forbidden with a code, audited."""
    who = normal_handle(handle) or ""
    attempt, found = _begun(desk, APPROVED, referral, who)
    why = attempt.check_reason(reason)

    def decide(connection: Connection, draft: Draft, sends: Outgoing) -> Verdict:
        _keep(connection, draft, sends)
        new = drafts.vote(connection, draft.id, sends.digest, handle=who, verdict="approved", reason=why)
        count = approvers(connection, found.policy, draft, sends.digest)
        released = len(count) >= sends.channel.approvals
        if not new and not released:
            raise Forbidden("already_approved")
        note(connection, [attempt.entry(detail=told(draft, sends.digest, why))])
        if released:
            drafts.end(connection, draft.id, "approved")
            entry = Attempt(desk.engine, RELEASED, attempt.actor, draft.reference).entry(
                detail=told(draft, sends.digest, ",".join(count))
            )
            note(connection, [entry])
        return Verdict(draft, count, sends.channel.approvals, released)

    return _decided(attempt, found, who, digest, decide)


def refuse(desk: Desk, *, referral: str, handle: str, digest: str, reason: str) -> Verdict:
    """Refuse the draft, which ends it. Raises as `approve` does."""
    who = normal_handle(handle) or ""
    attempt, found = _begun(desk, REFUSED, referral, who)
    why = attempt.check_reason(reason)

    def decide(connection: Connection, draft: Draft, sends: Outgoing) -> Verdict:
        _keep(connection, draft, sends)
        drafts.vote(connection, draft.id, sends.digest, handle=who, verdict="refused", reason=why)
        drafts.end(connection, draft.id, "refused")
        note(connection, [attempt.entry(detail=told(draft, sends.digest, why))])
        return Verdict(draft, (), sends.channel.approvals, released=False)

    return _decided(attempt, found, who, digest, decide)


def approvers(connection: Connection, policy: Policy, draft: Draft, digest: str) -> tuple[str, ...]:
    """Return who approved exactly this and still may: who lost the role, or is involved by now, counts no more."""
    said = [vote for vote in drafts.votes(connection, draft.id) if vote.digest == digest]
    against = {vote.handle for vote in said if vote.verdict != "approved"}
    return tuple(
        vote.handle
        for vote in said
        if vote.handle not in against and why_not_approve(connection, policy, draft, vote.handle) is None
    )


def why_not_approve(connection: Connection, policy: Policy, draft: Draft, handle: str) -> str | None:
    """Return the code of why this person has no say about the draft; None if they have."""
    if draft.drafted_by == f"person:{handle}":
        return "drafted_it"
    return why_not(connection, policy, draft.reference, handle, Role.APPROVER)


def why_closed(draft: Draft, sends: Outgoing | None) -> str | None:
    """Return the code of why nobody can decide about the draft any more, or as it is; None if somebody can."""
    if not draft.open or draft.expired:
        return f"draft_{(draft.ended or 'withdrawn') if not draft.open else 'expired'}"
    if sends is None:
        return "unrenderable"
    if not set(draft.kept_from).isdisjoint(sends.channel.readable_by):
        return "read_by_involved"
    return None


def told(draft: Draft, digest: str, said: str) -> str:
    """Return a line's detail: which draft, which bytes, what was said."""
    return f"{draft.channel}:{draft.revision} {digest[:SHOWN_DIGITS]} {said}".rstrip()


def _begun(desk: Desk, action: str, referral: str, handle: str) -> tuple[Attempt, Seen]:
    found = look(desk, referral)
    reference = found.draft.reference if found else ""
    attempt = attempted(desk.engine, action, kind="person", handle=handle, reference=reference)
    if found is None:
        attempt.refuse("unknown_draft")
    return attempt, found


def _keep(connection: Connection, draft: Draft, sends: Outgoing) -> None:
    body, needed = sends.payload.body, sends.channel.approvals
    drafts.keep(connection, draft.id, digest=sends.digest, body=body, needed=needed)


def _decided(attempt: Attempt, found: Seen, handle: str, digest: str, decide: Deciding) -> Verdict:
    """Decide in one transaction, with nobody else at the draft; a refused try is noted in its own."""
    try:
        with transaction(attempt.engine) as connection:
            drafts.lock(connection, found.draft.id)
            draft = drafts.find(connection, found.draft.id)
            sends = _check(connection, found, draft, handle, digest)
            return decide(connection, draft or found.draft, sends)
    except Forbidden as error:
        attempt.note(f"refused_{error.code}", f"{found.draft.channel}:{found.draft.revision}")
        raise


def _check(connection: Connection, found: Seen, draft: Draft | None, handle: str, digest: str) -> Outgoing:
    """Return what would leave, if `handle` may decide about it and saw it as `digest`; raises Forbidden if not."""
    if draft is None:
        raise Forbidden("unknown_draft")
    if code := why_closed(draft, found.sends) or why_not_approve(connection, found.policy, draft, handle):
        raise Forbidden(code)
    if found.sends is None or draft.fields != found.draft.fields or digest != found.sends.digest:
        raise Forbidden("changed_since")
    return found.sends
