"""A later look at a case's ticket: whether somebody took it, and whether there is a second one.

A person took a ticket when it has an owner who did not make it, when somebody changed its status, or when they merged
it into another. RT's own account (`RT_System`) is nobody: it opens a ticket when any mail comes, an automatic answer
too. What people only wrote is no sign that they took it, and reason enough to leave a second ticket to them.

Closes only what our own account made: staff who split a ticket copy its custom fields, the reference among them.
"""

from collections.abc import Sequence
from typing import Final

from router.channels import rt
from router.errors import TryLater
from router.model import LeasedReferral, Seen
from router.vocabulary import Notice, Proven
from workers.channels.rt.tickets import DELETED, Doing, RtTickets, Ticket

MACHINE: Final = "RT_System"


def look(tickets: RtTickets, settings: rt.Settings, leased: LeasedReferral, until: float) -> Seen:
    """Return what has become of the case's ticket; close second ones that nobody works on. Raises TryLater.

    The ticket of the ledger is kept, unless it is gone, or closed while another is open.
    """
    if leased.fields.notice is Notice.RECALLED:
        return Seen(leased.remote_id)
    queue = tickets.queue(settings.queue, until)
    hits = tickets.find(leased.fields.reference, queue, until)
    try:
        known = _known(tickets, leased, hits, until)
    except TryLater as later:
        if later.code == "not_authorised":
            # Staff put it where we may not look. What they do there is not for us to see, nor to undo.
            return Seen(leased.remote_id)
        raise
    if known is None and not hits:
        return Seen(None)
    kept = _kept(known, hits)
    others = [hit for hit in hits if _is_second(hit, kept)]
    # Each asked of alone: RT shows so many, and a busy ticket's must not hide what staff did in another.
    done = {
        str(other.own): not _worked_on(other, tickets.doings([other.number], until))
        and _close(tickets, leased, other, kept, until)
        for other in others
    }
    return Seen(
        str(kept.number),
        Proven.ACKNOWLEDGED if _taken(kept, tickets.doings([kept.number], until)) else Proven.VISIBLE,
        closed=tuple(number for number, closed in done.items() if closed),
        left=tuple(number for number, closed in done.items() if not closed),
    )


def _known(tickets: RtTickets, leased: LeasedReferral, hits: Sequence[Ticket], until: float) -> Ticket | None:
    """Return the ticket of the ledger, None when it is gone: deleted, or merged into one that was."""
    number = leased.remote_id or ""
    if not (number.isascii() and number.isdigit()):
        return None
    for hit in hits:
        if hit.own == int(number) and not hit.merged:
            return hit
    try:
        ticket = tickets.read(int(number), until)
    except TryLater as later:
        if later.code == "http_404":
            return None
        raise
    return None if ticket.status == DELETED else ticket


def _kept(known: Ticket | None, hits: Sequence[Ticket]) -> Ticket:
    """Return the ticket to go on in; hits come open ones first."""
    if known is None:
        return hits[0]
    if known.closed and hits and not (hits[0].closed or hits[0].merged) and hits[0].maker == known.maker:
        return hits[0]
    return known


def _is_second(hit: Ticket, kept: Ticket) -> bool:
    return not (hit.closed or hit.merged) and hit.own != kept.number and hit.maker == kept.maker


def _taken(ticket: Ticket, doings: Sequence[Doing]) -> bool:
    moved = any(doing.what == "Status" and _by_person(doing, ticket) for doing in doings)
    return ticket.merged or ticket.taken or moved


def _worked_on(ticket: Ticket, doings: Sequence[Doing]) -> bool:
    return ticket.taken or any(_by_person(doing, ticket) for doing in doings)


def _by_person(doing: Doing, ticket: Ticket) -> bool:
    return doing.number == ticket.number and doing.who not in {"", MACHINE, ticket.maker}


def _close(tickets: RtTickets, leased: LeasedReferral, other: Ticket, kept: Ticket, until: float) -> bool:
    """Say in the ticket where to go on, and close it; its fields stay, they are the same case's."""
    if not tickets.said(other.own, rt.second_subject(leased.fields), until):
        tickets.comment(other.own, rt.second_comment(leased.fields, kept.number), until)
    return tickets.put_away(other, until).closed
