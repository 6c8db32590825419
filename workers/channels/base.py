"""The sending contract: one referral, rendered, to one channel, within a deadline.

A sender never decides what is sent and never sees more than the payload and the referral's
projection. TryLater and Declined are the only failures it knows.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sender is told beside its kind's settings."""

    state_dir: Path
    """The folder that is ours."""
    scope: Scope
    """Whether the channel leads out of the organisation."""


class Sender(Protocol):
    """The sending half of a channel; used by several threads at once."""

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Send `payload` within `deadline_s` seconds and return what the channel showed.

        `leased.id` is the key that goes along: the same at every attempt. While `leased.unsure` is not 0, an earlier
        attempt may have taken effect where it cannot be seen yet: then nothing may be made, and what is not found
        raises TryLater NOT_SEEN. Raises TryLater when the channel could not take it now, with `ambiguous` when it may
        have taken effect all the same; Declined when it will not.
        """

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; empty is good. Changes nothing over there.

        Raises TryLater when that cannot be found out now.
        """

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:
        """Look at what was sent, and close second things that are there; raises TryLater or Declined.

        Asked only of kinds that can prove `acknowledged`.
        """
