"""The sending half of each channel kind; the only place that speaks to the outside."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from workers.channels.base import Sender, Surroundings
from workers.channels.folder import FolderSender
from workers.channels.rt import RtSender
from workers.channels.webhook import WebhookSender

SENDERS: Final[Mapping[str, Callable[[Any, Surroundings], Sender]]] = MappingProxyType(
    {"folder": FolderSender, "rt": RtSender, "webhook": WebhookSender}
)
"""By kind: makes a sender of the kind's settings and its surroundings."""
