"""The sending half for ServiceNow (Table API): records, work notes, checks and later looks.

Never sets a caller, never writes a comment, which the caller would see, never repeats what ServiceNow said.
"""

from router.channels import servicenow
from workers.channels.base import Surroundings
from workers.channels.servicenow.system import ServicenowSystem
from workers.channels.ticketing import TicketSender

__all__ = ["ServicenowSender"]


class ServicenowSender(TicketSender):
    """One group's records in one table: what was made for it is ours, wherever staff put it since."""

    def __init__(self, settings: servicenow.Settings, surroundings: Surroundings) -> None:
        super().__init__(ServicenowSystem(settings, surroundings), search_lag_s=servicenow.search_lag_s(settings))
