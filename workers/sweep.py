"""Makes due what waited for its time, and says which channels have something to send.

Needs no policy: everything that may happen later was written when the case was decided. Several may run at
once, started by beat or by the web processes' bells; each row is flipped by one of them.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Engine

from router.failpoints import FailPoint, reach
from router.store.backlog import due_channels
from router.store.engine import transaction
from router.store.standby import BATCH, Flipped, fired, flip_standby
from router.telemetry import DEADLINES_PASSED, ESCALATIONS, get_log
from router.vocabulary import Notice

MOST_BATCHES: Final = 50
"""Transactions of one sweep; what is left after them is the next sweep's."""


def sweep(engine: Engine, *, lease_s: float) -> list[str]:
    """Flip what is on standby and ripe, and return the channels to ring; raises Unavailable or StoreFailed."""
    for _ in range(MOST_BATCHES):
        with transaction(engine) as connection:
            flipped = flip_standby(connection)
            if flipped:
                reach(FailPoint.IN_FLIP)
        _tell(flipped)
        if len(flipped) < BATCH:
            break
    with transaction(engine) as connection:
        return due_channels(connection, longest_s=lease_s)


def _tell(flipped: Iterable[Flipped]) -> None:
    """Log and count what left standby, after the commit."""
    made_due = 0
    for row in flipped:
        made_due += row.outcome is None
        if fired(row) and row.notice == Notice.OVERDUE:
            DEADLINES_PASSED.labels(row.awaited).inc()
        if row.outcome is None and row.notice == Notice.ESCALATION:
            ESCALATIONS.labels(row.awaited).inc()
    if made_due:
        get_log().info("standby_flipped", count=made_due)
