"""Sends events to PagerDuty, which drops repeats by `dedup_key` while the case's incident is open.

The proof is that PagerDuty took this event under this key; whether anybody was rung, it does not say. Of a repeat after
a lost answer it makes a second incident only if somebody resolved the first in between.
"""

import re
from time import monotonic
from typing import Final

import orjson

from router.channels import pagerduty
from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.secretrefs import secret
from workers.channels.base import Surroundings
from workers.channels.findings import findings
from workers.channels.replies import Reply
from workers.channels.transport import Transport

ENQUEUE: Final = "/v2/enqueue"
TAKEN: Final = 202
_ROUTING_KEY: Final = re.compile("[0-9A-Za-z]{32}")


class PagerdutySender:
    """One integration of one service."""

    def __init__(self, settings: pagerduty.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._transport = Transport(settings, surroundings.scope)

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """Send the event with our routing key and return its dedup key; raises TryLater or Declined."""
        until = monotonic() + deadline_s
        sent = orjson.dumps({"routing_key": self._routing_key(until), **orjson.loads(payload.body)})
        headers = {"Content-Type": payload.media_type}
        try:
            reply = self._transport.call("POST", ENQUEUE, until=until, headers=headers, body=sent)
        except Declined as no:
            if no.code != "http_400":
                raise
            # Our events differ in nothing that it judges: it is the key that it does not know, so every case waits.
            raise TryLater("not_authorised") from None
        if not _took(reply, leased.fields.reference):
            raise reply.odd()
        return Proof(leased.fields.reference)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; raises TryLater when that cannot be found out now.

        The key is there and looks like one, and PagerDuty answers at the address. Nothing is sent: that it knows the
        key shows the first event alone, best a drill's.
        """
        until = monotonic() + deadline_s
        keyed = findings(lambda: self._routing_key(until), "routing_key")
        return keyed + findings(lambda: self._transport.knock(until=until), "url", self._transport.wrong_file)

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what was shown when it was sent."""
        return Seen(leased.remote_id)

    def _routing_key(self, until: float) -> str:
        key = secret(self._settings.routing_key, until=until)
        if not _ROUTING_KEY.fullmatch(key):
            raise TryLater("secret_malformed")
        return key


def _took(reply: Reply, dedup_key: str) -> bool:
    """Say whether this is PagerDuty's own yes to this event: anything may answer 200 in its place."""
    if reply.status != TAKEN:
        return False
    answer = reply.json()
    return isinstance(answer, dict) and answer.get("status") == "success" and answer.get("dedup_key") == dedup_key
