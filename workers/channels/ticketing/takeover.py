"""Finds the ticket that a concern came out of, by the id that whoever filed the concern said.

The ticket is the organisation's own and not made by us: one that a case has is refused. The id is anybody's word, so it
is judged before it becomes part of an address, and what is wrong with its ticket says nothing of the channel.
"""

import re
from typing import Final

from router.errors import Declined, TryLater
from router.model import LeasedReferral
from workers.channels.ticketing.system import Ticket, TicketSystem

LOOK_AGAIN_S: Final = 60.0
MOST_REFERENCES: Final = 4
"""Cases that a ticket names and that are held against it, at most."""
OF_IT_ALONE: Final = frozenset({"http_404", "not_authorised", "odd_reply"})
"""What a system says of one ticket that is not there, that we may not see, or of an id that is none."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE: Final = re.compile(r"\b(?:CR|DRILL|NOTICE)(?:-[0-9A-HJKMNP-TV-Z]{4}){3}\b")


def source_ticket(system: TicketSystem, leased: LeasedReferral, until: float) -> Ticket:
    """Return the ticket; raises Declined `no_source_ticket` when it was looked for twice, and what a search raises."""
    named = leased.fields.source_ticket or ""
    if not _ID.fullmatch(named):
        raise Declined("no_source_ticket")
    try:
        ticket = system.read(named, until)
    except TryLater as later:
        raise unless_of_it(system, leased, later, until) from None
    if ticket.gone or _is_a_cases(system, ticket, until):
        raise _not_there(leased)
    return ticket


def unless_of_it(system: TicketSystem, leased: LeasedReferral, later: TryLater, until: float) -> TryLater | Declined:
    """Return what to raise for a failed call about the ticket; raises what a search does that fails as well.

    One that works shows that our account is let in: then the failure is this ticket's, and the channel goes on.
    """
    if later.code not in OF_IT_ALONE or later.ambiguous:
        return later
    if later.code != "http_404":
        system.find(leased.fields.reference, until)
    return _not_there(leased)


def _is_a_cases(system: TicketSystem, ticket: Ticket, until: float) -> bool:
    """Say whether a case has the ticket: whoever names it would have it put out of its team's sight."""
    named = sorted(set(_REFERENCE.findall(str(ticket.shown))))[:MOST_REFERENCES]
    return any(hit.own == ticket.own for reference in named for hit in system.find(reference, until))


def _not_there(leased: LeasedReferral) -> TryLater | Declined:
    if leased.attempts > 1:
        return Declined("no_source_ticket")
    # It may be under maintenance; and it is this ticket's trouble alone.
    return TryLater("nothing_there", retry_after_s=LOOK_AGAIN_S)
