"""The sending half for Zendesk Support: tickets, what is said in them, checks and later looks.

Never sets a requester, never says anything publicly, never repeats what Zendesk said.
"""

from router.channels import zendesk
from workers.channels.base import Surroundings
from workers.channels.ticketing import TicketSender
from workers.channels.zendesk.system import ZendeskSystem

__all__ = ["ZendeskSender"]


class ZendeskSender(TicketSender):
    """One group: what was made in it is ours, wherever staff put it since."""

    def __init__(self, settings: zendesk.Settings, surroundings: Surroundings) -> None:
        super().__init__(ZendeskSystem(settings, surroundings), search_lag_s=zendesk.search_lag_s(settings))
