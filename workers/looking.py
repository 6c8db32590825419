"""Looks again, later, at what was sent: whether somebody took it, and whether there are two of it."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from sqlalchemy import Engine

from router.catalogue import Channel
from router.errors import Declined, TryLater
from router.model import Seen
from router.store.engine import transaction
from router.store.looks import Look, Told, take_looks, write_seen
from router.telemetry import SECOND_TICKETS, get_log
from workers.channels.base import Sender

LOOKS_S: Final = (120.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""Seconds after a send, and after each look, until the next look."""
MOST_LOOKS: Final = 8
"""Looks of one turn."""
LOOKING_S: Final = 2.0
"""No look begins after this: what is due to be sent comes first, and may have come meanwhile."""


def look(engine: Engine, channel: Channel, sender: Sender, *, deadline_s: float, stopping: Callable[[], bool]) -> bool:
    """Make the channel's due looks; return whether there may be more of them at once.

    Called by a worker after a turn's sends, unless the channel is shut. All of them end within `deadline_s`; what was
    not come to comes again. Raises Unavailable or StoreFailed.
    """
    began = monotonic()
    with transaction(engine) as connection:
        taken = take_looks(connection, channel.name, limit=MOST_LOOKS)
    for due in taken:
        left_s = min(LOOKING_S, deadline_s) - (monotonic() - began)
        if stopping() or left_s <= 0:
            break
        seen = _seen(channel, sender, due, deadline_s=deadline_s - (monotonic() - began))
        if seen is None:
            continue
        with transaction(engine) as connection:
            told = write_seen(connection, due, seen, waits_s=LOOKS_S)
        _tell(due, told)
    return len(taken) == MOST_LOOKS


def _seen(channel: Channel, sender: Sender, due: Look, *, deadline_s: float) -> Seen | None:
    """Return what a look showed, None if nothing could be seen now. An edge: raises nothing."""
    try:
        return sender.look(due.referral, deadline_s=deadline_s)
    except (TryLater, Declined) as error:
        get_log().warning("look_failed", channel=channel.name, referral=due.referral.id, code=error.code)
    except Exception:  # noqa: BLE001 - it is looked at again
        get_log().exception("crashed", channel=channel.name, referral=due.referral.id)
    return None


def _tell(due: Look, told: Told) -> None:
    about = {"channel": due.referral.channel, "referral": due.referral.id}
    log = get_log()
    if told.acknowledged:
        log.info("referral_acknowledged", **about)
    if told.gone:
        log.error("referral_gone", **about)
    if told.closed:
        SECOND_TICKETS.labels(due.referral.channel, "closed").inc(len(told.closed))
        log.error("second_ticket_closed", count=len(told.closed), **about)
    if told.left:
        SECOND_TICKETS.labels(due.referral.channel, "left").inc(len(told.left))
        log.error("second_ticket_left", count=len(told.left), **about)
