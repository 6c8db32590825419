"""Jira Service Management Cloud: one request for each case; what is known of it, and what comes later, is internal.

Pure: the calls' exact bodies, the queries, and what must read back. The portal and its mail show a request's summary
and every field of its form, so the form gets the neutral title and the reference alone; the other fields are set
afterwards, and all text goes into internal comments. The request is raised in nobody's name but our account's.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import AfterValidator, PositiveInt, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router import clock
from router.channels import desk, wording
from router.channels.account import Account
from router.channels.desk import Desk
from router.channels.hooks import Clock, Scheme
from router.channels.setting import ReferralField, Within
from router.model import Frozen, Payload, Referral
from router.vocabulary import Guarantee, Proven, Severity

KIND: Final = "jira_service_management"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED
HOOK: Final = Scheme(
    signature="X-Hub-Signature",
    prefix="sha256=",
    timestamp_at="/timestamp",
    clock=Clock.UNIX_MS,
    window="1h",
    delivery="X-Atlassian-Webhook-Identifier",
    ticket="/issue/key",
)
"""An administrator's webhook with a secret; those of apps are not signed so. Sent again for up to half an hour."""

SHOWN: Final = ("status", "project", "creator", "assignee", "priority", "labels")
"""What is read of a request, besides our own fields."""
TOO_LONG: Final = frozenset({"hashes", "url"})
"""May be longer than the 255 characters that a text field of one line takes."""
DONE: Final = "done"
"""Key of the category of each state in which nobody works on a request any more, whatever the state is called."""
_MARKUP: Final = re.compile(r"([\[{!])")

JiraName = Annotated[str, StringConstraints(pattern=r'^[^\x00-\x1f"\\]{1,80}$')]
CustomField = Annotated[str, StringConstraints(pattern=r"^customfield_[1-9][0-9]{0,8}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]


def _with_reference(fields: Mapping[str, str]) -> Mapping[str, str]:
    for field in sorted(TOO_LONG & set(fields)):
        raise PydanticCustomError(
            "too_long", "{field} can be too long for a field of one line; list it under 'text'", {"field": field}
        )
    return desk.with_reference(fields)


class Priorities(Frozen):
    """What each severity is called there."""

    low: JiraName = "Low"
    medium: JiraName = "Medium"
    high: JiraName = "High"
    critical: JiraName = "Highest"

    def of(self, severity: Severity) -> str:
        """Return the priority's name."""
        return str(getattr(self, severity.value))


class Team(Frozen):
    """The custom field that says whose request it is, and the team's id there."""

    field: CustomField
    id: Id


class Settings(Account, Desk):
    """What `channels.yaml` says for Jira: `url` is the site, or the API's address with the cloud's id."""

    service_desk: PositiveInt
    """Number of the service desk in which requests are made."""
    request_type: PositiveInt
    """Number of the request type: its form needs the summary and the field of the reference, and no other."""
    custom_fields: Annotated[Mapping[ReferralField, CustomField], AfterValidator(_with_reference)]
    """Our fields, and the ids of the fields that hold them there: text of one line, or see `selects`."""
    selects: tuple[ReferralField, ...] = ()
    """Which of them are lists to choose one value from."""
    priorities: Priorities = Priorities()
    """What each severity is called there."""
    labels: tuple[Label, ...] = ()
    """Set on each request; everybody on the site can see which labels there are."""
    team: Team | None = None
    """Whose request it is, where teams are told apart by a field."""
    closed_status: JiraName | None = None
    """The state that a request is closed with, if several are offered; left out: the first one offered."""
    resolution: JiraName | None = None
    """What a closing that asks for a resolution is given."""
    recall_level: Id | None = None
    """Id of the security level that a withdrawn request gets, so that few people see it; ours must be one of them."""
    taken_over_level: Id | None = None
    """Id of the security level that a request gets that a concern came out of. Left out: it stays as it is."""
    search_lag: Within = timedelta(minutes=2)
    """How long a new request may stay hidden from a search."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if set(self.selects) - set(self.custom_fields):
            raise PydanticCustomError("no_effect", "selects must name fields that custom_fields maps")
        if "reference" in self.selects:
            raise PydanticCustomError("no_effect", "the reference's field must be text of one line")
        if self.team is not None and self.team.field in self.custom_fields.values():
            raise PydanticCustomError("mapped_twice", "custom_fields must not map a field to the team's")
        return self


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes a request, in the order of the calls."""

    request: Mapping[str, Any]
    fields: Mapping[str, Any]
    """Set afterwards, because the portal shows all that is asked for when a request is made."""
    comment: Mapping[str, Any]


fields_named = desk.fields_named
fields_shown = desk.fields_shown
search_lag_s = desk.search_lag_s


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its request would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.service_desk}"


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return a comment's body for what is said of a case that has a request, else the bodies that make a request."""
    if not wording.is_note(referral):
        return ticket(settings, referral)
    return note(wording.title(referral), wording.note(referral))


def note(title: str, text: str) -> Payload:
    """Return the body of an internal comment, whose first line is the title."""
    return Payload(orjson.dumps(_comment(title, text)), "application/json")


def ticket(settings: Settings, referral: Referral) -> Payload:
    """Return the bodies of the three calls that make a request."""
    texts = wording.values(referral)
    reference = settings.custom_fields["reference"]
    request = {
        "serviceDeskId": str(settings.service_desk),
        "requestTypeId": str(settings.request_type),
        "requestFieldValues": {"summary": wording.title(referral), reference: referral.reference},
    }
    fields: dict[str, Any] = {
        name: {"value": texts[field]} if field in settings.selects else texts[field]
        for field, name in settings.custom_fields.items()
        if field in texts and field != "reference"
    }
    if referral.severity is not None:
        fields["priority"] = {"name": settings.priorities.of(referral.severity)}
    if settings.labels:
        fields["labels"] = list(settings.labels)
    if settings.team is not None:
        fields[settings.team.field] = {"id": settings.team.id}
    comment = _comment(wording.title(referral), wording.text(referral, settings.text))
    return Payload(orjson.dumps({"request": request, "fields": fields, "comment": comment}), "application/json")


def parts(payload: Payload) -> Parts:
    """Return the three calls' bodies."""
    return Parts(**orjson.loads(payload.body))


def withdrawal(settings: Settings) -> Mapping[str, None]:
    """Return the fields that are emptied when a request is withdrawn: all but the reference."""
    return MappingProxyType({name: None for field, name in settings.custom_fields.items() if field != "reference"})


def find_query(settings: Settings, reference: str) -> str:
    """Return the JQL that finds the requests of `reference` in all projects.

    Text fields are searched by words, so each hit must still show the reference itself.
    """
    quoted = reference.replace("\\", "").replace('"', "")
    return f'cf[{settings.custom_fields["reference"].removeprefix("customfield_")}] ~ "\\"{quoted}\\""'


def changed_query(project: str, since: datetime) -> str:
    """Return the JQL that finds what we made in the project and that changed since then, the longest ago first.

    By minutes ago: a moment would be read in the account's own time zone, and to the minute.
    """
    minutes = max(1, int((clock.now() - since).total_seconds() // 60) + 1)
    return f'project = "{project}" AND creator = currentUser() AND updated >= "-{minutes}m" ORDER BY updated ASC'


def asked(settings: Settings) -> tuple[str, ...]:
    """Return the fields that are read of a request."""
    ours = (*settings.custom_fields.values(), *(() if settings.team is None else (settings.team.field,)))
    return (*SHOWN, *ours, "security")


def unlike(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that a request does not show as sent; none is good."""
    return tuple(name for name, value in wanted.items() if not _holds(shown.get(name), value))


def unfilled(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a request has no value for of what was sent; what staff changed since stays theirs."""
    return MappingProxyType({name: value for name, value in wanted.items() if shown.get(name) in (None, "", [])})


def level(wanted: str) -> Mapping[str, Any]:
    """Return the field that says who may see a request at all, with the level of that id."""
    return {"security": {"id": wanted}}


def still_filled(settings: Settings, shown: Mapping[str, Any]) -> bool:
    """Say whether a withdrawn request still shows a value in one of our fields."""
    return any(shown.get(name) not in (None, "") for name in withdrawal(settings))


def step(settings: Settings, offered: Iterable[Mapping[str, Any]], *, done: bool) -> Mapping[str, Any] | None:
    """Return the body of the transition that closes a request, or opens it; None when its state offers none."""
    fitting = [one for one in offered if (_category(one) == DONE) is done]
    named = [one for one in fitting if done and _to(one).get("name") == settings.closed_status]
    for one in (*named, *fitting)[:1]:
        screen = one.get("fields")
        asks = done and settings.resolution is not None and isinstance(screen, dict) and "resolution" in screen
        given = {"fields": {"resolution": {"name": settings.resolution}}} if asks else {}
        return {"transition": {"id": str(one.get("id"))}, **given}
    return None


def _to(transition: Mapping[str, Any]) -> Mapping[str, Any]:
    to = transition.get("to")
    return to if isinstance(to, dict) else {}


def _category(transition: Mapping[str, Any]) -> str:
    category = _to(transition).get("statusCategory")
    return str(category.get("key")) if isinstance(category, dict) else ""


def _comment(title: str, text: str) -> dict[str, Any]:
    """Return an internal comment; what Jira would make a mention, link or picture of is escaped."""
    escaped = _MARKUP.sub(r"\\\1", text)
    return {"body": f"{title}\n\n{escaped}", "public": False}


def _holds(shown: Any, sent: Any) -> bool:
    """Say whether what is shown is what was sent, with or without more about it."""
    if isinstance(sent, dict):
        return isinstance(shown, dict) and all(_holds(shown.get(key), value) for key, value in sent.items())
    if isinstance(sent, list):
        return isinstance(shown, list) and all(item in shown for item in sent)
    return bool(shown == sent)
