"""What every ticket system has in common: one ticket for each case, notes in it, second ones found, a recall.

A kind brings a `TicketSystem`: the calls, and what is believed of their answers. Nothing here knows a system's words.
"""

from workers.channels.ticketing.sending import NOTHING_THERE, TicketSender
from workers.channels.ticketing.system import Ticket, TicketSystem

__all__ = ["NOTHING_THERE", "Ticket", "TicketSender", "TicketSystem"]
