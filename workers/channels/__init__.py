"""The sending half of each channel kind; the only place that speaks to the outside."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from workers.channels.base import Sender, Surroundings
from workers.channels.cybertipline import CybertiplineSender
from workers.channels.folder import FolderSender
from workers.channels.hand_over import HandOverSender
from workers.channels.jira_service_management import JiraSender
from workers.channels.mail import MailSender
from workers.channels.pagerduty import PagerdutySender
from workers.channels.redmine import RedmineSender
from workers.channels.rest import RestSender
from workers.channels.rt import RtSender
from workers.channels.servicenow import ServicenowSender
from workers.channels.webhook import WebhookSender
from workers.channels.zendesk import ZendeskSender

SENDERS: Final[Mapping[str, Callable[[Any, Surroundings], Sender]]] = MappingProxyType(
    {
        "cybertipline": CybertiplineSender,
        "folder": FolderSender,
        "hand_over": HandOverSender,
        "servicenow": ServicenowSender,
        "jira_service_management": JiraSender,
        "mail": MailSender,
        "pagerduty": PagerdutySender,
        "redmine": RedmineSender,
        "rest": RestSender,
        "rt": RtSender,
        "webhook": WebhookSender,
        "zendesk": ZendeskSender,
    }
)
"""By kind: makes a sender of the kind's settings and its surroundings."""
