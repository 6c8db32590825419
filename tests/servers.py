"""Loopback stand-ins for what is outside: a webhook receiver, and the part of RT that we use.

They listen on 127.0.0.1 only and end with their `with` block. A stand-in shows what we send and
how we bear odd answers; it proves nothing about the real system (tests/peers does that).
"""

from collections.abc import Callable

from standardwebhooks import Webhook, WebhookVerificationError

from tests.loopback import Answer, Loopback, Received
from tests.standinrt import RT_TOKEN, StandInRT

__all__ = ["RT_TOKEN", "SINK_SECRET", "Answer", "Loopback", "Received", "Sink", "StandInRT"]

SINK_SECRET = "whsec_" + "c2luay1zaGFyZWQtc2VjcmV0LTAxMjM0NTY3ODk="
"""Standard Webhooks secret that a Sink checks unless told another."""


class Sink(Loopback):
    """A webhook receiver that checks Standard Webhooks signatures and refuses repeats.

    A repeat gets 2xx like the first, takes no effect and is counted apart; a wrong signature gets 401.
    """

    def __init__(self, secret: str = SINK_SECRET, *, before_answer: Callable[[Received], None] | None = None) -> None:
        super().__init__(before_answer=before_answer)
        self._webhook = Webhook(secret)
        self.taken: dict[str, Received] = {}
        """By webhook-id, in the order they came."""
        self.repeats: list[Received] = []
        self.forged: list[Received] = []

    def reply(self, request: Received) -> Answer:
        try:
            self._webhook.verify(request.body, dict(request.headers), json_parse=False)
        except WebhookVerificationError:
            self.forged.append(request)
            return Answer(401)
        key = request.headers["webhook-id"]
        if key in self.taken:
            self.repeats.append(request)
        else:
            self.taken[key] = request
        return Answer(200)

    def wait_for(self, count: int) -> bool:
        """Wait until `count` different deliveries took effect."""
        return self.wait_until(lambda: len(self.taken) >= count)
