"""Lays what people approved before a person, who hands it over outside and records that. Speaks to nobody."""

from router.channels import hand_over
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from workers.channels.base import Surroundings


class HandOverSender:
    """One channel that a person serves."""

    def __init__(self, settings: hand_over.Settings, surroundings: Surroundings) -> None:
        """Prepare; nothing of either is needed."""

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:  # noqa: ARG002 - the contract
        """Say that it lies before a person now; the sheet is made anew of what is stored whenever one looks at it."""
        return Proof(None, in_hand=True)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:  # noqa: ARG002 - the contract
        """Return nothing: no machine knows whether somebody answers the telephone over there."""
        return ()

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what people recorded."""
        return Seen(leased.remote_id)
