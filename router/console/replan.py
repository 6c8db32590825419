"""What the channels of a re-routed case are told, stopped and recalled: the new plan against what was sent and waits.

Pure: the new decision, the case's referrals and the time are given. What stays as it was is not touched; what was said
is not said twice; whoever holds something of the case that is not so any more is told what counts now.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from router.console import anew
from router.model import Decision, PlannedReferral, Referral, plain
from router.store.conflicts import Told
from router.store.progress import CLAIMED
from router.vocabulary import Awaited, Notice, ReferralState

REROUTED: Final = "rerouted"
"""The outcome of rows that a re-route withdrew."""
_APART: Final = frozenset({Notice.TAKEN_OVER, Notice.CLOSED, Notice.RECALLED})
"""What says nothing of who should know."""
_OF_REPORTER: Final = frozenset({Notice.REPORTER_WROTE, Notice.WITHDRAWAL_ASKED})
"""What is said to whoever knows of the case, of no plan."""
_NOT_SAID: Final = frozenset({"revision", "notice", "awaited"})


@dataclass(frozen=True, slots=True)
class Change:
    """What a re-route does to a case's referrals."""

    stopped: tuple[Told, ...]
    """Are not sent any more."""
    recalled: tuple[PlannedReferral, ...]
    corrected: tuple[PlannedReferral, ...]
    """For who holds something of the case, and shall know what counts now."""
    added: tuple[PlannedReferral, ...]
    """For who is told for the first time, and what waits for its time."""

    @property
    def posted(self) -> tuple[PlannedReferral, ...]:
        """Everything that is posted, in order."""
        return (*self.recalled, *self.corrected, *self.added)

    @property
    def told(self) -> tuple[PlannedReferral, ...]:
        """What is sent at once to who did not know of the case, or was told to forget it."""
        return self._added(ReferralState.DUE)

    @property
    def drafts(self) -> tuple[PlannedReferral, ...]:
        """What waits for approvals."""
        return self._added(ReferralState.DRAFT)

    @property
    def later(self) -> tuple[PlannedReferral, ...]:
        """What waits for its time."""
        return self._added(ReferralState.STANDBY)

    def _added(self, state: ReferralState) -> tuple[PlannedReferral, ...]:
        return tuple(plan for plan in self.added if plan.state is state)


@dataclass(frozen=True, slots=True)
class Before:
    """The case as it stands."""

    reference: str
    told: Sequence[Told]
    done: Collection[Awaited]
    received_at: datetime
    now: datetime


def change(before: Before, decision: Decision, *, read: Collection[str], outside: Collection[str]) -> Change:
    """Return what makes the case's referrals those of `decision`.

    `read` names the channels that teams in conflict read, `outside` those that lead outside: nothing goes there
    without approval, a recall neither.
    """
    wanted = [plan for plan in decision.referrals if plan.awaited not in before.done]
    named = {plan.channel for plan in decision.referrals}
    knowing = named.difference(read)
    current = [row for row in _since_recall(before.told) if not (row.notice in _OF_REPORTER and row.channel in knowing)]
    plans = {anew.key_of(plan): plan for plan in wanted}
    stopped = [row for row in current if _waits(row) and not _kept(row, plans)]
    standing = [row for row in current if row not in stopped and row.outcome not in {REROUTED, "conflict"}]
    holding = {row.channel for row in current if row.attempts}
    last = anew.last_revisions(before.told)
    forgetting = (holding - named) | (holding & set(read))
    # Of a recall that still waits for approvals: whoever holds the case again must not be told to forget it later.
    waiting = [row for row in before.told if row.notice == Notice.RECALLED and row.state == "draft"]
    stopped += [row for row in waiting if row.channel not in forgetting]
    asked = {row.channel for row in waiting}
    recalled = anew.recalls(before.reference, current, forgetting - asked, outside=outside)
    recalled = [_numbered(plan, last) for plan in recalled]
    # Who had something before, though it was recalled, is told by a correction: in the same place.
    touched = {row.channel for row in before.told if row.attempts and row.notice != Notice.TAKEN_OVER}
    added = anew.additions(wanted, standing, done=(), received_at=before.received_at, now=before.now, last=last)
    at_once = {plan.channel for plan in added if plan.due_at is None}
    corrected = [
        _numbered(plan, last)
        for channel in sorted((holding & named) - set(read) - at_once)
        if (plan := _correction(channel, decision, current, outside)) is not None
    ]
    if corrected:
        added = anew.additions(wanted, standing, done=(), received_at=before.received_at, now=before.now, last=last)
    return Change(
        stopped=tuple(stopped),
        recalled=tuple(recalled),
        corrected=tuple(corrected),
        added=tuple(_as_news(plan, touched) for plan in added),
    )


def _since_recall(told: Sequence[Told]) -> list[Told]:
    """Return what is of the case as it was planned since its channel was told to forget it."""
    recalled: dict[str, int] = {}
    for row in told:
        if row.notice == Notice.RECALLED and not row.unsaid:
            recalled[row.channel] = max(row.revision, recalled.get(row.channel, 0))
    return [row for row in told if row.notice not in _APART and row.revision > recalled.get(row.channel, 0)]


def _waits(row: Told) -> bool:
    """Say whether the row may still be sent, or would be once the case is given back."""
    if row.state == "recalled":
        return row.outcome == CLAIMED
    return row.state in {"draft", "standby", "due", "in_hand"} or (row.state == "leased" and not row.withdrawn)


def _kept(row: Told, plans: Mapping[anew.Key, PlannedReferral]) -> bool:
    """Say whether the new plan has the same for the same channel."""
    plan = next((plans[key] for key in anew.keys(row) if key in plans), None)
    if plan is None or (row.state in {"draft", "in_hand"}) != (plan.state is ReferralState.DRAFT):
        return False
    if row.attempts and row.notice is not None:
        return True  # it may have been said already, and by the same time
    return _said(row.fields) == _said(plain(plan.fields)) and set(row.kept_from) == set(plan.kept_from)


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _NOT_SAID}


def _correction(
    channel: str, decision: Decision, current: Sequence[Told], outside: Collection[str]
) -> PlannedReferral | None:
    """Return what tells a channel that holds something of the case what counts now; None if that is what it has."""
    plans = [plan for plan in decision.referrals if plan.channel == channel]
    fullest = max(plans, key=lambda plan: len(_said(plain(plan.fields))))
    had = [row.fields for row in current if row.channel == channel and row.attempts]
    newest = max(reversed(had), key=lambda fields: len(_said(fields)))
    fields = fullest.fields.model_copy(update={"notice": Notice.CORRECTED, "awaited": None})
    if _said(plain(fields)) == _said(newest):
        return None
    state = ReferralState.DRAFT if channel in outside else ReferralState.DUE
    return PlannedReferral(channel=channel, kind=fullest.kind, state=state, fields=fields, kept_from=fullest.kept_from)


def _numbered(plan: PlannedReferral, last: dict[str, int]) -> PlannedReferral:
    """Return it with the next revision of its channel, which is the last one from now on."""
    revision = last[plan.channel] = last.get(plan.channel, 0) + 1
    return plan.model_copy(update={"fields": plan.fields.model_copy(update={"revision": revision})})


def _as_news(plan: PlannedReferral, touched: Collection[str]) -> PlannedReferral:
    """Return what is told at once so that it counts where something of the case is already."""
    if plan.due_at is not None or plan.channel not in touched:
        return plan
    fields: Referral = plan.fields.model_copy(update={"notice": Notice.CORRECTED})
    return plan.model_copy(update={"fields": fields})
