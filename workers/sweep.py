"""Makes due what waited for its time, and says which channels have something to send.

Needs no policy: everything that may happen later was written when the case was decided.
"""

from sqlalchemy import Engine

from router.store.engine import transaction
from router.store.referrals import due_channels, flip_standby
from router.telemetry import get_log


def sweep(engine: Engine, *, lease_s: float) -> list[str]:
    """Flip what is on standby and due, and return the channels to ring; raises Unavailable or StoreFailed."""
    with transaction(engine) as connection:
        flipped = flip_standby(connection)
        channels = due_channels(connection, longest_s=lease_s)
    if flipped:
        get_log().info("standby_flipped", count=flipped)
    return channels
