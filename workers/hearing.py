"""Hears what became of tickets: takes the hints that came by signed messages, and asks what changed.

Believes neither: either only makes a look due, at a ticket that the ledger knows.
"""

from time import monotonic

from sqlalchemy import Engine

from router.catalogue import Channel
from router.errors import Declined, TryLater
from router.store import hints
from router.store.engine import transaction
from router.telemetry import get_log
from workers.attempt import search_lag_s
from workers.channels.base import Sender
from workers.channels.ticketing import TicketSender


def hear(engine: Engine, channel: Channel, sender: Sender, *, deadline_s: float) -> None:
    """Have the tickets looked at of which something was heard; raises Unavailable or StoreFailed.

    The question ends within `deadline_s`; one that was not answered is asked again, about the same time and more.
    """
    began = monotonic()
    asks = isinstance(sender, TicketSender) and channel.poll_every is not None
    poll = None
    with transaction(engine) as connection:
        hints.heed(connection, channel.name)
        if asks and channel.poll_every is not None:
            every_s = channel.poll_every.total_seconds()
            poll = hints.claim_poll(connection, channel.name, every_s=every_s, overlap_s=search_lag_s(channel))
        else:
            hints.stop_polling(connection, channel.name)
    if poll is None or not isinstance(sender, TicketSender):
        return
    try:
        changed = sender.changed(poll.since, deadline_s=deadline_s - (monotonic() - began))
    except (TryLater, Declined) as error:
        get_log().warning("poll_failed", channel=channel.name, code=error.code)
        return
    except Exception:  # noqa: BLE001 - it is asked again
        get_log().exception("crashed", channel=channel.name)
        return
    with transaction(engine) as connection:
        hints.note_polled(connection, channel.name, poll, changed)


def forget_channel(engine: Engine, name: str) -> None:
    """Drop what waits to be heard of a channel that nobody knows."""
    with transaction(engine) as connection:
        hints.heed(connection, name)
        hints.stop_polling(connection, name)
