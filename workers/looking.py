"""Looks again, later, at what was sent: whether somebody took it, and whether there are two of it."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Final

from sqlalchemy import Engine

from router.catalogue import Channel
from router.errors import Declined, TryLater
from router.model import Seen
from router.store.engine import transaction
from router.store.looks import MOST_REOPENS, Look, Told, claim_reopen, take_looks, write_reopened, write_seen
from router.telemetry import SECOND_TICKETS, TICKETS, get_log
from router.vocabulary import Scope, TicketState, WhenClosedThere
from workers.channels.base import Sender
from workers.channels.ticketing import TicketSender

LOOKS_S: Final = (120.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""Seconds after a send, and after each look, until the next look."""
REOPEN_AFTER_S: Final = 600.0
"""Who closes a ticket may be about to close the case as well."""
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
        # A note in a ticket outside would leave without approval.
        reopens = channel.closed_there is WhenClosedThere.REOPEN and channel.scope is Scope.INTERNAL
        with transaction(engine) as connection:
            told = write_seen(
                connection, due, seen, waits_s=LOOKS_S, reopen_after_s=REOPEN_AFTER_S if reopens else None
            )
        _tell(channel, due, told)
        left_s = deadline_s - (monotonic() - began)
        if reopens and _is_to_open(due, seen):
            with transaction(engine) as connection:
                ours = claim_reopen(connection, due)
            if ours and _opened(channel, sender, due, seen, deadline_s=left_s):
                with transaction(engine) as connection:
                    _tell(channel, due, write_reopened(connection, due, look_after_s=LOOKS_S[0]))
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


def _is_to_open(due: Look, seen: Seen) -> bool:
    """Say whether the ticket has been closed for long enough, too early, and not too often."""
    closed_before = seen.resolved and due.ticket is TicketState.RESOLVED and due.ticket_s >= REOPEN_AFTER_S - 1
    return bool(closed_before and due.open_here and due.reopens < MOST_REOPENS)


def _opened(channel: Channel, sender: Sender, due: Look, seen: Seen, *, deadline_s: float) -> bool:
    """Open the ticket again, and say whether it is open then. An edge: raises nothing."""
    if not isinstance(sender, TicketSender):
        return False
    try:
        leased = replace(due.referral, remote_id=seen.remote_id)
        return sender.reopen(leased, due.reopens + 1, deadline_s=deadline_s)
    except (TryLater, Declined) as error:
        get_log().warning("look_failed", channel=channel.name, referral=due.referral.id, code=error.code)
    except Exception:  # noqa: BLE001 - it is looked at again
        get_log().exception("crashed", channel=channel.name, referral=due.referral.id)
    return False


def _tell(channel: Channel, due: Look, told: Told) -> None:
    counted = channel.scope is Scope.INTERNAL  # as `turn.tell` does
    about = {"channel": due.referral.channel, "referral": due.referral.id}
    log = get_log()
    if told.acknowledged:
        log.info("referral_acknowledged", **about)
    if told.gone:
        log.error("referral_gone", **about)
    if told.closed:
        if counted:
            SECOND_TICKETS.labels(channel.name, "closed").inc(len(told.closed))
        log.error("second_ticket_closed", count=len(told.closed), **about)
    if told.left:
        if counted:
            SECOND_TICKETS.labels(channel.name, "left").inc(len(told.left))
        log.error("second_ticket_left", count=len(told.left), **about)
    if told.resolved or told.reopened:
        event = "ticket_resolved" if told.resolved else "ticket_reopened"
        by = "router" if told.ours else "staff"
        if counted:
            TICKETS.labels(channel.name, event.removeprefix("ticket_"), by).inc()
        log.info(event, code=f"by_{by}", **about)
