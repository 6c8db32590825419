"""Stands in for Jira Service Management Cloud: one service desk, its portal, its late search. Not Jira.

Documented traps: the portal shows the form's fields; the platform's own comments are public; a comment must say whether
it is; text is found by words; new requests are found late; which transitions there are differs by state.
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Received
from tests.standins.standin import Call, NoteThere, StandIn, TicketThere, answer

TOKEN: Final = "jira-stand-in-token"
ACCOUNT: Final = "router@example.org"
US: Final = {"accountId": "acc-router", "accountType": "atlassian"}
ANN: Final = {"accountId": "acc-ann", "accountType": "atlassian"}
RULE: Final = {"accountId": "acc-rule", "accountType": "app"}
REFERENCE, CATEGORY, SEVERITY = "customfield_10050", "customfield_10060", "customfield_10061"
NAMES: Final = {"reference": REFERENCE, "category": CATEGORY, "severity": SEVERITY}
TEXT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
SELECT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:select"
STATES: Final = {"Waiting for support": "new", "In progress": "indeterminate", "Resolved": "done", "Canceled": "done"}
OFFERED: Final = {
    "Waiting for support": {"11": "In progress", "21": "Resolved", "22": "Canceled"},
    "In progress": {"31": "Resolved"},
    "Resolved": {"41": "Waiting for support"},
    "Canceled": {"51": "Waiting for support"},
}
TEXTS: Final = {"type": "string"}
CREATE: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["serviceDeskId", "requestTypeId", "requestFieldValues"],
    "properties": {
        "serviceDeskId": TEXTS,
        "requestTypeId": TEXTS,
        "requestFieldValues": {
            "type": "object",
            "required": ["summary"],
            "properties": {"summary": {"type": "string", "maxLength": 255}},
            "additionalProperties": TEXTS,
        },
        "raiseOnBehalfOf": TEXTS,
        "requestParticipants": {"type": "array", "items": TEXTS},
    },
}
VALUE: Final = {
    "anyOf": [
        {"type": ["string", "null"], "maxLength": 255},
        {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": {"value": TEXTS}},
        {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": {"id": TEXTS}},
    ]
}
EDIT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["fields"],
    "properties": {
        "fields": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "patternProperties": {"^customfield_[0-9]+$": VALUE},
            "properties": {
                "priority": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name"],
                    "properties": {"name": TEXTS},
                },
                "labels": {"type": "array", "items": {"type": "string", "pattern": r"^\S+$"}},
                "security": VALUE,
            },
        }
    },
}
COMMENT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["body", "public"],
    "properties": {"body": TEXTS, "public": {"type": "boolean"}},
}
MOVE: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["transition"],
    "properties": {
        "transition": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id"],
            "properties": {"id": TEXTS},
        },
        "fields": {"type": "object", "additionalProperties": False, "properties": {"resolution": {"type": "object"}}},
    },
}


@dataclass
class Issue:
    """A request, which is an issue of the project behind the desk."""

    number: int
    project: str
    fields: dict[str, Any]
    """Those of the form: the portal shows them to whoever raised it, and to those who share it."""
    hidden: dict[str, Any] = field(default_factory=dict)
    reporter: str = US["accountId"]
    creator: dict[str, str] = field(default_factory=lambda: dict(US))
    status: str = "Waiting for support"
    comments: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    unseen: int = 0

    @property
    def key(self) -> str:
        return f"{self.project}-{self.number}"


class StandInJira(StandIn):
    """One site with the projects SD (service desk 1, request type 10) and LEG (service desk 2)."""

    CALLS: ClassVar[tuple[Call, ...]] = (
        Call("GET", r"/rest/api/3/(myself|mypermissions|field|field/search|priority/search|search/jql)"),
        Call("GET", r"/rest/servicedeskapi/servicedesk/\d+(/requesttype/\d+(/field)?)?"),
        Call("GET", r"/rest/api/3/issue/[A-Z0-9-]+(/transitions|/changelog)?"),
        Call("GET", r"/rest/servicedeskapi/request/[A-Z0-9-]+/comment"),
        Call("POST", r"/rest/servicedeskapi/request", CREATE),
        Call("PUT", r"/rest/api/3/issue/[A-Z0-9-]+", EDIT),
        Call("POST", r"/rest/servicedeskapi/request/[A-Z0-9-]+/comment", COMMENT),
        Call("POST", r"/rest/api/3/issue/[A-Z0-9-]+/comment", {"type": "object"}),
        Call("POST", r"/rest/api/3/issue/[A-Z0-9-]+/transitions", MOVE),
    )

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.issues: list[Issue] = []
        self.form: dict[str, dict[str, Any]] = {"summary": {"required": True}, REFERENCE: {"required": True}}
        self.custom = {REFERENCE: TEXT, CATEGORY: TEXT, SEVERITY: SELECT, "customfield_10070": "team"}
        self.searchable = True
        """Company-managed fields are found by the fields' search; a team-managed project's are not."""
        self.rights = {"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"}
        self.rights.add("SERVICEDESK_AGENT")
        self.ignored: set[str] = set()
        """Fields that a rule of the site sets back, whatever an edit says."""
        self.resolution_asked = False
        """The screen of each closing asks for a resolution."""

    # What a test asks and does.

    def there(self) -> list[TicketThere]:
        return [self._there(issue) for issue in self.issues]

    def portal(self, number: str) -> list[str]:
        """Return every text that the portal, and the mail that it sends, show of the request."""
        issue = self._issue(number)
        public = [comment["body"] for comment in issue.comments if comment["public"]]
        shown = [issue.hidden[name] for name in self.form if name in issue.hidden]
        return [*map(str, issue.fields.values()), *map(str, shown), *public]

    def take(self, number: str) -> None:
        self.change(number, ANN, "assignee")

    def change(self, number: str, author: dict[str, str], what: str, **item: str) -> None:
        """Let somebody change a field, as the history shows it."""
        self._issue(number).changes.append(self._change(author, what, **item))

    def resolve(self, number: str) -> None:
        self._issue(number).status = "Resolved"
        self.change(number, ANN, "status")

    def move(self, number: str, project: str) -> str:
        """Let a person move the request to another project, and return its new key."""
        issue = self._issue(number)
        before, issue.project = issue.key, project
        issue.changes.append(self._change(ANN, "Key", fromString=before, toString=issue.key))
        return issue.key

    def copy(self, number: str) -> str:
        was = self._issue(number)
        twin = Issue(len(self.issues) + 1, was.project, dict(was.fields), dict(was.hidden))
        twin.comments = [dict(comment) for comment in was.comments]
        self.issues.append(twin)
        return twin.key

    def drop_field(self, name: str) -> None:
        del self.custom[NAMES[name]]

    def forget_account(self) -> None:
        self.token = "another"

    # What Jira does.

    def authorised(self, request: Received) -> bool:
        basic = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {basic}"

    def act(self, request: Received) -> Answer:
        parts = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        tail = parts.path.removeprefix("/rest/api/3/").removeprefix("/rest/servicedeskapi/")
        if tail == "request":
            return self._raise(request.json)
        if tail.startswith(("issue/", "request/")):
            return self._of_issue(request, parts.path, tail, asked)
        if tail.startswith("servicedesk/"):
            return self._of_desk(tail)
        if tail == "search/jql":
            return self._search(asked)
        return answer(200, self._listing(tail, parse_qs(parts.query)))

    def _listing(self, what: str, asked: dict[str, list[str]]) -> Any:
        if what == "field/search":
            wanted = [name for name in asked["id"] if name in self.custom and self.searchable]
            return {"values": [self._field(name) for name in wanted], "isLast": True}
        if what == "field":
            return [{"id": "summary", "custom": False}, *map(self._field, self.custom)]
        if what == "priority/search":
            names = ("Highest", "High", "Medium", "Low", "Lowest")
            return {"values": [{"name": name} for name in names], "isLast": True}
        if what == "mypermissions":
            rights = asked["permissions"][0].split(",")
            return {"permissions": {one: {"havePermission": one in self.rights} for one in rights}}
        return US

    def _raise(self, wanted: dict[str, Any]) -> Answer:
        values = dict(wanted["requestFieldValues"])
        missing = [name for name, made in self.form.items() if made.get("required") and name not in values]
        desks = {"1": "SD", "2": "LEG"}
        if missing or set(values) - set(self.form) or wanted["serviceDeskId"] not in desks:
            return answer(400, {"errorMessage": "Your request could not be created."})
        issue = Issue(len(self.issues) + 1, desks[wanted["serviceDeskId"]], values, {"priority": {"name": "Medium"}})
        issue.reporter = wanted.get("raiseOnBehalfOf", issue.reporter)
        issue.unseen = self.search_lag
        self.issues.append(issue)
        return answer(201, {"issueId": str(9000 + issue.number), "issueKey": issue.key, "summary": values["summary"]})

    def _of_issue(self, request: Received, path: str, tail: str, asked: dict[str, str]) -> Answer:
        key, _, what = tail.partition("/")[2].partition("/")
        found = [issue for issue in self.issues if self._known_as(issue, key)]
        if not found:
            return answer(404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]})
        issue = found[0]
        if what == "comment":
            return self._comment(request, issue, platform=path.startswith("/rest/api/"))
        if what == "transitions":
            return self._transition(request, issue)
        if what == "changelog":
            start, size = int(asked["startAt"]), min(int(asked["maxResults"]), 100)
            page = issue.changes[start : start + size]
            return answer(200, {"values": page, "isLast": start + size >= len(issue.changes)})
        if request.method == "PUT":
            return self._edit(request.json["fields"], issue)
        return answer(200, self._shown(issue))

    def _edit(self, wanted: dict[str, Any], issue: Issue) -> Answer:
        for name, value in wanted.items():
            if not name.startswith("customfield_"):
                continue
            if name not in self.custom:
                return answer(400, {"errors": {name: "It is not on the appropriate screen, or unknown."}})
            wants = {TEXT: str, SELECT: dict, "team": dict}[self.custom[name]]
            if value is not None and not isinstance(value, wants):
                return answer(400, {"errors": {name: "Operation value must be another type"}})
        for name, value in wanted.items():
            if name in self.ignored:
                continue
            (issue.fields if name in issue.fields else issue.hidden)[name] = value
        return Answer(204, b"")

    def _comment(self, request: Received, issue: Issue, *, platform: bool) -> Answer:
        if request.method == "GET":
            asked = {name: int(values[0]) for name, values in parse_qs(urlsplit(request.path).query).items()}
            start, size = asked.get("start", 0), min(asked.get("limit", 50), 100)
            page = issue.comments[start : start + size]
            return answer(200, {"values": page, "isLastPage": start + size >= len(issue.comments)})
        # A comment by the platform's call is public on a service desk's request.
        public = True if platform else request.json["public"]
        made = {"id": str(len(issue.comments)), "body": request.json["body"], "public": public, "author": dict(US)}
        issue.comments.append(made)
        return answer(201, made)

    def _transition(self, request: Received, issue: Issue) -> Answer:
        offered = OFFERED[issue.status]
        if request.method == "GET":
            return answer(200, {"transitions": [self._offer(number, to) for number, to in offered.items()]})
        to = offered.get(request.json["transition"]["id"])
        wants = self.resolution_asked and to is not None and STATES[to] == "done"
        if to is None or wants is not ("fields" in request.json):
            return answer(400, {"errorMessages": ["It is not a valid transition."]})
        issue.status = to
        issue.changes.append(self._change(US, "status"))
        return Answer(204, b"")

    def _offer(self, number: str, to: str) -> dict[str, Any]:
        asked = {"resolution": {"required": True}} if self.resolution_asked and STATES[to] == "done" else {}
        return {"id": number, "to": {"name": to, "statusCategory": {"key": STATES[to]}}, "fields": asked}

    def _of_desk(self, tail: str) -> Answer:
        if not re.fullmatch(r"servicedesk/1(/requesttype/10(/field)?)?", tail):
            return answer(404, {"errorMessage": "Not found"})
        if tail.endswith("/field"):
            fields = [{"fieldId": name, "required": False, "visible": True, **made} for name, made in self.form.items()]
            return answer(200, {"requestTypeFields": fields, "canRaiseOnBehalfOf": True})
        if "requesttype" in tail:
            return answer(200, {"id": "10", "serviceDeskId": "1", "canCreateRequest": True})
        return answer(200, {"id": "1", "projectId": "10001", "projectKey": "SD"})

    def _search(self, asked: dict[str, str]) -> Answer:
        jql = asked["jql"]
        phrase = re.fullmatch(r'cf\[10050\] ~ "\\"([A-Z0-9-]+)\\""', jql)
        recent = re.fullmatch(
            r'project = "SD" AND creator = currentUser\(\) AND updated >= "-\d+m" ORDER BY updated ASC', jql
        )
        if not (phrase or recent):
            return answer(400, {"errorMessages": ["Error in the JQL Query"]})
        shown = []
        for issue in self.issues:
            words = re.split(r"\W+", str(issue.fields.get(REFERENCE, "")))
            wanted = re.split(r"\W+", phrase[1]) if phrase else []
            fits = all(word in words for word in wanted) if phrase else issue.project == "SD"
            if issue.unseen:
                issue.unseen -= 1
            elif self.show_all or (fits and not self.foreign) or (self.foreign and not fits):
                shown.append(self._shown(issue, histories="changelog" in asked.get("expand", "")))
        start, most = int(asked.get("nextPageToken", "0")), int(asked["maxResults"])
        more = {"nextPageToken": str(start + most)} if len(shown) > start + most else {}
        return answer(200, {"issues": shown[start : start + most], "isLast": not more, **more})

    def _shown(self, issue: Issue, *, histories: bool = False) -> dict[str, Any]:
        status = {"name": issue.status, "statusCategory": {"key": STATES[issue.status]}}
        fields = {name: value for name, value in {**issue.fields, **issue.hidden}.items() if self._exists(name)}
        more = {"changelog": {"histories": issue.changes[::-1]}} if histories else {}
        return {
            "id": str(9000 + issue.number),
            "key": issue.key,
            "fields": {**fields, "status": status, "creator": issue.creator, "assignee": None},
            **more,
        }

    def _exists(self, name: str) -> bool:
        return not name.startswith("customfield_") or name in self.custom

    def _field(self, name: str) -> dict[str, Any]:
        return {"id": name, "custom": True, "schema": {"type": "any", "custom": self.custom[name]}}

    def _change(self, author: dict[str, str], what: str, **item: str) -> dict[str, Any]:
        at = sum(len(issue.changes) for issue in self.issues)
        return {
            "author": author,
            "created": f"2026-11-02T10:00:{at:02}.000+0000",
            "items": [{"field": what, **item}],
        }

    def _there(self, issue: Issue) -> TicketThere:
        hidden = [comment for comment in issue.comments if not comment["public"]]
        held = {**issue.fields, **issue.hidden}
        values = {ours: held.get(name) for ours, name in NAMES.items()}
        plain = {ours: value["value"] if isinstance(value, dict) else value for ours, value in values.items()}
        return TicketThere(
            number=issue.key,
            title=issue.fields["summary"],
            text=hidden[0]["body"] if hidden else "",
            text_internal="description" not in issue.fields and hidden[:1] == issue.comments[:1],
            fields={ours: str(value) for ours, value in plain.items() if value},
            notes=[NoteThere(comment["body"], not comment["public"]) for comment in issue.comments[1:]],
            closed=STATES[issue.status] == "done",
            requester=None if issue.reporter == US["accountId"] else issue.reporter,
        )

    def _issue(self, number: str) -> Issue:
        return next(issue for issue in self.issues if self._known_as(issue, number))

    @staticmethod
    def _known_as(issue: Issue, key: str) -> bool:
        """Say whether the request has that key, or had it before it was moved."""
        former = {item.get("fromString") for change in issue.changes for item in change["items"]}
        return key in {issue.key, *former}


def settings(there: StandIn) -> dict[str, Any]:
    """Return what `channels.yaml` says of the stand-in."""
    return {
        "url": there.url,
        "account": ACCOUNT,
        "token": "env:JIRA_TOKEN",
        "service_desk": 1,
        "request_type": 10,
        "custom_fields": NAMES,
        "selects": ["severity"],
        "search_lag": "2m",
    }
