"""A signed POST to any receiver that speaks Standard Webhooks.

Pure: makes the body; the worker signs it and sends `key` as the webhook-id, by which the receiver drops repeats.
"""

from typing import Final

import orjson

from router.channels import exchange, notices
from router.channels.overhttp import OverHttp
from router.channels.setting import SecretReference
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Proven

KIND: Final = "webhook"
GUARANTEE: Final = Guarantee.KEYED
PROVES: Final = Proven.ACCEPTED


class Settings(OverHttp):
    """What `channels.yaml` says for a webhook."""

    secret: SecretReference
    """Where the signing secret stands: the text after `whsec_`, or with it."""


def fields_named(settings: Settings) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return the fields that the settings use by name: none."""
    return frozenset()


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return which of the fields that the channel may carry are shown: all."""
    return carries


def place(settings: Settings) -> str | None:  # noqa: ARG001 - the kind's contract
    """Return what no other channel may share: nothing; receivers tell referrals apart by their id."""
    return None


def search_lag_s(settings: Settings) -> float:  # noqa: ARG001 - the kind's contract
    """Return how many seconds may pass until what was made is found: none."""
    return 0.0


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the body: a type and the fields set in `referral`; the same bytes at every attempt.

    What leaves the organisation is written by the exchange's schema. What belongs to no case says in a sentence, beside
    them, what it is.
    """
    posted = {"type": f"referral.{_happened(referral)}", "data": exchange.document(referral)}
    sentence = notices.said_of_no_case(referral)
    body = orjson.dumps(posted | ({"said": sentence} if sentence else {}))
    return Payload(body=body, media_type="application/json")


def _happened(referral: Referral) -> str:
    if referral.notice is not None:
        return referral.notice
    return "created" if referral.revision == 1 else "updated"
