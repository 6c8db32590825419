"""Request Tracker 5, REST 2.0: one ticket for each case.

Pure: the create call's exact body, the queries that find the ticket again, and what must read back. RT
answers 201 and drops custom fields it does not know, and a misspelt field in a query finds nothing, so the
worker compares what RT shows with `expected` before it settles. No requestor is ever set: RT would mail
the whole text to them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from router.channels.setting import ReferralField, SecretReference, WebService
from router.model import FileHash, Frozen, Payload, Referral
from router.vocabulary import Guarantee, Severity

KIND: Final = "rt"
GUARANTEE: Final = Guarantee.FOUND
FIELDS_USED: Final = frozenset(Referral.model_fields)
"""Whatever the channel may carry stands in the ticket's first text."""

PRIORITIES: Final[Mapping[Severity, int]] = MappingProxyType(
    {Severity.LOW: 20, Severity.MEDIUM: 40, Severity.HIGH: 70, Severity.CRITICAL: 100}
)

RtName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$")]
"""A queue's or custom field's name, without the characters that end a name in RT's query language."""


def _with_reference(names: Mapping[str, str]) -> Mapping[str, str]:
    if "reference" not in names:
        raise PydanticCustomError(
            "missing_reference", "custom_fields must map 'reference': by it a ticket is found again"
        )
    if len(set(names.values())) < len(names):
        raise PydanticCustomError("mapped_twice", "custom_fields must not map two fields to one")
    return MappingProxyType(dict(names))


class Settings(Frozen):
    """What `channels.yaml` says for Request Tracker."""

    url: WebService
    """Where RT is: the address that `/REST/2.0` follows."""
    token: SecretReference
    """Where the authentication token of RT's user stands."""
    queue: RtName
    """Where tickets are created: another desk's queue on the same RT gets a ticket of its own."""
    custom_fields: Annotated[Mapping[ReferralField, RtName], AfterValidator(_with_reference)]
    """Our fields, and the names of the custom fields that hold them there."""


def fields_named(settings: Settings) -> frozenset[str]:
    """Return the fields that the settings map: the channel must be allowed to carry each."""
    return frozenset(settings.custom_fields) - {"reference"}


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its ticket would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.queue}"


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the create call's body; the subject says the reference and nothing of the matter.

    Custom fields that the referral does not set are left out.
    """
    ticket: dict[str, Any] = {
        "Queue": settings.queue,
        "Subject": f"{referral.reference} confidential referral",
        "Content": "".join(f"{_label(name)}: {text}\n" for name, text in _texts(referral).items()),
        "ContentType": "text/plain",
    }
    if referral.severity is not None:
        ticket["Priority"] = PRIORITIES[referral.severity]
    texts = _texts(referral)
    ticket["CustomFields"] = {name: texts[field] for field, name in settings.custom_fields.items() if field in texts}
    return Payload(body=orjson.dumps(ticket), media_type="application/json")


def find_query(settings: Settings, reference: str) -> str:
    """Return the TicketSQL that finds the tickets of `reference`, those in other queues included."""
    name = settings.custom_fields["reference"]
    quoted = reference.replace("\\", "\\\\").replace("'", "\\'")
    return f"CF.{{{name}}} = '{quoted}'"


def moves_query(numbers: Iterable[int]) -> str:
    """Return the TransactionSQL that finds every change of queue of these tickets."""
    these = " OR ".join(f"ObjectId = {number}" for number in numbers)
    return f"ObjectType = 'RT::Ticket' AND Type = 'Set' AND Field = 'Queue' AND ({these})"


def expected(payload: Payload) -> Mapping[str, str]:
    """Return the custom fields, by RT's names, that a ticket made of `payload` must show when read back."""
    fields: dict[str, str] = orjson.loads(payload.body)["CustomFields"]
    return MappingProxyType(fields)


def reads_back(payload: Payload, ticket: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the custom fields, by RT's names, that `ticket` (as RT's JSON) does not show as sent; none is good."""
    listed = ticket.get("CustomFields")
    there = {
        str(field.get("name")): field.get("values")
        for field in (listed if isinstance(listed, list) else [])
        if isinstance(field, dict)
    }
    return tuple(name for name, value in expected(payload).items() if there.get(name) != [value])


def _label(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _texts(referral: Referral) -> dict[str, str]:
    """Return each field that is set, as one line of text, in the model's order; `revision` says nothing to people."""
    values = {name: getattr(referral, name) for name in Referral.model_fields if name != "revision"}
    return {name: _text(name, value) for name, value in values.items() if value not in (None, ())}


def _text(field: str, value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple):
        return ", ".join(_text(field, item) for item in value)
    if isinstance(value, FileHash):
        return f"{value.algorithm}:{value.value}"
    if field == "url":  # must not become something to click on
        return str(value).replace("://", "[:]//", 1)
    return str(value)
