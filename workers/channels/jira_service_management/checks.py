"""Whether Jira is as `channels.yaml` has it: account, service desk, request type, fields, priorities, rights.

Changes nothing over there, and says nothing that Jira said: a finding has our own code and our own name for it.

What Jira does not say beforehand shows at the first send, best at a drill's: whether each field stands on the screen
by which a request is edited, and whether a request can be closed from its first state in one step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from router.channels import jira_service_management as jira
from router.errors import Declined, TryLater
from router.model import Finding
from workers.channels.findings import findings
from workers.channels.jira_service_management.servicedesk import PLATFORM, JiraRequests
from workers.channels.ticketing.calls import as_object, objects

RIGHTS: Final = (
    *("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"),
    "SERVICEDESK_AGENT",  # internal comments are an agent's
)
TEXT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
SELECT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:select"


def check(requests: JiraRequests, settings: jira.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first; empty is good. Raises TryLater when Jira does not say now."""
    if account := _account(requests, until):
        return account
    desk = _shown(requests, requests.desk_path, until)
    if desk is None:
        return (Finding("queue_missing", str(settings.service_desk)),)
    form_path = f"{requests.desk_path}/requesttype/{settings.request_type}"
    kind = _shown(requests, form_path, until)
    form = _shown(requests, f"{form_path}/field", until)
    if kind is None or form is None:
        return (Finding("request_type_missing", str(settings.request_type)),)
    found = [*_of_rights(requests, until), *_of_form(objects(form.get("requestTypeFields")), settings)]
    if kind.get("canCreateRequest") is False:
        found.append(Finding("right_missing", "CREATE_ISSUES"))
    return tuple(dict.fromkeys((*found, *_of_fields(requests, settings, until), *_of_lists(requests, settings, until))))


def _account(requests: JiraRequests, until: float) -> tuple[Finding, ...]:
    """Return what is wrong with the token, or with the way to Jira."""
    there: list[Mapping[str, Any]] = []

    def ask() -> None:
        there.append(requests.calls.get(f"{PLATFORM}/myself", until))

    try:
        unreached = findings(ask, "url", requests.calls.wrong_file)
    except Declined:
        return (Finding("not_jira", "url"),)
    except TryLater as later:
        if later.code in {"http_404", "odd_reply"}:
            return (Finding("not_jira", "url"),)
        raise
    of_token = {"not_authorised", "secret_missing", "secret_malformed"}
    if unreached:
        return tuple(replace(one, named="token") if one.code in of_token else one for one in unreached)
    return () if "accountId" in there[0] else (Finding("not_jira", "url"),)


def _shown(requests: JiraRequests, path: str, until: float) -> Mapping[str, Any] | None:
    """Return what Jira shows there; None when it shows nothing to us."""
    try:
        return requests.calls.get(path, until)
    except TryLater as later:
        if later.code in {"not_authorised", "http_404"}:
            return None
        raise


def _of_rights(requests: JiraRequests, until: float) -> Iterator[Finding]:
    asked = {"projectKey": requests.project(until), "permissions": ",".join(RIGHTS)}
    rights = requests.calls.get(f"{PLATFORM}/mypermissions", until, **asked).get("permissions")
    for right in RIGHTS:
        held = rights.get(right) if isinstance(rights, dict) else None
        if not isinstance(held, dict) or held.get("havePermission") is not True:
            yield Finding("right_missing", right)


def _of_form(form: list[Mapping[str, Any]], settings: jira.Settings) -> Iterator[Finding]:
    """Tell what the request type's form asks for that we do not say there, or would show on the portal."""
    there = {str(field.get("fieldId")): field for field in form if field.get("visible") is not False}
    reference = settings.custom_fields["reference"]
    if reference not in there:
        yield Finding("field_not_asked_for", reference)
    for name, field in there.items():
        if name in settings.custom_fields.values() and name != reference:
            yield Finding("field_public", name)
        elif name not in {"summary", reference} and field.get("required") is True:
            yield Finding("field_required", "")


def _of_fields(requests: JiraRequests, settings: jira.Settings, until: float) -> Iterator[Finding]:
    names = [*settings.custom_fields.values(), *(() if settings.team is None else (settings.team.field,))]
    there = _fields(requests, names, until)
    for name in names:
        if there is not None and name not in there:
            yield Finding("field_missing", name)
    for field, name in settings.custom_fields.items():
        made = (there or {}).get(name, {}).get("schema")
        wanted = SELECT if field in settings.selects else TEXT
        if isinstance(made, dict) and made.get("custom") not in {None, wanted}:
            yield Finding("field_unfit", name)


def _fields(requests: JiraRequests, names: list[str], until: float) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the fields by id; None when Jira has too many to say whether one is missing.

    The search does not know the fields of projects that a team manages by itself; the list of all does.
    """
    searched = requests.calls.get(f"{PLATFORM}/field/search", until, type="custom", id=names, maxResults=len(names))
    there = {str(field.get("id")): field for field in objects(searched.get("values"))}
    if there.keys() >= set(names):
        return there
    try:
        listed = objects(requests.calls.read(f"{PLATFORM}/field", until).json())
    except TryLater as later:
        if later.code != "odd_reply":
            raise
        return None
    return {str(field.get("id")): field for field in listed}


def _of_lists(requests: JiraRequests, settings: jira.Settings, until: float) -> Iterator[Finding]:
    page = as_object(requests.calls.read(f"{PLATFORM}/priority/search", until, maxResults=100))
    names = {str(priority.get("name")) for priority in objects(page.get("values"))}
    if not set(settings.priorities.model_dump().values()) <= names:
        yield Finding("values_missing", "priorities")
