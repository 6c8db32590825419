"""Asks the far side, before the first referral goes there, whether the channel can work as it is configured.

Changes nothing over there, and nothing here: whoever asked notes what was found.
"""

from router.catalogue import Channel
from router.errors import Declined, TryLater
from router.model import Finding
from router.telemetry import get_log
from workers.channels.base import Sender


def checked(channel: Channel, sender: Sender, *, deadline_s: float) -> tuple[Finding, ...]:
    """Return why the channel cannot be used, none if it can; raises TryLater when that cannot be found out now."""
    try:
        return sender.check(deadline_s=deadline_s)
    except TryLater:
        raise
    except Declined as no:
        return (Finding(no.code),)
    except Exception:  # noqa: BLE001 - whatever it was, the channel is asked again later
        get_log().exception("crashed", channel=channel.name)
        raise TryLater("unforeseen") from None
