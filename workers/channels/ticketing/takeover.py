"""Finds the ticket that a concern came out of, by the id that whoever filed the concern said.

The ticket is the organisation's own and not made by us. Its id is judged before it becomes part of an address.
"""

import re
from typing import Final

from router.errors import Declined, TryLater
from router.model import LeasedReferral
from workers.channels.ticketing.system import Ticket, TicketSystem

LOOK_AGAIN_S: Final = 60.0
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def source_ticket(system: TicketSystem, leased: LeasedReferral, until: float) -> Ticket:
    """Return the ticket; raises Declined `no_source_ticket` when it was looked for twice, and what a read raises."""
    named = leased.fields.source_ticket or ""
    if not _ID.fullmatch(named):
        raise Declined("no_source_ticket")
    try:
        ticket = system.read(named, until)
    except TryLater as later:
        if later.code != "http_404":
            raise
    else:
        if not ticket.gone:
            return ticket
    if leased.attempts > 1:
        raise Declined("no_source_ticket")
    # It may be under maintenance; and it is this ticket's trouble alone.
    raise TryLater("nothing_there", retry_after_s=LOOK_AGAIN_S)
