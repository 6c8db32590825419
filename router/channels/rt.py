"""Request Tracker 5, REST 2.0: one ticket for each case; what comes later about it is an internal comment there.

Pure: the calls' exact bodies, the queries that find a ticket or comment again, and what must read back. RT
answers 201 and drops custom fields it does not know, and a misspelt field in a query finds nothing, so the
worker compares what RT shows with `expected` before it settles. No requestor is ever set and nothing is
sent as correspondence: RT would mail the whole text to them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import AfterValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router import clock
from router.channels import desk, wording
from router.channels.desk import Desk
from router.channels.hooks import Scheme
from router.channels.setting import ReferralField, SecretReference
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Proven, Severity

KIND: Final = "rt"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED
HOOK: Final = Scheme(
    signature="X-RT-Signature",
    prefix="sha256=",
    signed="{timestamp}.{body}",
    timestamp="X-RT-Timestamp",
    delivery="X-RT-Delivery",
    ticket="/ticket",
)
"""RT has no hooks of its own: this is what the scrip in docs/helpdesk/status.md sends."""

PRIORITIES: Final[Mapping[Severity, int]] = MappingProxyType(
    {Severity.LOW: 20, Severity.MEDIUM: 40, Severity.HIGH: 70, Severity.CRITICAL: 100}
)

RtName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$")]
"""A queue's or custom field's name, without the characters that end a name in RT's query language."""


class Settings(Desk):
    """What `channels.yaml` says for Request Tracker: `url` is the address that `/REST/2.0` follows."""

    token: SecretReference
    """Where the authentication token of RT's user stands."""
    queue: RtName
    """Where tickets are created: another desk's queue on the same RT gets a ticket of its own."""
    custom_fields: Annotated[Mapping[ReferralField, RtName], AfterValidator(desk.with_reference)]
    """Our fields, and the names of the custom fields that hold them there."""
    recall_queue: RtName | None = None
    """Where a withdrawn ticket goes: a queue that few people may see, with the custom field of the reference."""
    taken_over_queue: RtName | None = None
    """Where a ticket goes that a concern came out of: a queue that few people may see. Left out: it stays."""

    @model_validator(mode="after")
    def _recall_elsewhere(self) -> Self:
        if self.recall_queue is not None and self.recall_queue == self.queue:
            raise PydanticCustomError("same_place", "recall_queue must be another queue than 'queue'")
        return self


fields_named = desk.fields_named
fields_shown = desk.fields_shown
search_lag_s = desk.search_lag_s


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its ticket would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.queue}"


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the body of the call: a comment's for what is said of a case that has a ticket, else a new ticket's.

    Should there be no ticket to comment on, `ticket` says what is made instead.
    """
    if not wording.is_note(referral):
        return ticket(settings, referral)
    return comment(wording.title(referral), wording.note(referral))


def comment(title: str, text: str) -> Payload:
    """Return the body of a comment, which only staff can read."""
    said = {"Subject": title, "Content": text, "ContentType": "text/plain"}
    return Payload(body=orjson.dumps(said), media_type="application/json")


def ticket(settings: Settings, referral: Referral) -> Payload:
    """Return the create call's body; the subject says the reference and nothing of the matter.

    Custom fields that the referral does not set are left out.
    """
    texts = wording.values(referral)
    made: dict[str, Any] = {
        "Queue": settings.queue,
        "Subject": wording.title(referral),
        "Content": wording.text(referral, settings.text),
        "ContentType": "text/plain",
    }
    if referral.severity is not None:
        made["Priority"] = PRIORITIES[referral.severity]
    made["CustomFields"] = {name: texts[field] for field, name in settings.custom_fields.items() if field in texts}
    return Payload(body=orjson.dumps(made), media_type="application/json")


def withdrawal(settings: Settings) -> Mapping[str, None]:
    """Return the custom fields, by RT's names, that are emptied when a ticket is withdrawn: all but the reference.

    RT takes null for no value; an empty text would stay as one.
    """
    return MappingProxyType({name: None for field, name in settings.custom_fields.items() if field != "reference"})


def find_query(settings: Settings, reference: str) -> str:
    """Return the TicketSQL that finds the tickets of `reference`, those in other queues and merged ones included.

    RT hides a ticket that was merged into another, unless the query speaks of EffectiveId.
    """
    name = settings.custom_fields["reference"]
    quoted = reference.replace("\\", "\\\\").replace("'", "\\'")
    return f"CF.{{{name}}} = '{quoted}' AND EffectiveId > 0"


def newest_query(settings: Settings) -> str:
    """Return the TicketSQL that finds tickets of the queue, whosoever."""
    return f"Queue = '{settings.queue}'"


def said_query(number: str, wanted: str) -> str:
    """Return the TransactionSQL that finds in a ticket what was said with the subject `wanted`, one of ours."""
    return f"ObjectType = 'RT::Ticket' AND ObjectId = {number} AND Subject = '{wanted}'"


def moves_query(numbers: Iterable[str]) -> str:
    """Return the TransactionSQL that finds every change of queue of these tickets."""
    these = " OR ".join(f"ObjectId = {number}" for number in numbers)
    return f"ObjectType = 'RT::Ticket' AND Type = 'Set' AND Field = 'Queue' AND ({these})"


def doings_query(number: str) -> str:
    """Return the TransactionSQL that finds every change of the ticket's status, and what was said in it."""
    kinds = "Type = 'Status' OR Type = 'Comment' OR Type = 'Correspond'"
    return f"ObjectType = 'RT::Ticket' AND ({kinds}) AND (ObjectId = {number})"


def changed_query(settings: Settings, since: datetime) -> str:
    """Return the TicketSQL that finds what changed in the queue since then, closed tickets included.

    By minutes ago: a moment would be read in the time zone of the account, or of RT, whatever zone is written to it.
    """
    minutes = max(1, int((clock.now() - since).total_seconds() // 60) + 1)
    return f"Queue = '{settings.queue}' AND LastUpdated >= '{minutes} minutes ago'"


def is_of(field: str, reference: str, ticket: Mapping[str, Any]) -> bool:
    """Say whether the ticket shows the reference itself, whatever the search took it for."""
    return _values(ticket).get(field) == [reference]


def expected(payload: Payload) -> Mapping[str, str]:
    """Return the custom fields, by RT's names, that a ticket made of `payload` must show when read back."""
    fields: dict[str, str] = orjson.loads(payload.body)["CustomFields"]
    return MappingProxyType(fields)


def reads_back(payload: Payload, ticket: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the custom fields, by RT's names, that `ticket` (as RT's JSON) does not show as sent; none is good."""
    there = _values(ticket)
    return tuple(name for name, value in expected(payload).items() if there.get(name) != [value])


def unfilled(payload: Payload, ticket: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what `ticket` has no value for of the custom fields sent; what staff changed since stays theirs."""
    there = _values(ticket)
    return MappingProxyType({name: value for name, value in expected(payload).items() if not there.get(name)})


def still_filled(settings: Settings, ticket: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the custom fields, by RT's names, that a withdrawn `ticket` still shows a value of; none is good."""
    emptied = withdrawal(settings)
    return tuple(name for name, values in _values(ticket).items() if name in emptied and any(values))


def _values(ticket: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return a ticket's custom fields by RT's names; an emptied one may have the value null, or an empty text."""
    listed = ticket.get("CustomFields")
    fields = [field for field in (listed if isinstance(listed, list) else []) if isinstance(field, dict)]
    return {str(field.get("name")): [v for v in field.get("values") or () if v not in (None, "")] for field in fields}
