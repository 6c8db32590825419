"""The sending half for any ticket system that `channels.yaml` describes.

Sends what was rendered, believes what it read back, and never repeats what the system said.
"""

from router.channels import rest
from workers.channels.base import Surroundings
from workers.channels.rest.system import RestSystem
from workers.channels.ticketing import TicketSender


class RestSender(TicketSender):
    """One desk of one system."""

    def __init__(self, settings: rest.Settings, surroundings: Surroundings) -> None:
        super().__init__(RestSystem(settings, surroundings), search_lag_s=rest.search_lag_s(settings))
