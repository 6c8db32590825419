"""Looks again, later, at what was sent: whether somebody took it, and whether there are two of it."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine

from router.catalogue import Channel
from workers.channels.base import Sender

LOOKS_S: Final = (120.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""Seconds after a send, and after each look, until the next look."""


def look(engine: Engine, channel: Channel, sender: Sender, *, deadline_s: float, stopping: Callable[[], bool]) -> bool:
    """Make the channel's due looks; return whether there may be more of them at once.

    Called by a worker after a turn's sends, unless the channel is shut. Raises Unavailable or StoreFailed.
    """
    del engine, channel, sender, deadline_s, stopping
    return False
