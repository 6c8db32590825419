"""Whether Redmine is as `channels.yaml` has it: account, project, tracker, custom fields, rights, numbers.

Changes nothing over there, and says nothing that Redmine said: a finding has our own code and our own name for it.

What Redmine shows to administrators alone is seen at the first send, best at a drill's: whether a custom field's list
has our words, and, in a project without an issue of our tracker, whether the field is there at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from router.channels import redmine
from router.errors import Declined, TryLater
from router.model import Finding
from workers.channels.findings import findings
from workers.channels.redmine.issues import RedmineIssues, issues_in, objects

RIGHTS: Final = (
    frozenset({"view_issues"}),
    frozenset({"add_issues"}),
    frozenset({"edit_issues", "edit_own_issues"}),
    frozenset({"set_issues_private", "set_own_issues_private"}),
    frozenset({"add_issue_notes"}),
    frozenset({"set_notes_private"}),
    frozenset({"view_private_notes"}),
)
"""Permissions that our account needs in the project: one of each."""
NO_REFERENCE: Final = "CR-0000-0000-0000"
"""Asked for where nothing should be found."""


def check(issues: RedmineIssues, settings: redmine.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first; empty is good. Raises TryLater when Redmine does not say now."""
    account = _account(issues, until)
    if isinstance(account, tuple):
        return account
    project = _project(issues, settings.project, until)
    if project is None:
        return (Finding("project_missing", settings.project),)
    return (
        *_of_rights(issues, account, project, until),
        *_of_tracker(project, settings),
        *_of_fields(issues, settings, until),
        *_of_filter(issues, settings, until),
        *_of_numbers(issues, settings, until),
        *_elsewhere(issues, settings, until),
    )


def _account(issues: RedmineIssues, until: float) -> Mapping[str, Any] | tuple[Finding, ...]:
    """Return what Redmine shows of our account, or what is wrong with its key or with the way there."""
    if secrets := findings(lambda: issues.key(until), "key"):
        return secrets
    there: list[Mapping[str, Any]] = []
    ours = ("/users/current", "user", until)
    try:
        if unreached := findings(
            lambda: there.append(issues.object(*ours, asked="include=memberships")), "url", issues.wrong_file
        ):
            return tuple(replace(one, named="key") if one.code == "not_authorised" else one for one in unreached)
    except Declined:
        return (Finding("not_redmine", "url"),)
    except TryLater as later:
        if later.code in {"http_404", "odd_reply"}:
            return (Finding("not_redmine", "url"),)
        raise
    return there[0]


def _project(issues: RedmineIssues, name: str, until: float) -> Mapping[str, Any] | None:
    """Return the project with its trackers; None when our account does not see it."""
    asked = "include=trackers"
    try:
        return issues.object(f"/projects/{quote(name, safe='')}", "project", until, asked=asked)
    except TryLater as later:
        if later.code in {"not_authorised", "http_404"}:
            return None
        raise


def _of_rights(
    issues: RedmineIssues, account: Mapping[str, Any], project: Mapping[str, Any], until: float
) -> Iterator[Finding]:
    """Tell which permissions our account has in none of its roles in the project; an administrator has all."""
    if account.get("admin") is True:
        return
    memberships = objects(account, "memberships")
    ours = [one for one in memberships if _number(one.get("project")) == project.get("id")]
    numbers = {_number(role) for one in ours for role in objects(one, "roles")}
    has: set[str] = set()
    for number in sorted(numbers):
        permissions = issues.object(f"/roles/{number}", "role", until).get("permissions")
        has.update(str(one) for one in permissions or () if isinstance(permissions, list))
    for one_of in RIGHTS:
        if one_of.isdisjoint(has):
            yield Finding("right_missing", max(one_of, key=lambda right: ("_own_" not in right, right)))


def _of_tracker(project: Mapping[str, Any], settings: redmine.Settings) -> Iterator[Finding]:
    if settings.tracker not in _numbers(project, "trackers"):
        yield Finding("tracker_missing", str(settings.tracker))


def _of_fields(issues: RedmineIssues, settings: redmine.Settings, until: float) -> Iterator[Finding]:
    """Tell which fields the newest issue does not show: each shows all that it could have, empty ones too."""
    for issue in issues_in(issues.search(redmine.newest_query(settings), until))[:1]:
        for field, number in settings.custom_fields.items():
            if number not in _numbers(issue, "custom_fields"):
                yield Finding("field_missing", field)


def _of_filter(issues: RedmineIssues, settings: redmine.Settings, until: float) -> Iterator[Finding]:
    """Tell when a search by our reference shows what has another: Redmine ignores a filter that we may not use."""
    if issues.search(redmine.find_query(settings, NO_REFERENCE), until).get("total_count") != 0:
        yield Finding("no_filter", "reference")


def _of_numbers(issues: RedmineIssues, settings: redmine.Settings, until: float) -> Iterator[Finding]:
    if settings.priorities is not None:
        there = _numbers(issues.object("/enumerations/issue_priorities", "", until), "issue_priorities")
        for severity, number in settings.priorities.items():
            if number not in there:
                yield Finding("priority_missing", severity)
    if settings.closed_as is not None:
        states = objects(issues.object("/issue_statuses", "", until), "issue_statuses")
        if settings.closed_as not in {_number(one) for one in states if one.get("is_closed") is True}:
            yield Finding("state_missing", "closed_as")


def _elsewhere(issues: RedmineIssues, settings: redmine.Settings, until: float) -> Iterator[Finding]:
    """Tell of projects that issues are moved to later."""
    for project in (settings.recall_project, settings.taken_over_project):
        if project is not None and _project(issues, project, until) is None:
            yield Finding("project_missing", project)


def _numbers(shown: Mapping[str, Any], name: str) -> frozenset[int]:
    return frozenset(_number(one) for one in objects(shown, name))


def _number(shown: Any) -> int:
    """Return the number of what Redmine shows, 0 when it shows none."""
    number = shown.get("id") if isinstance(shown, dict) else None
    return number if isinstance(number, int) else 0
