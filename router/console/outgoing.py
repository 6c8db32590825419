"""What exactly would leave, and by which way: the same bytes, made the same way, as the worker would send.

What people approve is the digest of these; the worker makes it again before it sends. Reads no secret, sends nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from router.catalogue import Channel, parse_catalogue
from router.console.policies import Policies
from router.errors import PolicyErrors
from router.model import Payload, Referral
from router.store import policies as stored
from router.store.engine import transaction

_SECRET: Final = re.compile(r"(env|file|command):")
_OURS: Final = frozenset({"ca", "client_certificate", "client_key"})
"""Files of the worker's machine: they, and where secrets stand, say nothing of where something leads."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One referral as it would leave now."""

    channel: Channel
    payload: Payload
    digest: str
    """Of exactly these bytes by exactly this way."""

    @property
    def written(self) -> str:
        """The bytes as text."""
        return self.payload.body.decode("utf-8", "backslashreplace")

    @property
    def way(self) -> tuple[tuple[str, str], ...]:
        """Where it leads, by the channel's own settings."""
        settings = self.channel.settings
        known = ((name, getattr(settings, name, None)) for name in type(settings).model_fields if name not in _OURS)
        return tuple((name, value) for name, value in known if isinstance(value, str) and not _SECRET.match(value))


def channel_now(engine: Engine, policies: Policies, name: str) -> Channel | None:
    """Return the channel as workers have it: of the policy in force, else of the newest that named it."""
    found = policies.in_force().channels.get(name)
    if found is not None:
        return found
    with transaction(engine) as connection:
        for text in stored.channels_texts_with(connection, name):
            try:
                found = parse_catalogue(text).get(name)
            except PolicyErrors:
                continue
            if found is not None:
                return found
    return None


def outgoing(channel: Channel | None, fields: Referral | None, *, key: str) -> Outgoing | None:
    """Return what would leave by the channel for the referral `key`; None when nothing can, as it is now."""
    if channel is None or fields is None:
        return None
    try:
        payload = channel.render(channel.narrowed(fields), key=key)
    except Exception:  # noqa: BLE001 - the worker would call it unrenderable, whatever it is
        return None
    return Outgoing(channel, payload, channel.leaving(payload, key=key))
