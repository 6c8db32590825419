"""Redmine 5, REST: one private issue for each case; what comes later about it is a private note there.

Pure: the calls' exact bodies, the queries that find an issue again, and what must read back. An issue and a note are
public in Redmine unless each says otherwise, so each does. Redmine drops what it does not know or what we may not
set, and still answers 201 or 204; a filter that it does not know it ignores, and shows every issue. So the worker
compares. No watcher is ever set. Redmine knows projects by name, and all else by number.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.channels import desk, wording
from router.channels.desk import Desk
from router.channels.setting import ReferralField, SecretReference
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Proven, Severity

KIND: Final = "redmine"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED
PER_PAGE: Final = 50
"""Issues that a search shows at once; Redmine shows the whole of each, and at most 100."""

RedmineId = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
"""A number that Redmine gave to something: it stands at the end of its page's address in the administration."""
Project = Annotated[str, StringConstraints(pattern=r"^[0-9]*[a-z_-][a-z0-9_-]*$", max_length=100)]
"""A project's identifier, as it stands in its address: never a number alone."""


def _all_severities(numbers: Mapping[Severity, int]) -> Mapping[Severity, int]:
    if set(numbers) != set(Severity):
        raise PydanticCustomError("odd_value", "priorities must map each severity: low, medium, high and critical")
    return MappingProxyType(dict(numbers))


class Settings(Desk):
    """What `channels.yaml` says for Redmine: `url` is the address that `/issues` follows."""

    key: SecretReference
    """Where the API access key of our account stands."""
    project: Project
    """Where issues are created: another desk's project in the same Redmine gets an issue of its own."""
    tracker: RedmineId
    """The tracker of our issues."""
    custom_fields: Annotated[Mapping[ReferralField, RedmineId], AfterValidator(desk.with_reference)]
    """Our fields, and the numbers of the custom fields that hold them there."""
    priorities: Annotated[Mapping[Severity, RedmineId], AfterValidator(_all_severities)] | None = None
    """The number of the priority for each severity; left out: Redmine's default, whatever the severity."""
    assigned_to: RedmineId | None = None
    """The number of the group or user that a new issue is assigned to; left out: nobody."""
    closed_as: RedmineId | None = None
    """The state that an issue is closed with; left out: the first closing one that its workflow allows."""
    recall_project: Project | None = None
    """Where a withdrawn issue goes: a project that few people may see, with the custom field of the reference."""
    taken_over_project: Project | None = None
    """Where an issue goes that a concern came out of: a project that few people may see. Left out: it stays."""

    @model_validator(mode="after")
    def _recall_elsewhere(self) -> Self:
        if self.recall_project is not None and self.recall_project == self.project:
            raise PydanticCustomError("same_place", "recall_project must be another project than 'project'")
        return self


fields_named = desk.fields_named
fields_shown = desk.fields_shown
search_lag_s = desk.search_lag_s


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: its issue would be taken for this channel's."""
    return f"{settings.url.rstrip('/')} {settings.project}"


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the body of the call: a note's for what is said of a case that has an issue, else a new issue's."""
    if not wording.is_note(referral):
        return ticket(settings, referral)
    return note(wording.title(referral), wording.note(referral))


def note(title: str, text: str) -> Payload:
    """Return the body of a change that says something to staff alone; its first line is the title.

    Nothing else is in it: Redmine would make a second, public entry of a change of state that comes along.
    """
    return body(notes=f"{title}\n\n{text}", private_notes=True)


def ticket(settings: Settings, referral: Referral) -> Payload:
    """Return the create call's body; the subject says the reference and nothing of the matter.

    Its project stands in the call's address: there Redmine says that we may not, and here that it cannot be blank.
    """
    texts = wording.values(referral)
    made: dict[str, Any] = {
        "tracker_id": settings.tracker,
        "subject": wording.title(referral),
        "description": wording.text(referral, settings.text),
        "is_private": True,
    }
    if referral.severity is not None and settings.priorities is not None:
        made["priority_id"] = settings.priorities[referral.severity]
    if settings.assigned_to is not None:
        made["assigned_to_id"] = settings.assigned_to
    ours = settings.custom_fields.items()
    return body(**made, custom_fields=_values({number: texts[field] for field, number in ours if field in texts}))


def fill(numbers: Mapping[int, str]) -> Payload:
    """Return the body that fills custom fields."""
    return body(custom_fields=_values(numbers))


def withdrawal(settings: Settings) -> Payload:
    """Return the body that empties an issue's description and our custom fields, all but the reference."""
    emptied = {number: "" for field, number in settings.custom_fields.items() if field != "reference"}
    return body(description="", custom_fields=_values(emptied))


def body(**wanted: Any) -> Payload:
    """Return the body that asks for this of an issue, and for nothing else."""
    return Payload(body=orjson.dumps({"issue": wanted}), media_type="application/json")


def find_query(settings: Settings, reference: str) -> Mapping[str, str]:
    """Return what finds the issues of `reference`, closed ones and those in other projects included."""
    named = {f"cf_{settings.custom_fields['reference']}": reference}
    return {**named, "status_id": "*", "sort": "id:desc", "limit": str(PER_PAGE)}


def newest_query(settings: Settings) -> Mapping[str, str]:
    """Return what finds the newest issue of our tracker in the project, whosoever."""
    ours = {"project_id": settings.project, "tracker_id": str(settings.tracker), "status_id": "*"}
    return {**ours, "sort": "id:desc", "limit": "1"}


def changed_query(project: int, since: datetime, offset: int) -> Mapping[str, str]:
    """Return what finds the issues that our account made and that changed since then, the longest ago first."""
    at = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ours = {"project_id": str(project), "author_id": "me", "status_id": "*", "updated_on": f">={at}"}
    return {**ours, "sort": "updated_on,id", "offset": str(offset), "limit": str(PER_PAGE)}


def is_of(settings: Settings, reference: str, issue: Mapping[str, Any]) -> bool:
    """Say whether the issue shows the reference itself, whatever the search took it for."""
    return filled(issue).get(settings.custom_fields["reference"]) == reference


def missing(payload: Payload, issue: Mapping[str, Any]) -> Mapping[int, str]:
    """Return what `issue` has no value for of the custom fields sent, by number."""
    there = filled(issue)
    return {number: value for number, value in _sent(payload).items() if number not in there}


def reads_back(payload: Payload, issue: Mapping[str, Any]) -> bool:
    """Say whether `issue` shows the custom fields as sent, and to nobody but staff."""
    there = filled(issue)
    private = issue.get("is_private") is True
    return private and all(there.get(number) == value for number, value in _sent(payload).items())


def still_filled(settings: Settings, issue: Mapping[str, Any]) -> bool:
    """Say whether a withdrawn issue still shows its description, or a value of a field but the reference."""
    ours = {number for field, number in settings.custom_fields.items() if field != "reference"}
    return bool(issue.get("description")) or not ours.isdisjoint(filled(issue))


def filled(issue: Mapping[str, Any]) -> Mapping[int, Any]:
    """Return an issue's custom fields that have a value, by number; of several values the list."""
    listed = issue.get("custom_fields")
    fields = [field for field in (listed if isinstance(listed, list) else []) if isinstance(field, dict)]
    return {field.get("id", 0): field.get("value") for field in fields if field.get("value") not in (None, "", [])}


def _sent(payload: Payload) -> Mapping[int, str]:
    return {field["id"]: field["value"] for field in orjson.loads(payload.body)["issue"].get("custom_fields", ())}


def _values(numbers: Mapping[int, str]) -> list[dict[str, Any]]:
    return [{"id": number, "value": value} for number, value in numbers.items()]
