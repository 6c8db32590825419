"""The sending half for Jira Service Management Cloud: requests, internal comments, checks and later looks.

Never raises a request in anybody's name, never comments by the platform's own call (its comments are public), never
repeats what Jira said.
"""

from router.channels import jira_service_management as jira
from workers.channels.base import Surroundings
from workers.channels.jira_service_management.system import JiraSystem
from workers.channels.ticketing import TicketSender

__all__ = ["JiraSender"]


class JiraSender(TicketSender):
    """One service desk: what was made in it is ours, wherever staff moved it since."""

    def __init__(self, settings: jira.Settings, surroundings: Surroundings) -> None:
        super().__init__(JiraSystem(settings, surroundings), search_lag_s=jira.search_lag_s(settings))
