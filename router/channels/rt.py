"""Request Tracker 5, REST 2.0: one ticket for each case; what comes later about it is an internal comment there.

Pure: the calls' exact bodies, the queries that find a ticket or comment again, and what must read back. RT
answers 201 and drops custom fields it does not know, and a misspelt field in a query finds nothing, so the
worker compares what RT shows with `expected` before it settles. No requestor is ever set and nothing is
sent as correspondence: RT would mail the whole text to them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Self, get_args

import orjson
from pydantic import AfterValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.channels import notices
from router.channels.overhttp import OverHttp
from router.channels.setting import ReferralField, SecretReference, Within
from router.model import FileHash, Payload, Referral
from router.vocabulary import Guarantee, Notice, Proven, Severity

KIND: Final = "rt"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED

PRIORITIES: Final[Mapping[Severity, int]] = MappingProxyType(
    {Severity.LOW: 20, Severity.MEDIUM: 40, Severity.HIGH: 70, Severity.CRITICAL: 100}
)

_SPOKEN: Final = frozenset({"notice", "awaited", "about"})
"""Said in a sentence."""

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


class Settings(OverHttp):
    """What `channels.yaml` says for Request Tracker: `url` is the address that `/REST/2.0` follows."""

    token: SecretReference
    """Where the authentication token of RT's user stands."""
    queue: RtName
    """Where tickets are created: another desk's queue on the same RT gets a ticket of its own."""
    custom_fields: Annotated[Mapping[ReferralField, RtName], AfterValidator(_with_reference)]
    """Our fields, and the names of the custom fields that hold them there."""
    text: tuple[ReferralField, ...] | None = None
    """Which of the fields the ticket's first text shows, besides the reference; all when left out."""
    recall_queue: RtName | None = None
    """Where a withdrawn ticket goes: a queue that few people may see, with the custom field of the reference."""
    search_lag: Within = timedelta(0)
    """How long a new ticket may stay hidden from a search, where RT reads from a replica; left out: not at all."""

    @model_validator(mode="after")
    def _recall_elsewhere(self) -> Self:
        if self.recall_queue is not None and self.recall_queue == self.queue:
            raise PydanticCustomError("same_place", "recall_queue must be another queue than 'queue'")
        return self


def fields_named(settings: Settings) -> frozenset[str]:
    """Return the fields that the settings use by name: the channel must be allowed to carry each."""
    return frozenset({*settings.custom_fields, *(settings.text or ())}) - {"reference"}


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:
    """Return which of the fields that the channel may carry a ticket or comment can show."""
    if settings.text is None:
        return carries
    return carries & {*settings.text, *settings.custom_fields, *notices.FIELDS_SAID}


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its ticket would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.queue}"


def search_lag_s(settings: Settings) -> float:
    """Return how many seconds may pass until a search finds what was made."""
    return settings.search_lag.total_seconds()


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the body of the call: a comment's for what is said of a case that has a ticket, else a new ticket's.

    Should there be no ticket to comment on, `ticket` says what is made instead.
    """
    if not is_comment(referral):
        return ticket(settings, referral)
    comment = {"Subject": subject(referral), "Content": _lines(_spoken(referral)), "ContentType": "text/plain"}
    return Payload(body=orjson.dumps(comment), media_type="application/json")


def is_comment(referral: Referral) -> bool:
    """Say whether the referral belongs into a ticket that should be there already."""
    return referral.notice is Notice.RECALLED or (referral.notice is not None and referral.revision > 1)


def ticket(settings: Settings, referral: Referral) -> Payload:
    """Return the create call's body; the subject says the reference and nothing of the matter.

    Custom fields that the referral does not set are left out.
    """
    texts = _texts(referral)
    shown = texts if settings.text is None else {f: texts[f] for f in texts if f in {"reference", *settings.text}}
    made: dict[str, Any] = {
        "Queue": settings.queue,
        "Subject": subject(referral),
        "Content": _lines([*_spoken(referral)[:1], *_labelled(shown)]),
        "ContentType": "text/plain",
    }
    if referral.severity is not None:
        made["Priority"] = PRIORITIES[referral.severity]
    made["CustomFields"] = {name: texts[field] for field, name in settings.custom_fields.items() if field in texts}
    return Payload(body=orjson.dumps(made), media_type="application/json")


def subject(referral: Referral) -> str:
    """Return the ticket's or comment's subject; a later notice is found again by it, so it says which one it is."""
    later = f", notice {referral.revision}" if is_comment(referral) else ""
    return f"{notices.title(referral)}{later}"


def second_subject(referral: Referral) -> str:
    """Return the subject of the comment in a second ticket, by which it is found again."""
    return f"{referral.reference} second ticket"


def second_comment(referral: Referral, kept: int) -> Payload:
    """Return the body of the comment in a ticket that is closed because the case has the ticket `kept` already."""
    said = f"This ticket was made a second time for {referral.reference}. It is closed; go on in ticket {kept}.\n"
    comment = {"Subject": second_subject(referral), "Content": said, "ContentType": "text/plain"}
    return Payload(body=orjson.dumps(comment), media_type="application/json")


def words_of(field: str) -> tuple[str, ...]:
    """Return what a ticket may show for the field, where that is a closed list of ours; empty for all others."""
    annotation = Referral.model_fields[field].annotation
    closed = [kind for kind in get_args(annotation) if isinstance(kind, type) and issubclass(kind, StrEnum)]
    return tuple(word.value for kind in closed for word in kind)


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


def said_query(number: int, wanted: str) -> str:
    """Return the TransactionSQL that finds in a ticket what was said with the subject `wanted`, one of ours."""
    return f"ObjectType = 'RT::Ticket' AND ObjectId = {number} AND Subject = '{wanted}'"


def moves_query(numbers: Iterable[int]) -> str:
    """Return the TransactionSQL that finds every change of queue of these tickets."""
    return f"ObjectType = 'RT::Ticket' AND Type = 'Set' AND Field = 'Queue' AND ({_any_of(numbers)})"


def doings_query(numbers: Iterable[int]) -> str:
    """Return the TransactionSQL that finds every change of status of these tickets, and what was said in them."""
    kinds = "Type = 'Status' OR Type = 'Comment' OR Type = 'Correspond'"
    return f"ObjectType = 'RT::Ticket' AND ({kinds}) AND ({_any_of(numbers)})"


def _any_of(numbers: Iterable[int]) -> str:
    return " OR ".join(f"ObjectId = {number}" for number in numbers)


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


def _spoken(referral: Referral) -> list[str]:
    """Return a notice's lines: its sentence, how bad the case is, and where to look; none without a notice."""
    if referral.notice is None:
        return []
    texts = _texts(referral)
    return [notices.said(referral), *_labelled({f: texts[f] for f in ("severity", "link") if f in texts})]


def _labelled(texts: Mapping[str, str]) -> list[str]:
    return [f"{name.replace('_', ' ').capitalize()}: {text}" for name, text in texts.items() if name not in _SPOKEN]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _texts(referral: Referral) -> dict[str, str]:
    """Return each field that is set, as one line of text, in the model's order; `revision` says nothing to people."""
    values = {name: getattr(referral, name) for name in Referral.model_fields if name != "revision"}
    return {name: _text(name, value) for name, value in values.items() if value not in (None, ())}


def _text(field: str, value: Any) -> str:
    if isinstance(value, datetime):
        return notices.moment(value)
    if isinstance(value, tuple):
        return ", ".join(_text(field, item) for item in value)
    if isinstance(value, FileHash):
        return f"{value.algorithm}:{value.value}"
    if field == "url":  # must not become something to click on
        return str(value).replace("://", "[:]//", 1)
    return str(value)
