"""The part of Redmine 5's REST interface that we use, with its traps. Not Redmine: tests/peers has the real one.

As seen on Redmine 5.0.4: a field or filter that it does not know, and what our account may not set, is ignored; without
`status_id=*` only open issues are shown; `is_private` and `private_notes` left out is public; a change is answered 204
with nothing, whether it was made or not.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from router import clock
from tests.loopback import Answer, Received
from tests.standins.standin import Call, NoteThere, StandIn, TicketThere, answer

KEY: Final = "0123456789abcdef0123456789abcdef01234567"
ROUTER, OFFICER = 5, 6
FIELDS: Final = {"reference": 1, "category": 2, "severity": 3}
SAFEGUARDING, ELSEWHERE = {"id": 1, "name": "Safeguarding"}, {"id": 2, "name": "Elsewhere"}
STATES: Final = [
    {"id": number, "name": name, "is_closed": closed}
    for number, name, closed in (
        (1, "New", False),
        (2, "In Progress", False),
        (5, "Closed", True),
        (6, "Rejected", True),
    )
]
RIGHTS: Final = ("add_issue_notes", "add_issues", "edit_issues", "set_issues_private", "set_notes_private")
_VALUES: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "value": {"type": "string"}},
        "required": ["id", "value"],
        "additionalProperties": False,
    },
}


def _issue(required: list[str], **properties: object) -> dict[str, Any]:
    inner = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": "object", "properties": {"issue": inner}, "required": ["issue"], "additionalProperties": False}


_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_CREATE: Final = _issue(
    ["tracker_id", "subject"],
    tracker_id=_NUMBER,
    subject={"type": "string", "minLength": 1, "maxLength": 255},
    description=_TEXT,
    is_private=_FLAG,
    priority_id=_NUMBER,
    assigned_to_id=_NUMBER,
    custom_fields=_VALUES,
)
_CHANGE: Final = _issue(
    [],
    project_id=_TEXT,
    description=_TEXT,
    is_private=_FLAG,
    status_id=_NUMBER,
    notes=_TEXT,
    private_notes=_FLAG,
    custom_fields=_VALUES,
)


class StandInRedmine(StandIn):
    """One Redmine with the projects safeguarding and elsewhere."""

    CALLS: ClassVar = (
        Call("GET", "/users/current.json"),
        Call("GET", "/projects/[a-z0-9_-]+.json"),
        Call("GET", "/roles/[0-9]+.json"),
        Call("GET", "/enumerations/issue_priorities.json"),
        Call("GET", "/issue_statuses.json"),
        Call("GET", "/issues.json"),
        Call("GET", "/issues/[0-9]+.json"),
        Call("POST", "/projects/[a-z0-9_-]+/issues.json", _CREATE),
        Call("PUT", "/issues/[0-9]+.json", _CHANGE),
    )

    def __init__(self) -> None:
        super().__init__()
        self.issues: list[dict[str, Any]] = []
        """As a GET of the issue shows them, with journals."""
        self.permissions = {*RIGHTS, "view_issues", "view_private_notes"}
        self.fields = dict(FIELDS)
        self.no_filters: set[int] = set()
        """Custom fields that are not used as a filter."""
        self.read_only: set[int] = set()
        """Custom fields that the workflow does not let us change: Redmine answers 204 and leaves them."""
        self.admin = False
        """Our account is an administrator, and a member of no project."""
        self.closing_states = [5, 6]
        """Those that our account may give by the workflow."""
        self._keys = {KEY}
        self._hidden: dict[int, int] = {}
        self._journals = count(1)
        self._now = clock.now().replace(microsecond=0)

    # What a test asks and does.

    def there(self) -> list[TicketThere]:
        return [self._seen(issue) for issue in self.issues]

    def take(self, number: str) -> None:
        issue = self._of(int(number))
        issue["assigned_to"] = {"id": OFFICER, "name": "officer"}
        self._journal(issue, OFFICER, assigned_to_id=None)

    def resolve(self, number: str) -> None:
        self.put(number, 5)

    def put(self, number: str, state: int, *, who: int = OFFICER) -> None:
        """Give the issue another state."""
        issue = self._of(int(number))
        before, issue["status"] = issue["status"]["id"], next(one for one in STATES if one["id"] == state)
        self._journal(issue, who, status_id=str(before))

    def move(self, number: str) -> None:
        """Put the issue into the project elsewhere."""
        self._move(self._of(int(number)), "elsewhere", OFFICER)

    def write(self, number: str, text: str, *, private: bool = False, who: int = OFFICER) -> None:
        """Say something in the issue."""
        self._journal(self._of(int(number)), who, notes=text, private_notes=private)

    def delete(self, number: str) -> None:
        self.issues.remove(self._of(int(number)))

    def copy(self, number: str) -> str:
        like = self._of(int(number))
        fields = [dict(field) for field in like["custom_fields"]]
        return str(self._add({**like, "custom_fields": fields, "status": STATES[0], "journals": []}))

    def drop_field(self, name: str) -> None:
        number = self.fields.pop(name)
        for issue in self.issues:
            issue["custom_fields"] = [field for field in issue["custom_fields"] if field["id"] != number]

    def forget_account(self) -> None:
        self._keys.clear()

    # What the REST interface does.

    def authorised(self, request: Received) -> bool:
        return request.headers.get("x-redmine-api-key") in self._keys

    def act(self, request: Received) -> Answer:
        address = urlsplit(request.path)
        match request.method, address.path.removesuffix(".json").strip("/").split("/"):
            case "GET", ["issues"]:
                return self._search({name: values[-1] for name, values in parse_qs(address.query).items()})
            case "POST", ["projects", project, "issues"]:
                return self._create(project, request.json["issue"])
            case method, ["issues", number]:
                return self._issue(method, int(number), request)
            case _, place:
                shown = self._shown(place)
                return answer(200, shown) if shown else Answer(404, b"")

    def _shown(self, place: list[str]) -> dict[str, Any] | None:
        match place:
            case ["users", "current"]:
                member = {"id": 1, "project": SAFEGUARDING, "roles": [{"id": 3, "name": "Router"}]}
                memberships = [] if self.admin else [member]
                return {"user": {"id": ROUTER, "login": "router", "admin": self.admin, "memberships": memberships}}
            case ["roles", _]:
                return {"role": {"id": 3, "name": "Router", "permissions": sorted(self.permissions)}}
            case ["projects", ("safeguarding" | "elsewhere") as name]:
                project = SAFEGUARDING if name == "safeguarding" else ELSEWHERE
                return {"project": {**project, "trackers": [{"id": 4, "name": "Referral"}]}}
            case ["enumerations", _]:
                return {"issue_priorities": [{"id": number, "name": str(number)} for number in range(1, 6)]}
            case ["issue_statuses"]:
                return {"issue_statuses": STATES}
        return None

    def _search(self, asked: Mapping[str, str]) -> Answer:
        shown = [one for one in self.issues if self._fits(one, asked)]
        if any(name.startswith("cf_") for name in asked):
            shown = [one for one in shown if not self._late(one)]
        by = "updated_on" if asked.get("sort", "").startswith("updated_on") else "id"
        shown.sort(key=lambda one: one[by], reverse=asked.get("sort", "id:desc").endswith(":desc"))
        start, many = int(asked.get("offset", 0)), min(100, int(asked.get("limit", 25)))
        page = [
            {name: value for name, value in one.items() if name != "journals"} for one in shown[start : start + many]
        ]
        return answer(200, {"issues": page, "total_count": len(shown), "offset": start, "limit": many})

    def _late(self, issue: Mapping[str, Any]) -> bool:
        """Say whether this search does not show the issue yet."""
        left = self._hidden[issue["id"]]
        self._hidden[issue["id"]] = left - 1
        return left > 0

    def _fits(self, issue: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
        if asked.get("status_id") != "*" and issue["status"]["is_closed"]:
            return False
        since = asked.get("updated_on", "").removeprefix(">=")
        if since and issue["updated_on"] < since:
            return False
        wanted = {int(name[3:]): value for name, value in asked.items() if name.startswith("cf_")}
        for number, value in wanted.items():
            if self.show_all or number in self.no_filters or number not in self.fields.values():
                continue
            there = next((one["value"] for one in issue["custom_fields"] if one["id"] == number), "")
            if (there == value) is self.foreign:
                return False
        return True

    def _create(self, project: str, wanted: Mapping[str, Any]) -> Answer:
        if project != "safeguarding" or "add_issues" not in self.permissions:
            return Answer(403, b"")
        private = wanted.get("is_private", False) and "set_issues_private" in self.permissions
        number = self._add(
            {
                "project": SAFEGUARDING,
                "tracker": {"id": wanted["tracker_id"]},
                "status": STATES[0],
                "priority": {"id": wanted.get("priority_id", 2)},
                "author": {"id": ROUTER, "name": "router"},
                "subject": wanted["subject"],
                "description": wanted.get("description", ""),
                "is_private": private,
                "custom_fields": [{"id": one, "name": "", "value": ""} for one in self.fields.values()],
                "journals": [],
            }
        )
        self._fill(self._of(number), wanted.get("custom_fields", []))
        return answer(201, {"issue": {**self._of(number)}})

    def _add(self, issue: dict[str, Any]) -> int:
        number = max((one["id"] for one in self.issues), default=0) + 1
        self._hidden[number] = self.search_lag
        self.issues.append({**issue, "id": number})
        self._touch(self.issues[-1])
        return number

    def _issue(self, method: str, number: int, request: Received) -> Answer:
        issue = next((one for one in self.issues if one["id"] == number), None)
        if issue is None:
            return Answer(404, b"")
        if method == "GET":
            allowed = [one for one in STATES if not one["is_closed"] or one["id"] in self.closing_states]
            return answer(200, {"issue": {**issue, "allowed_statuses": allowed}})
        wanted = request.json["issue"]
        self._fill(issue, wanted.get("custom_fields", []))
        issue["description"] = wanted.get("description", issue["description"])
        if "notes" in wanted:
            private = wanted.get("private_notes", False) and "set_notes_private" in self.permissions
            self._journal(issue, ROUTER, notes=wanted["notes"], private_notes=private)
        if wanted.get("status_id") in [1, 2, *self.closing_states]:
            self.put(str(number), wanted["status_id"], who=ROUTER)
        if wanted.get("project_id") == "elsewhere":
            self._move(issue, wanted["project_id"], ROUTER)
        return Answer(204, b"")

    def _move(self, issue: dict[str, Any], to: str, who: int) -> None:
        before, issue["project"] = issue["project"]["id"], ELSEWHERE if to == "elsewhere" else SAFEGUARDING
        self._journal(issue, who, project_id=str(before))

    def _fill(self, issue: dict[str, Any], wanted: list[Mapping[str, Any]]) -> None:
        values = {one["id"]: one["value"] for one in wanted if one["id"] not in self.read_only}
        for field in issue["custom_fields"]:
            field["value"] = values.get(field["id"], field["value"])
        there = {field["id"] for field in issue["custom_fields"]}
        more = [number for number in self.fields.values() if number in values and number not in there]
        issue["custom_fields"] += [{"id": number, "name": "", "value": values[number]} for number in more]

    def _journal(self, issue: dict[str, Any], who: int, **what: Any) -> None:
        said = {name: what.pop(name, default) for name, default in {"notes": "", "private_notes": False}.items()}
        details = [{"property": "attr", "name": n, "old_value": v, "new_value": ""} for n, v in what.items()]
        user = {"id": who, "name": ""}
        issue["journals"].append({"id": next(self._journals), "user": user, **said, "details": details})
        self._touch(issue)

    def _touch(self, issue: dict[str, Any]) -> None:
        self._now += timedelta(seconds=1)
        issue["updated_on"] = _moment(self._now)

    def _of(self, number: int) -> dict[str, Any]:
        return next(one for one in self.issues if one["id"] == number)

    def _seen(self, issue: Mapping[str, Any]) -> TicketThere:
        names = {number: name for name, number in FIELDS.items()}
        return TicketThere(
            number=str(issue["id"]),
            title=issue["subject"],
            text=issue["description"],
            text_internal=issue["is_private"],
            fields={names[field["id"]]: field["value"] for field in issue["custom_fields"] if field["value"]},
            notes=[NoteThere(one["notes"], one["private_notes"]) for one in issue["journals"] if one["notes"]],
            closed=issue["status"]["is_closed"],
        )


def settings(there: StandIn, **more: Any) -> dict[str, Any]:
    """Return what `channels.yaml` says of the kind's own."""
    return {
        "url": there.url,
        "key": "env:REDMINE_KEY",
        "project": "safeguarding",
        "tracker": 4,
        "custom_fields": dict(FIELDS),
        "priorities": {"low": 1, "medium": 2, "high": 3, "critical": 5},
        **more,
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
