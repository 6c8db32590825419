"""A later look at a case's ticket: whether somebody took or closed it, and whether there is a second one.

Closes only what our own account made: staff who split a ticket copy its fields, the reference among them. What people
wrote in a second ticket is reason enough to leave it to them.
"""

from collections.abc import Sequence

from router.channels import wording
from router.errors import TryLater
from router.model import LeasedReferral, Seen
from router.vocabulary import Notice, Proven
from workers.channels.ticketing.system import Ticket, TicketSystem


def look(system: TicketSystem, leased: LeasedReferral, until: float) -> Seen:
    """Return what has become of the case's ticket; close second ones that nobody works on. Raises TryLater.

    The ticket of the ledger is kept, unless it is gone, or closed while another is open.
    """
    if leased.fields.notice in {Notice.RECALLED, Notice.TAKEN_OVER, Notice.CLOSED}:
        return Seen(leased.remote_id)
    hits = system.find(leased.fields.reference, until)
    try:
        known = _known(system, leased, hits, until)
    except TryLater as later:
        if later.code == "not_authorised":
            # Staff put it where we may not look. What they do there is not for us to see, nor to undo.
            return Seen(leased.remote_id)
        raise
    if known is None and not hits:
        return Seen(None)
    kept = _kept(known, hits)
    # Each asked of alone: a busy ticket's history must not hide what staff did in another.
    done = {
        other.own: not (other.taken or system.worked_on(other, until)) and _close(system, leased, other, kept, until)
        for other in hits
        if _is_second(other, kept)
    }
    return Seen(
        kept.id,
        Proven.ACKNOWLEDGED if kept.merged or kept.taken or system.taken(kept, until) else Proven.VISIBLE,
        closed=tuple(number for number, closed in done.items() if closed),
        left=tuple(number for number, closed in done.items() if not closed),
        resolved=kept.closed,
    )


def _known(system: TicketSystem, leased: LeasedReferral, hits: Sequence[Ticket], until: float) -> Ticket | None:
    """Return the ticket of the ledger, None when it is gone: deleted, or merged into one that was."""
    if leased.remote_id is None:
        return None
    for hit in hits:
        if hit.own == leased.remote_id and not hit.merged:
            return hit
    try:
        ticket = system.read(leased.remote_id, until)
    except TryLater as later:
        if later.code == "http_404":
            return None
        raise
    return None if ticket.gone else ticket


def _kept(known: Ticket | None, hits: Sequence[Ticket]) -> Ticket:
    """Return the ticket to go on in; hits come open ones first."""
    if known is None:
        return hits[0]
    if known.closed and hits and not (hits[0].closed or hits[0].merged) and hits[0].maker == known.maker:
        return hits[0]
    return known


def _is_second(hit: Ticket, kept: Ticket) -> bool:
    return not (hit.closed or hit.merged) and hit.own != kept.id and hit.maker == kept.maker


def _close(system: TicketSystem, leased: LeasedReferral, other: Ticket, kept: Ticket, until: float) -> bool:
    """Say in the ticket where to go on, and close it; its fields stay, they are the same case's."""
    title = wording.second_title(leased.fields)
    if not system.noted(title, other, until):
        system.add_note(system.note(title, wording.second_note(leased.fields, kept.name or kept.id)), other, until)
    return system.close(other, until).closed
