"""The sending half for Redmine 5 (REST): issues, what is said in them, checks and later looks.

Never leaves out that an issue or note is private, never sets a watcher, never repeats what Redmine said.
"""

from router.channels import redmine
from workers.channels.base import Surroundings
from workers.channels.redmine.system import RedmineSystem
from workers.channels.ticketing import TicketSender

__all__ = ["RedmineSender"]


class RedmineSender(TicketSender):
    """One project: what was made in it is ours, wherever staff put it since."""

    def __init__(self, settings: redmine.Settings, surroundings: Surroundings) -> None:
        super().__init__(RedmineSystem(settings, surroundings), search_lag_s=redmine.search_lag_s(settings))
