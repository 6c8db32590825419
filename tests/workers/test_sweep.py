"""The sweep flips all that is ripe, counts it, and says whom to ring; it needs no policy."""

from datetime import timedelta
from functools import partial

import pytest

from router import clock
from router.model import PlannedReferral, Referral
from router.store.engine import transaction
from router.store.posting import Post, post
from router.store.standby import flip_standby
from router.telemetry import DEADLINES_PASSED, ESCALATIONS
from router.vocabulary import Awaited, Notice, ReferralState
from tests.makers import POLICY
from tests.workers.rooms import Room
from workers import sweep as sweeping
from workers.sweep import sweep


def post_waits(room: Room, count: int, notice: Notice, *, channel: str = "hr") -> None:
    """Post rows that were due a minute ago, each of a case of its own whose desk was told."""
    now = clock.now()
    for case in room.post(count):
        fields = Referral(reference=case.reference, notice=notice, awaited=Awaited.CLAIM)
        planned = PlannedReferral(
            channel=channel,
            kind="webhook",
            state=ReferralState.STANDBY,
            fields=fields,
            due_at=now - timedelta(minutes=1),
            awaited=Awaited.CLAIM,
        )
        with transaction(room.owner) as connection:
            post(connection, [Post(case.reference, POLICY, planned)])
    room.run("update referrals set state = 'sent' where notice is null")


def counted() -> tuple[float, float]:
    labels = {"awaited": "claim"}
    return (
        DEADLINES_PASSED.labels(**labels)._value.get(),
        ESCALATIONS.labels(**labels)._value.get(),
    )


def test_a_sweep_takes_batch_after_batch_and_names_the_channels(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched: batches of two, so that a few rows are several."""
    monkeypatch.setattr(sweeping, "BATCH", 2)
    monkeypatch.setattr(sweeping, "flip_standby", partial(flip_standby, limit=2))
    post_waits(room, 5, Notice.ESCALATION)

    assert sweep(room.engine, lease_s=30) == ["hr"]
    assert room.states() == {"sent": 5, "due": 5}


def test_passed_deadlines_and_escalations_are_counted_and_reminders_are_not(room: Room) -> None:
    passed, escalated = counted()
    post_waits(room, 3, Notice.OVERDUE)
    post_waits(room, 2, Notice.ESCALATION)
    post_waits(room, 4, Notice.REMINDER)

    sweep(room.engine, lease_s=30)

    assert counted() == (passed + 3, escalated + 2)


def test_nothing_ripe_rings_nobody(room: Room) -> None:
    post_waits(room, 1, Notice.OVERDUE)
    room.run("update referrals set due_at = clock_timestamp() + interval '1 h' where state = 'standby'")

    assert sweep(room.engine, lease_s=30) == []
    assert room.states() == {"sent": 1, "standby": 1}
