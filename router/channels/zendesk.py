"""Zendesk Support: one ticket for each case; what comes later about it is an internal comment there.

Pure: the calls' exact bodies, and what must read back. Whatever leaves `public` out is public in Zendesk, and the first
comment decides for those after it, so each says it. No requester is ever set: ours is the only account that Zendesk
would write to. It takes custom fields it does not know and drops them, so the worker compares.
"""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from router.channels import desk, notices, wording
from router.channels.account import Account
from router.channels.desk import Desk
from router.channels.hooks import Clock, Encoding, Scheme
from router.channels.setting import ReferralField
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Proven, Severity

KIND: Final = "zendesk"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED
HOOK: Final = Scheme(
    signature="X-Zendesk-Webhook-Signature",
    encoding=Encoding.BASE64,
    signed="{timestamp}{body}",
    timestamp="X-Zendesk-Webhook-Signature-Timestamp",
    clock=Clock.ISO,
    ticket="/id",
)
"""A webhook behind a trigger whose JSON body is `{"id": "{{ticket.id}}"}` and nothing more."""

PRIORITIES: Final[Mapping[Severity, str]] = MappingProxyType(
    {Severity.LOW: "low", Severity.MEDIUM: "normal", Severity.HIGH: "high", Severity.CRITICAL: "urgent"}
)

ZendeskId = Annotated[int, Field(strict=True, ge=1, lt=2**53)]
"""A group's or ticket field's number, as it stands at the end of its page's address in the Admin Center."""


def _apart(numbers: Mapping[str, int]) -> Mapping[str, int]:
    if "reference" in numbers:
        raise PydanticCustomError("no_effect", "the reference stands in the ticket's external_id: leave it out here")
    return desk.each_apart(numbers)


def _none() -> Mapping[str, int]:
    return MappingProxyType({})


class Settings(Account, Desk):
    """What `channels.yaml` says for Zendesk: `url` is https://yours.zendesk.com.

    `account` is the agent's address and `/token`, with an API token; left out, the token is one of OAuth.
    """

    group: ZendeskId
    """Where tickets are created: another desk's group in the same Zendesk gets a ticket of its own."""
    custom_fields: Annotated[Mapping[ReferralField, ZendeskId], AfterValidator(_apart)] = Field(default_factory=_none)
    """Our fields, and the numbers of the ticket fields that hold them there."""
    recall_group: ZendeskId | None = None
    """Where a withdrawn ticket goes: a group that few people are in."""
    taken_over_group: ZendeskId | None = None
    """Where a ticket goes that a concern came out of: a group that few people are in. Left out: it stays."""

    @model_validator(mode="after")
    def _recall_elsewhere(self) -> Self:
        if self.recall_group is not None and self.recall_group == self.group:
            raise PydanticCustomError("same_place", "recall_group must be another group than 'group'")
        return self


fields_named = desk.fields_named
fields_shown = desk.fields_shown
search_lag_s = desk.search_lag_s


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its ticket would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.group}"


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the body of the call: a comment's for what is said of a case that has a ticket, else a new ticket's."""
    if not wording.is_note(referral):
        return ticket(settings, referral)
    return note(wording.title(referral), wording.note(referral))


def note(title: str, text: str) -> Payload:
    """Return the body of an update that says something to staff alone; its first line is the title."""
    return _body({"comment": _said(f"{title}\n\n{text}")})


def ticket(settings: Settings, referral: Referral) -> Payload:
    """Return the create call's body; the subject says the reference and nothing of the matter."""
    texts = wording.values(referral)
    made: dict[str, Any] = {
        "subject": wording.title(referral),
        "comment": _said(wording.text(referral, settings.text)),
        "external_id": referral.reference,
        "group_id": settings.group,
    }
    if referral.severity is not None:
        made["priority"] = PRIORITIES[referral.severity]
    made["custom_fields"] = [
        {"id": number, "value": texts[field]} for field, number in settings.custom_fields.items() if field in texts
    ]
    return _body(made)


def follow_up(settings: Settings, of: str, reference: str, said: Payload) -> Payload:
    """Return the body that makes a ticket for a note, where the case's ticket `of` is closed for good."""
    comment = orjson.loads(said.body)["ticket"]["comment"]
    subject = notices.title(Referral(reference=reference))
    ticket = {"external_id": reference, "group_id": settings.group, "via_followup_source_id": int(of)}
    return _body({"subject": subject, "comment": comment, **ticket})


def is_about(said: Payload, reference: str) -> bool:
    """Say whether a note's title begins with the reference."""
    body = orjson.loads(said.body)["ticket"]["comment"]["body"]
    return first_line(body).split(" ", 1)[0] == reference


def idempotency_key(payload: Payload) -> str:
    """Return the same for the same ticket: Zendesk refuses a key that came with another body before."""
    return sha256(payload.body).hexdigest()


def fill(numbers: Mapping[int, str]) -> Payload:
    """Return the body that fills ticket fields."""
    return _body({"custom_fields": _values(numbers)})


def withdrawal(settings: Settings, *, solve: bool) -> Payload:
    """Return the body that empties our ticket fields, closes the ticket and puts it apart, in one update."""
    made: dict[str, Any] = {"custom_fields": _values(dict.fromkeys(settings.custom_fields.values()))}
    if solve:
        made["status"] = "solved"
    if settings.recall_group is not None:
        made["group_id"] = settings.recall_group
    return _body(made)


def change(**wanted: str | int) -> Payload:
    """Return the body that changes what is named, and nothing else."""
    return _body(wanted)


def expected(payload: Payload) -> Mapping[int, str]:
    """Return the ticket fields, by number, that a ticket made of `payload` must show when read back."""
    listed = orjson.loads(payload.body)["ticket"].get("custom_fields", ())
    return MappingProxyType({field["id"]: field["value"] for field in listed})


def shown(ticket: Mapping[str, Any]) -> Mapping[int, str]:
    """Return the ticket fields that have a value, by number."""
    listed = ticket.get("custom_fields")
    fields = [field for field in (listed if isinstance(listed, list) else []) if isinstance(field, dict)]
    return {field.get("id", 0): str(field["value"]) for field in fields if field.get("value") not in (None, "")}


def first_line(text: object) -> str:
    """Return the first line of a comment: the title, if it is one of ours."""
    return str(text or "").split("\n", 1)[0].strip()


def _said(text: str) -> dict[str, Any]:
    return {"body": text, "public": False}


def _values(numbers: Mapping[int, str | None]) -> list[dict[str, Any]]:
    return [{"id": number, "value": value} for number, value in numbers.items()]


def _body(ticket: Mapping[str, Any]) -> Payload:
    return Payload(body=orjson.dumps({"ticket": ticket}), media_type="application/json")
