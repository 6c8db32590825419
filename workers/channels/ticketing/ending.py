"""Ticket and case end together: a case's ticket is closed when the case is, and opened again when it was closed early.

Says why in a note, before it closes and after it opened, and reads back what became of it. Empties and moves nothing.
"""

from collections.abc import Iterable
from contextlib import suppress

from router.channels import wording
from router.errors import Declined, TryLater
from router.model import LeasedReferral
from workers.channels.ticketing.system import Ticket, TicketSystem


def close_all(system: TicketSystem, hits: Iterable[Ticket], until: float) -> bool:
    """Close each that is not closed; return whether all of them are."""
    return all(system.close(hit, until).closed for hit in hits)


def reopen(system: TicketSystem, leased: LeasedReferral, time: int, until: float) -> bool:
    """Open the ticket of the ledger again, the `time`th time, and say so in it; return whether it is open then.

    One that is gone, merged or open is left as it is: False. Raises TryLater or Declined.
    """
    ticket = None if leased.remote_id is None else system.read(leased.remote_id, until)
    if ticket is None or ticket.gone or ticket.merged or not ticket.closed:
        return False
    title = wording.reopened_title(leased.fields, time)
    opened = system.reopen(ticket, until)
    if opened.closed:
        return False
    # It is open, whether or not we may say why.
    with suppress(TryLater, Declined):
        if not system.noted(title, opened, until):
            system.add_note(system.note(title, wording.reopened_note(leased.fields)), opened, until)
    return True
