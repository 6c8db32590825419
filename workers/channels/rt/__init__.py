"""The sending half for Request Tracker 5 (REST 2.0): tickets, what is said in them, checks and later looks.

Never sets a requestor, never writes what RT would mail to one, never repeats what RT said.
"""

from router.channels import rt
from workers.channels.base import Surroundings
from workers.channels.rt.system import RtSystem
from workers.channels.ticketing import NOTHING_THERE, TicketSender

__all__ = ["NOTHING_THERE", "RtSender"]


class RtSender(TicketSender):
    """One queue: what was made in it is ours, wherever staff put it since."""

    def __init__(self, settings: rt.Settings, surroundings: Surroundings) -> None:
        super().__init__(RtSystem(settings, surroundings), search_lag_s=rt.search_lag_s(settings))
