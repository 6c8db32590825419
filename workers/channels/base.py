"""The sending contract: one referral, rendered, to one channel, within a deadline.

A sender never decides what is sent and never sees more than the payload and the referral's
projection. TryLater and Declined are the only failures it knows.
"""

from typing import Protocol

from router.model import LeasedReferral, Payload, Proof


class Sender(Protocol):
    """The sending half of a channel; used by several threads at once."""

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Send `payload` within `deadline_s` seconds and return what the channel showed.

        `leased.id` is the key that goes along: the same at every attempt. Raises TryLater when the
        channel could not take it now, Declined when it will not.
        """
