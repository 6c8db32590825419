"""Makes due what waited for its time, gives up what waited too long, and says which channels have something to do.

Needs no policy: everything that may happen later was written when the case was decided. Several may run at
once, started by beat or by the web processes' bells; each row is flipped by one of them.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Engine

from router.failpoints import FailPoint, reach
from router.store import filings, hints
from router.store.backlog import due_channels
from router.store.engine import transaction
from router.store.overdue import BATCH as OVERDUE_BATCH
from router.store.overdue import CODE, give_up
from router.store.standby import BATCH, Flipped, fired, flip_standby
from router.telemetry import DEADLINES_PASSED, DELIVERIES, ESCALATIONS, get_log
from router.vocabulary import Notice
from workers.filings import tell
from workers.retry import GIVE_UP_S

MOST_BATCHES: Final = 50
"""Transactions of one sweep; what is left after them is the next sweep's."""


def sweep(engine: Engine, *, lease_s: float) -> list[str]:
    """Flip what is ripe, give up what waits for a channel that is gone, and return the channels to ring.

    Writes what became of reports outside that nobody asks about any more. Raises Unavailable or StoreFailed.
    """
    for _ in range(MOST_BATCHES):
        with transaction(engine) as connection:
            flipped = flip_standby(connection)
            if flipped:
                reach(FailPoint.IN_FLIP)
        _tell(flipped)
        if len(flipped) < BATCH:
            break
    for _ in range(MOST_BATCHES):
        with transaction(engine) as connection:
            dead = give_up(connection, give_up_s=GIVE_UP_S)
        for one in dead:
            if not one.drafted:
                DELIVERIES.labels(one.channel, CODE).inc()
            get_log().error("referral_dead", channel=one.channel, referral=one.id, code=CODE)
        if len(dead) < OVERDUE_BATCH:
            break
    with transaction(engine) as connection:
        changed = filings.account(connection)
    tell(changed)
    with transaction(engine) as connection:
        hints.forget(connection)
        return sorted({*due_channels(connection, longest_s=lease_s), *filings.channels(connection)})


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
