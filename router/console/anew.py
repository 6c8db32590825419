"""What is still to be said of a case that was decided anew: who was not told yet, and what they will be reminded of.

What was said to those who need not know any more is recalled; outside only once people approved that.

Pure: the new decision, what was said so far and the time are given. Says nothing twice, and nothing of what was
done already.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from router.channels import KINDS
from router.marking import Tlp
from router.model import PlannedReferral, Referral
from router.store.conflicts import Told
from router.vocabulary import Awaited, Notice, ReferralState

AT_ONCE: Final = frozenset({None, Notice.CORRECTED})
"""What a referral says that was sent as soon as its case was decided, or decided anew."""


def recalls(
    reference: str, told: Sequence[Told], channels: Collection[str], *, outside: Collection[str] = ()
) -> list[PlannedReferral]:
    """Return a recall for each of `channels` that may hold something of the case and was sent no recall yet.

    To those that are `outside` it is a draft, and for nobody but whoever has the case there: nothing goes there by
    itself. What was tried and did not get through may have left something there all the same. A recall says nothing but
    the reference; one that people refused, or did not approve in time, was none. Where nothing can be taken back, none
    is made: nobody could send it.
    """
    planned = []
    for channel in sorted(channels):
        # A note in a ticket of theirs says nothing of the case, and there is nothing else of ours to withdraw.
        rows = [row for row in told if row.channel == channel and row.notice != Notice.TAKEN_OVER]
        withdrawn = any(row.notice == Notice.RECALLED and not _ended_unsaid(row) for row in rows)
        if any(row.attempts for row in rows) and not withdrawn and not _final(rows[0].kind):
            revision = max(row.revision for row in told if row.channel == channel) + 1
            tlp = Tlp.RED if channel in outside else None
            fields = Referral(reference=reference, revision=revision, notice=Notice.RECALLED, tlp=tlp)
            state = ReferralState.DRAFT if channel in outside else ReferralState.DUE
            planned.append(PlannedReferral(channel=channel, kind=rows[0].kind, state=state, fields=fields))
    return planned


def _final(kind: str) -> bool:
    return kind in KINDS and getattr(KINDS[kind], "FINAL", False)


def _ended_unsaid(row: Told) -> bool:
    return row.unsaid and row.state != "draft"


def additions(
    planned: Sequence[PlannedReferral],
    told: Sequence[Told],
    *,
    done: Collection[Awaited],
    received_at: datetime,
    now: datetime,
    last: Mapping[str, int] | None = None,
) -> list[PlannedReferral]:
    """Return what of a new decision's plan was not planned before, its revisions after those that there are.

    `last` says which those are, where `told` is not all of them.

    Who is told only now has as much time before the undelivered escalates, or another channel gets it instead, as
    everybody had. Who was told at once before gets nothing instead of others.
    """
    wanted = [plan for plan in planned if plan.awaited not in done]
    known = {key for row in told for key in keys(row)}
    at_once = {row.channel for row in told if row.notice in AT_ONCE and row.state not in {"draft", "recalled"}}
    fresh = [plan for plan in wanted if key_of(plan) not in known and not (plan.instead_of and plan.channel in at_once)]
    only_now = {plan.channel for plan in fresh if plan.state is ReferralState.DUE}
    if only_now:
        later = [plan for plan in wanted if _escalates(plan) and plan.due_at and plan.due_at <= now]
        later += [plan for plan in fresh if plan.instead_of in only_now]
        fresh = [plan for plan in fresh if plan not in later]
        fresh += [
            plan.model_copy(update={"due_at": plan.due_at + (now - received_at)}) for plan in later if plan.due_at
        ]
    last = dict(last or last_revisions(told))
    made = []
    for plan in sorted(fresh, key=lambda plan: (plan.due_at is not None, plan.due_at or now)):
        revision = last[plan.channel] = last.get(plan.channel, 0) + 1
        fields = plan.fields.model_copy(update={"revision": revision})
        made.append(plan.model_copy(update={"fields": fields}))
    return made


def last_revisions(told: Sequence[Told]) -> dict[str, int]:
    """Return each channel's last revision."""
    return {row.channel: row.revision for row in sorted(told, key=lambda row: row.revision)}


Key = tuple[str, str | None, str | None, str | None, datetime | None]
"""What makes two referrals the same: channel, notice, what they wait for, at which channel, and until when."""


def _escalates(plan: PlannedReferral) -> bool:
    return plan.awaited is Awaited.DELIVERY and plan.instead_of is None


def key_of(plan: PlannedReferral) -> Key:
    """Return what makes the planned referral the same as another one."""
    # Of what goes instead there is one for each channel, and its time may have been put off.
    by = plan.due_at if plan.instead_of is None else None
    return (plan.channel, plan.fields.notice, plan.awaited, plan.instead_of, by)


def keys(row: Told) -> tuple[Key, ...]:
    """Return the keys of a row: its time is in one place before it was due, and in another after it was tried."""
    times = (row.due_at, row.first_due_at) if row.awaited and row.instead_of is None else (None,)
    return tuple((row.channel, row.notice, row.awaited, row.instead_of, time) for time in times)
