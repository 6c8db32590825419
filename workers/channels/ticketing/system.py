"""What a ticket system can do for us, and a ticket as it shows one. The contract that a kind's sending half keeps.

A search may show other tickets than were asked for, a create may drop what it does not know, and a change may be
answered with yes and not be made: so each hit is verified, and each change is read back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from router.model import Finding, Payload, Referral


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as a search or a read shows it."""

    own: str
    """The id that it was made with."""
    id: str
    """Where it is now: its own id, or that of the ticket that staff merged it into."""
    closed: bool
    """Nobody works on it any more."""
    here: bool = True
    """It stands where the channel makes its tickets; staff may have moved it."""
    gone: bool = False
    """Deleted, where a deleted ticket can still be read."""
    taken: bool = False
    """A person who is not us took it, as far as the ticket itself shows."""
    maker: str = ""
    """Whose account made it: staff who copy a ticket may copy its reference along. Empty where that is not shown."""
    name: str = ""
    """What staff call it, where that is not the id."""
    shown: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As the system shows it."""

    @property
    def merged(self) -> bool:
        """Whether staff merged it into another."""
        return self.id != self.own


@runtime_checkable
class SetsApart(Protocol):
    """What a ticket system can do beside, where `channels.yaml` says where to: put a ticket of others out of sight."""

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Put the ticket where few people see it, and change nothing else; return whether it is there.

        True as well where `channels.yaml` names no such place.
        """


class TicketSystem(Protocol):
    """One desk of one ticket system, seen with our account; used by several threads at once.

    Every call ends by the `until` (monotonic) that it is given, and raises TryLater or Declined only. A read that
    fails leaves nothing in doubt; a write may, and then its TryLater is `ambiguous`.
    """

    def first(self, referral: Referral) -> Payload:
        """Return what makes the case's ticket, for a note that finds none to stand in."""

    def note(self, title: str, text: str) -> Payload:
        """Return an internal note, which only staff can read."""

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured, the worst first; changes nothing over there."""

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the tickets of `reference` that were made at this desk, each verified by the reference that it shows.

        Open ones first, merged ones last, the oldest first of each.
        """

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the ticket; raises TryLater `http_404` when there is none."""

    def create(self, payload: Payload, until: float) -> str:
        """Make a ticket and return its id; raises an ambiguous TryLater when the answer names none."""

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether the ticket, just made of `payload`, does not show all of it."""

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Fill what the found ticket lacks of `payload`, and change nothing else; return whether all is there."""

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put a note into the ticket, where only staff can read it."""

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether a note with this title, one of ours, stands in the ticket."""

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Close the ticket, unless it is, and return it as it is then."""

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Open a ticket that was closed, and return it as it is then."""

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty the ticket's fields but the reference, close it, put it apart; return whether all that shows."""

    def taken(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person took the ticket: owns it, or changed its state. What people only wrote is no sign."""

    def worked_on(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person took the ticket or wrote in it."""

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the ids of tickets of this desk that changed since then, ours among them, the longest ago first.

        May name a ticket again. Empty where the system does not say: its tickets are then looked at one by one.
        """
