"""ServiceNow, Table API: one record for each case; what is known of it, and what comes later, is a work note.

Pure: the calls' exact bodies, the queries, and what must read back. Short description, description and comments are
shown to the caller, so the first is the neutral title, the other two are never written, and there is no caller. The
record is marked as this desk's in `correlation_display`, wherever staff put it since.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import AfterValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router import clock
from router.channels import desk, wording
from router.channels.account import Account
from router.channels.desk import Desk
from router.channels.hooks import Encoding, Scheme
from router.channels.setting import ReferralField
from router.errors import Declined
from router.model import Frozen, Payload, Referral
from router.vocabulary import Guarantee, Proven, Severity

KIND: Final = "servicenow"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED
HOOK: Final = Scheme(
    signature="X-Concern-Signature",
    encoding=Encoding.BASE64,
    signed="{timestamp}.{body}",
    timestamp="X-Concern-Timestamp",
    ticket="/sys_id",
)
"""ServiceNow has no hooks of its own: this is what a business rule sends; see docs/helpdesk/status.md."""

IMPACT_AND_URGENCY: Final[Mapping[Severity, tuple[str, str]]] = MappingProxyType(
    {
        Severity.LOW: ("2", "3"),
        Severity.MEDIUM: ("2", "2"),
        Severity.HIGH: ("1", "2"),
        Severity.CRITICAL: ("1", "1"),
    }
)
"""Priorities 4 to 1: ServiceNow works them out from these two, and takes no priority itself."""
OURS: Final = frozenset(
    {
        *("sys_id", "number", "short_description", "description", "work_notes", "comments", "comments_and_work_notes"),
        *("correlation_id", "correlation_display", "assignment_group", "assigned_to", "impact", "urgency", "priority"),
        *("state", "incident_state", "active", "close_code", "close_notes", "caller_id", "opened_by", "opened_for"),
        *("watch_list", "work_notes_list", "additional_assignee_list", "contact", "requested_for"),
    }
)
"""What we write ourselves, what the caller sees, and what makes somebody a caller or has them mailed."""
_SAFE: Final = re.compile(r"[A-Za-z0-9_ -]{1,80}")
"""A value that cannot end a condition: `^` begins the next one."""
_CODE: Final = re.compile(r"\[(/?code)", re.IGNORECASE)

SysId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
Choice = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,100}$")]
State = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,4}$")]


def _own(fields: Mapping[str, str]) -> Mapping[str, str]:
    if "reference" in fields:
        raise PydanticCustomError("no_effect", "the reference stands in correlation_id; leave it out here")
    if len(set(fields.values())) < len(fields) or OURS & set(fields.values()):
        raise PydanticCustomError(
            "mapped_twice", "custom_fields must not map two fields to one, nor any to one that has its own use"
        )
    return MappingProxyType(dict(fields))


def _plain(fields: Mapping[str, str]) -> Mapping[str, str]:
    if OURS & set(fields):
        raise PydanticCustomError("mapped_twice", "fixed must not set a field that has its own use, or a caller")
    return MappingProxyType(dict(fields))


class States(Frozen):
    """Numbers of the states, as the table has them; those of an incident if left out."""

    new: State = "1"
    """What a record is that nobody took."""
    open: State = "2"
    """What one becomes that is opened again."""
    resolved: State = "6"
    """What one becomes that nobody shall work on."""
    closed: tuple[State, ...] = ("6", "7", "8")
    """In which nobody works on it: resolved, closed, canceled."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.resolved not in self.closed or {self.new, self.open} & set(self.closed):
            raise PydanticCustomError("odd_states", "resolved must be among closed, and new and open must not")
        return self


class Settings(Account, Desk):
    """What `channels.yaml` says for ServiceNow: `url` is the instance; `token` the account's password, or a token."""

    api_key: bool = False
    """Whether `token` is an API key, sent as x-sn-apikey."""
    table: TableName = "incident"
    """Where records are made: a table that extends task."""
    group: SysId
    """The sys_id of the group that records are assigned to, and by which they are known as this desk's."""
    custom_fields: Annotated[Mapping[ReferralField, FieldName], AfterValidator(_own)]
    """Our fields, and the names of the columns (text) that hold them there; the reference is in correlation_id."""
    fixed: Annotated[Mapping[FieldName, Choice], AfterValidator(_plain)] | None = None
    """What is set in each record, such as a category that the table demands."""
    states: States = States()
    """What the states are called."""
    close_code: Choice = "Solution provided"
    """What closing a record demands, besides notes."""
    recall_group: SysId | None = None
    """The group that a withdrawn record is assigned to, so that few people see it."""
    taken_over_group: SysId | None = None
    """The group that a record is assigned to that a concern came out of. Left out: it stays."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.api_key and self.account is not None:
            raise PydanticCustomError("no_effect", "an API key needs no account")
        if self.group in {self.recall_group, self.taken_over_group}:
            raise PydanticCustomError("same_place", "recall_group and taken_over_group must be others than 'group'")
        if self.fixed is not None and set(self.fixed) & set(self.custom_fields.values()):
            raise PydanticCustomError("mapped_twice", "fixed must not set what custom_fields maps")
        return self


fields_named = desk.fields_named
fields_shown = desk.fields_shown
search_lag_s = desk.search_lag_s


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its record would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.table} {settings.group}"


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return a work note's body for what is said of a case that has a record, else a new record's."""
    if not wording.is_note(referral):
        return ticket(settings, referral)
    return note(wording.title(referral), wording.note(referral))


def note(title: str, text: str) -> Payload:
    """Return the body of a work note, which only staff can read; its first line is the title."""
    return Payload(orjson.dumps({"work_notes": _worded(title, text)}), "application/json")


def ticket(settings: Settings, referral: Referral) -> Payload:
    """Return the create call's body; one call, so nothing of it can be missing but what ServiceNow drops."""
    texts = wording.values(referral)
    made = {
        **(settings.fixed or {}),
        "short_description": wording.title(referral),
        "correlation_id": referral.reference,
        "correlation_display": mark(settings),
        "assignment_group": settings.group,
        "work_notes": _worded(wording.title(referral), wording.text(referral, settings.text)),
        **{name: texts[field] for field, name in settings.custom_fields.items() if field in texts},
    }
    if referral.severity is not None:
        made["impact"], made["urgency"] = IMPACT_AND_URGENCY[referral.severity]
    return Payload(orjson.dumps(made), "application/json")


def mark(settings: Settings) -> str:
    """Return what marks a record as made at this desk."""
    return f"concern-router {settings.group}"


def closing(settings: Settings) -> Mapping[str, str]:
    """Return what closes a record: state, code and notes, which the default data policy demands together."""
    said = {"close_code": settings.close_code, "close_notes": "See the work notes."}
    return MappingProxyType({"state": settings.states.resolved, **said})


def withdrawal(settings: Settings) -> Mapping[str, str]:
    """Return the columns that are emptied when a record is withdrawn: all of ours but the reference."""
    return MappingProxyType(dict.fromkeys(settings.custom_fields.values(), ""))


def find_query(settings: Settings, reference: str) -> str:
    """Return the encoded query that finds the records of `reference` that were made at this desk.

    A condition on a column that does not exist is left out, and all records come: so each hit must show both.
    """
    return "^".join((condition("correlation_id", reference), condition("correlation_display", mark(settings))))


def number_query(number: str) -> str:
    """Return the encoded query that finds a record by the number that staff call it."""
    return condition("number", number)


def changed_query(settings: Settings, since: datetime) -> str:
    """Return the encoded query that finds the desk's records that changed since then, the longest ago first.

    By minutes ago: a moment would be read in a time zone of theirs.
    """
    minutes = max(1, int((clock.now() - since).total_seconds() // 60) + 1)
    recent = f"sys_updated_onRELATIVEGE@minute@ago@{minutes}"
    return "^".join((condition("correlation_display", mark(settings)), recent, "ORDERBYsys_updated_on"))


def condition(column: str, value: str) -> str:
    """Return one condition; raises Declined `unsafe_query` when the value could become another."""
    if not _SAFE.fullmatch(value):
        raise Declined("unsafe_query")
    return f"{column}={value}"


def asked(settings: Settings) -> tuple[str, ...]:
    """Return the columns that are read of a record, its work notes left out."""
    ours = (*settings.custom_fields.values(), *(settings.fixed or ()))
    known = ("sys_id", "number", "short_description", "correlation_id", "correlation_display", "assignment_group")
    return (*known, "assigned_to", "state", "impact", "urgency", "sys_created_by", "sys_updated_by", *ours)


def sent(payload: Payload) -> Mapping[str, str]:
    """Return what a record made of `payload` must show when read back, its work note left out."""
    made: dict[str, str] = orjson.loads(payload.body)
    return MappingProxyType({name: value for name, value in made.items() if name != "work_notes"})


def title_of(payload: Payload) -> str:
    """Return the first line of the payload's work note."""
    return str(orjson.loads(payload.body)["work_notes"]).partition("\n")[0]


def says(journal: str, title: str) -> bool:
    """Say whether a line of the work notes, as they are shown, is the title."""
    return title in journal.splitlines()


def unfilled(payload: Payload, shown: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what a record has no value for of what was sent; what staff changed since stays theirs."""
    return MappingProxyType({name: value for name, value in sent(payload).items() if not shown.get(name)})


def still_filled(settings: Settings, shown: Mapping[str, Any]) -> bool:
    """Say whether a withdrawn record still shows a value in one of our columns."""
    return any(shown.get(name) for name in withdrawal(settings))


def _worded(title: str, text: str) -> str:
    """Return a work note; `[code]` would be shown as HTML, so it is written apart."""
    plain = _CODE.sub(r"[ \1", text)
    return f"{title}\n\n{plain}"
