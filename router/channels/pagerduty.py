"""PagerDuty, Events API v2: rings a service's people. One incident for each case, by the case's reference.

Pure: makes the event; the worker adds the routing key. Says how bad it is and nothing of what, unless `details` lists
more. While a case's incident is open, what comes later about the case is put to it and rings nobody anew; after that
it opens another. A recall resolves it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from router.channels import notices, wording
from router.channels.overhttp import OverHttp
from router.channels.setting import ReferralField, SecretReference, WebService
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Notice, Proven, Severity

KIND: Final = "pagerduty"
GUARANTEE: Final = Guarantee.KEYED
PROVES: Final = Proven.ACCEPTED

SOURCE: Final = "concern-router"
SEVERITIES: Final[Mapping[Severity, str]] = MappingProxyType(
    {Severity.LOW: "info", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "critical"}
)
UNSAID: Final = "error"
"""The event's severity where the referral has none: PagerDuty wants one, and this one rings."""


class Settings(OverHttp):
    """What `channels.yaml` says for PagerDuty."""

    url: WebService = "https://events.pagerduty.com"
    """Where events go; https://events.eu.pagerduty.com for accounts in Europe."""
    routing_key: SecretReference
    """Where the integration key of the service's Events API v2 integration stands."""
    details: tuple[ReferralField, ...] = ()
    """Which of the fields an event shows, besides the severity; none when left out."""


def fields_named(settings: Settings) -> frozenset[str]:
    """Return the fields that the settings use by name: the channel must be allowed to carry each."""
    return frozenset(settings.details) - {"reference"}


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:
    """Return which of the fields that the channel may carry an event can show."""
    return carries & {"severity", *settings.details}


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: there a case has one incident, so that the second would ring nobody."""
    return f"{settings.url.rstrip('/')} {settings.routing_key}"


def search_lag_s(settings: Settings) -> float:  # noqa: ARG001 - the kind's contract
    """Return how many seconds may pass until what was made is found: nothing is looked for."""
    return 0.0


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the event without the routing key; the same bytes at every attempt."""
    return Payload(body=orjson.dumps(event(settings, referral)), media_type="application/json")


def event(settings: Settings, referral: Referral) -> dict[str, Any]:
    """Return the event: what rings, or resolves what rang before."""
    if referral.notice is Notice.RECALLED:
        return {"event_action": "resolve", "dedup_key": referral.reference}
    severity = UNSAID if referral.severity is None else SEVERITIES[referral.severity]
    ringing: dict[str, Any] = {"summary": notices.title(referral), "source": SOURCE, "severity": severity}
    if details := _details(settings, referral):
        ringing["custom_details"] = details
    return {"event_action": "trigger", "dedup_key": referral.reference, "payload": ringing}


def _details(settings: Settings, referral: Referral) -> dict[str, str]:
    """Return the fields that are listed, and what a notice of no case says."""
    texts = wording.values(referral)
    details = {field: texts[field] for field in ("tlp", *settings.details) if field in texts}
    sentence = notices.said_of_no_case(referral)
    return {"said": sentence, **details} if sentence else details
