"""The sending contract: one referral, rendered, to one channel, within a deadline.

A sender never decides what is sent and never sees more than the payload and the referral's
projection. TryLater and Declined are the only failures it knows.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sender is told beside its kind's settings."""

    state_dir: Path
    """The folder that is ours."""
    scope: Scope
    """Whether the channel leads out of the organisation."""
    filings: "Filings | None" = None
    """For kinds that file a report in steps."""
    production: bool = False
    """Whether whoever runs the workers wants reports filed for good where a body has a test system as well."""


class Filings(Protocol):
    """Remembers, across crashes, what was opened at an outside body that takes a report in steps.

    Each of these is a transaction of its own, and committed when it returns. `test` says which of the body's two
    systems is meant: what was opened in one means nothing in the other. Raises TryLater `not_noted` when the database
    is away; and `lease_lost` when the lease is not ours or nobody wants the report any more: then nothing more may be
    said over there for this lease.
    """

    def opened(self, leased: LeasedReferral, *, test: bool) -> str | None:
        """Return the id of the report that was opened for the referral, and neither retracted nor gone; None: none.

        Raises `lease_lost`; and `not_retracted` while one is open of what was approved before, and not now.
        """

    def asks(self, leased: LeasedReferral, *, test: bool) -> None:
        """Write that a report is about to be opened; what was asked before and never answered is lost, and so noted.

        Raises `lease_lost`, and has written nothing then.
        """

    def unopened(self, leased: LeasedReferral) -> None:
        """Write that what was asked for was not opened: the body said no, or was never reached."""

    def opens(self, leased: LeasedReferral, report_id: str) -> None:
        """Write which report was opened; raises `lease_lost` after that: it will be retracted."""

    def gone(self, leased: LeasedReferral, report_id: str, code: int) -> None:
        """Write that the report does not exist any more over there."""

    def finished(self, leased: LeasedReferral, report_id: str, code: int, *, sent: Payload, receipt: bytes) -> None:
        """Write that the report is filed, and keep what was sent and the receipt with the case."""


@runtime_checkable
class Filer(Protocol):
    """A sender that files reports in steps, and can cancel one that is open and that nobody wants any more."""

    test: bool
    """Which of the body's two systems it files at."""

    def retract(self, report_id: str, leased: str, *, deadline_s: float) -> tuple[str, int]:
        """Cancel an open report; return whether it is `retracted`, `finished` or `gone`, and the code.

        `leased` is its referral's id. Raises TryLater or Declined.
        """


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
