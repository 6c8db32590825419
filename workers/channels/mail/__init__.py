"""Hands a mail in at a server. The proof is that the server took it; whether anybody got it, mail does not say.

The message's date is the moment of the attempt; all else is the same at each.
"""

from collections.abc import Callable
from dataclasses import replace
from email.utils import format_datetime
from time import monotonic
from typing import Final

from router import clock
from router.channels import mail
from router.errors import Declined
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from workers.channels.base import Surroundings
from workers.channels.findings import findings
from workers.channels.mail.conversation import MailServer

__all__ = ["MailSender"]

BLAMED: Final = {"not_authorised": "password", "sender_refused": "sender"}
"""Which setting a code is about, if not the server's address."""


class MailSender:
    """One recipient at one server."""

    def __init__(self, settings: mail.Settings, surroundings: Surroundings) -> None:
        self._server = MailServer(settings, surroundings.scope)
        self._signs_in = settings.password is not None

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Hand the message in; raises TryLater, or Declined when the server will not have it or its recipient."""
        message = mail.date_line(format_datetime(clock.now())) + payload.body
        self._server.hand_in(message, until=monotonic() + deadline_s)
        return Proof(leased.id)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; raises TryLater when that cannot be found out now.

        Goes as far as a mail would, up to the recipient, and sends none.
        """
        until = monotonic() + deadline_s
        secrets = findings(lambda: self._server.password(until), "password") if self._signs_in else ()
        return secrets or self._rehearsed(lambda: self._server.rehearse(until=until))

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what was shown when it was sent."""
        return Seen(leased.remote_id)

    def _rehearsed(self, attempt: Callable[[], None]) -> tuple[Finding, ...]:
        try:
            found = findings(attempt, "url", self._server.wrong_file)
        except Declined as no:
            return (Finding(no.code, "to"),)
        return tuple(replace(one, named=BLAMED.get(one.code, one.named)) for one in found)
