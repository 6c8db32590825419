"""Posts a signed webhook (Standard Webhooks); the receiver drops repeats by `webhook-id`.

Any 2xx is the proof. The reply's body is never looked at.
"""

from base64 import b64decode
from contextlib import suppress
from time import monotonic
from typing import Final

from standardwebhooks import Webhook

from router import clock
from router.channels import webhook
from router.errors import TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.secretrefs import secret
from workers.channels.base import Surroundings
from workers.channels.findings import findings
from workers.channels.transport import Transport

SHORTEST_SECRET: Final = 24
"""Bytes; the standard's own lower bound."""


class WebhookSender:
    """One receiver."""

    def __init__(self, settings: webhook.Settings, surroundings: Surroundings) -> None:
        self._secret = settings.secret
        self._transport = Transport(settings, surroundings.scope)

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Post the payload under the referral's id; raises TryLater or Declined."""
        until = monotonic() + deadline_s
        at = clock.now()
        headers = {
            "Content-Type": payload.media_type,
            "webhook-id": leased.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": _signer(secret(self._secret, until=until)).sign(leased.id, at, payload.body.decode()),
        }
        self._transport.call("POST", until=until, headers=headers, body=payload.body)
        return Proof(leased.id)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; raises TryLater when that cannot be found out now.

        The secret is there and can sign; the receiver's address may be reached, and it is whom we trust. Nothing is
        sent: that the path is right, and that the receiver knows this secret, shows the first post alone.
        """
        until = monotonic() + deadline_s
        signs = findings(lambda: _signer(secret(self._secret, until=until)), "secret")
        return signs + findings(lambda: self._transport.knock(until=until), "url", self._transport.wrong_file)

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what was shown when it was sent."""
        return Seen(leased.remote_id)


def _signer(key: str) -> Webhook:
    """Return what signs with `key` (base64, `whsec_` before it or not); the library alone would skip odd characters."""
    raw = b""
    with suppress(ValueError):
        raw = b64decode(key.removeprefix("whsec_"), validate=True)
    if len(raw) < SHORTEST_SECRET:
        raise TryLater("secret_malformed")
    return Webhook(raw)
