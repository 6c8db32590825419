"""A concern that came in a flood: kept like any other, and its channels told later, unless somebody lets it go before.

Pure. Changes nothing of who is told, by when somebody must have acted, or why; only when channels hear of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from router.model import ConditionTried, Decision, PlannedReferral, RuleTried
from router.vocabulary import Awaited, Reason, ReferralState, Severity

LONGEST: Final[Mapping[Severity, timedelta]] = MappingProxyType(
    {
        Severity.HIGH: timedelta(minutes=15),
        Severity.MEDIUM: timedelta(hours=12),
        Severity.LOW: timedelta(days=1),
    }
)
"""How long it waits for a look at most: high for as long as one takes, medium over a night, low until this time
tomorrow. Critical is not here, because it never waits: a real person may be behind any of them."""
RULE: Final = "parked"


def parked(decision: Decision, *, received_at: datetime) -> tuple[Decision, datetime | None]:
    """Return the decision with its channels told later, and when that is; None and the same one if it must not wait.

    It never waits for more than half of the time that people have to claim it. What waits for deliveries waits longer
    by as much, so that nobody is told that something late is late. What was decided by an error waits for nothing.
    """
    longest = LONGEST.get(decision.severity)
    if longest is None or decision.reason is Reason.POLICY_ERROR:
        return decision, None
    wait = min(longest, (decision.deadlines.claim_by - received_at) / 2)
    until = received_at + wait
    waits_until = ConditionTried(field="waits_until", wanted=(), actual=(f"{until:%Y-%m-%dT%H:%M:%SZ}",), ok=True)
    step = RuleTried(rule=RULE, matched=True, tests=(waits_until,))
    referrals = tuple(_later(planned, wait, until) for planned in decision.referrals)
    return decision.model_copy(update={"referrals": referrals, "trace": (*decision.trace, step)}), until


def _later(planned: PlannedReferral, wait: timedelta, until: datetime) -> PlannedReferral:
    update: dict[str, Any] = {}
    if planned.state is ReferralState.DUE:
        update = {"state": ReferralState.STANDBY, "due_at": until}
    elif planned.awaited is Awaited.DELIVERY and planned.due_at is not None:
        update = {"due_at": planned.due_at + wait}
    return planned.model_copy(update=update) if update else planned
