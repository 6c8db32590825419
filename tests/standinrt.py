"""The part of Request Tracker 5's REST 2.0 that we use, with its traps. Not RT: tests/peers has the real one."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from router import clock
from tests.loopback import Answer, Loopback, Received

WRITTEN: Final = "%Y-%m-%d %H:%M:%S"
WEST: Final = timedelta(hours=5)
"""RT's time zone is US/Eastern unless its settings say another."""
RT_TOKEN = "1-14-0123456789abcdef"
"""Token that a StandInRT wants unless told another."""
SPOKEN = frozenset({"Create", "Comment", "Correspond"})
"""Transactions that say something."""
MANY = 200
"""From so many tickets on, a search has an index, as a database would."""
ROUTER, OFFICER, SYSTEM = "router", "officer", "RT_System"
"""Who does things in it: our account, one of staff, and RT itself."""


class StandInRT(Loopback):
    """One RT, seen by our account.

    As seen on RT 5.0.3: 201 with unknown custom fields dropped, 200 for an invalid status or queue, nothing found for
    a misspelt field, an unknown queue is forbidden, an id is text in a search and a number in a read, no uniqueness.
    A field emptied with null has no value; one emptied with an empty text has the value null. A merged ticket is found
    only by a query that names EffectiveId, and shows as the ticket that it was merged into.
    """

    def __init__(
        self,
        *,
        token: str = RT_TOKEN,
        queues: tuple[str, ...] = ("Safeguarding",),
        custom_fields: tuple[str, ...] = ("Reference id", "Category", "Severity", "Claim by", "Link"),
        before_answer: Callable[[Received], None] | None = None,
    ) -> None:
        super().__init__(before_answer=before_answer)
        self._token = token
        self._queues = queues
        self.custom_fields = custom_fields
        self.statuses = {"new", "open", "stalled", "resolved", "rejected"}
        self.read_only: set[str] = set()
        """Custom fields that we may not change: RT then answers 200 and leaves them."""
        self.lacking: set[tuple[str, str]] = set()
        """Queues and rights that our account does not have there."""
        self.absent: set[tuple[str, str]] = set()
        """Queues and custom fields that their tickets do not have."""
        self.disabled: set[str] = set()
        """Queues that are out of use."""
        self.made_like: dict[str, dict[str, Any]] = {}
        """How custom fields are made, if we may see that: RT shows it only with rights on all queues."""
        self.search_lag = 0
        """How many searches do not show a new ticket yet."""
        self._hidden: dict[str, int] = {}
        self.tickets: list[dict[str, Any]] = []
        """As a GET of the ticket shows them."""
        self._with_value: dict[str, list[int]] = defaultdict(list)
        self._indexed = 0
        self._refilled: set[int] = set()
        """Tickets whose fields were changed since they were made."""
        self._done: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.history: list[dict[str, Any]] = []
        """Transactions, oldest first."""
        self.changed_at: dict[str, str] = {}
        """When something was last done to each ticket, as RT's queries write it."""

    @property
    def rest_url(self) -> str:
        return f"{self.url}/REST/2.0"

    @property
    def spoken(self) -> list[dict[str, Any]]:
        """What was said in tickets: Type, ObjectId, Subject, Content."""
        return [done for done in self.history if done["Type"] in SPOKEN]

    def values(self, ticket: Mapping[str, Any]) -> dict[str, str]:
        """Return a ticket's custom fields by name, those with a value."""
        return {f["name"]: f["values"][0] for f in ticket["CustomFields"] if f["values"]}

    def comments(self, number: int) -> list[str]:
        """Return what was said in a ticket after it was made."""
        return [s["Content"] for s in self.spoken if s["Type"] == "Comment" and s["ObjectId"] == str(number)]

    # What staff do.

    def move(self, number: int, queue: str) -> None:
        """Put a ticket into another queue."""
        ticket = self.tickets[number - 1]
        self._note("Set", number, OFFICER, Field="Queue", OldValue=ticket["Queue"]["id"])
        ticket["Queue"] = {"id": str(self._queues.index(queue) + 1), "type": "queue"}

    def take(self, number: int) -> None:
        """Become a ticket's owner."""
        self.tickets[number - 1]["Owner"] = {"id": OFFICER, "type": "user"}
        self._note("SetWatcher", number, OFFICER, Field="Owner")

    def put(self, number: int, status: str, *, who: str = OFFICER) -> None:
        """Change a ticket's status."""
        ticket = self.tickets[number - 1]
        self._note("Status", number, who, OldValue=ticket["Status"], NewValue=status)
        ticket["Status"] = status

    def write(self, number: int) -> None:
        """Say something in a ticket."""
        self._say("Comment", str(number), {"Content": "read it"}, who=OFFICER)

    def merge(self, number: int, into: int) -> None:
        """Make two tickets one."""
        self.tickets[number - 1]["EffectiveId"] = {"id": str(into), "type": "ticket"}

    def clone(self, number: int) -> None:
        """Make another ticket with the same custom fields, as RT does when staff split one."""
        ticket = self.tickets[number - 1]
        again = str(len(self.tickets) + 1)
        fields = [{**field, "values": list(field["values"])} for field in ticket["CustomFields"]]
        self.tickets.append(
            {
                **ticket,
                "id": int(again),
                "CustomFields": fields,
                "Status": "new",
                "Owner": {"id": "Nobody", "type": "user"},
                "Creator": {"id": OFFICER, "type": "user"},
                "EffectiveId": {"id": again, "type": "ticket"},
            }
        )

    # What the REST interface does.

    def reply(self, request: Received) -> Answer:  # noqa: PLR0911 - one line per address
        if request.headers.get("authorization") != f"token {self._token}":
            return Answer(401, b'{"message":"Unauthorized"}', {"WWW-Authenticate": 'Basic realm="RT"'})
        address = urlsplit(request.path)
        place = unquote(address.path).removeprefix("/REST/2.0/").rstrip("/").split("/")
        match request.method, place:
            case "GET", ["rt"]:
                return _json(200, {"Version": "5.0.3"})
            case "GET", ["queue", name]:
                return self._queue(name)
            case "GET", ["customfield", number]:
                return self._field(int(number))
            case "GET", ["tickets"]:
                return self._search(parse_qs(address.query))
            case "GET", ["transactions"]:
                return self._transactions(parse_qs(address.query))
            case "POST", ["ticket"]:
                return self._create(request.json)
            case method, ["ticket", number, *rest] if number.isdigit():
                return self._ticket(method, number, rest, request)
        return _json(404, {"message": "Not Found"})

    def _may(self, queue: str, right: str) -> bool:
        return (queue, right) not in self.lacking

    def _queue_of(self, ticket: Mapping[str, Any]) -> str:
        return self._queues[int(ticket["Queue"]["id"]) - 1]

    def _fields_of(self, queue: str) -> list[tuple[int, str]]:
        numbered = list(enumerate(self.custom_fields, start=1))
        return [(number, name) for number, name in numbered if (queue, name) not in self.absent]

    def _queue(self, name: str) -> Answer:
        if name not in self._queues or not self._may(name, "SeeQueue"):
            return _json(403, {"message": "Forbidden"})
        fields = [
            {"id": str(n), "name": f, "type": "customfield", "ref": "customfield"}
            for n, f in self._fields_of(name)
            if self._may(name, "SeeCustomField")
        ]
        links = [{"ref": "self"}, {"ref": "history"}]
        links += [{"ref": "create", "type": "ticket"}] if self._may(name, "CreateTicket") else []
        return _json(
            200,
            {
                "id": self._queues.index(name) + 1,
                "Name": name,
                "Lifecycle": "default",
                "Disabled": str(int(name in self.disabled)),
                "TicketCustomFields": fields,
                "_hyperlinks": links,
            },
        )

    def _field(self, number: int) -> Answer:
        made = self.made_like.get(self.custom_fields[number - 1])
        return _json(403, {"message": "Forbidden"}) if made is None else _json(200, {"id": number, **made})

    def _create(self, wanted: Mapping[str, Any]) -> Answer:
        queue = wanted.get("Queue", "")
        if queue not in self._queues or queue in self.disabled or not self._may(queue, "CreateTicket"):
            return _json(403, {"message": f"No permission to create tickets in the queue '{queue}'"})
        number = str(len(self.tickets) + 1)
        given = (wanted.get("CustomFields") or {}) if self._may(queue, "ModifyCustomField") else {}
        fields = [
            {"id": str(n), "name": f, "type": "customfield", "values": [str(given[f])] if f in given else []}
            for n, f in self._fields_of(queue)
        ]
        ticket = {
            "id": int(number),
            "type": "ticket",
            "Subject": wanted.get("Subject", ""),
            "Status": "new",
            "Priority": str(wanted.get("Priority", 0)),
            "Queue": {"id": str(self._queues.index(queue) + 1), "type": "queue"},
            "Creator": {"id": ROUTER, "type": "user"},
            "Owner": {"id": "Nobody", "type": "user"},
            "EffectiveId": {"id": number, "type": "ticket"},
            "CustomFields": fields,
        }
        self.tickets.append(ticket)
        if self.search_lag:
            self._hidden[number] = self.search_lag
        self._say("Create", number, wanted)
        return _json(201, {"id": number, "type": "ticket", "_url": f"{self.rest_url}/ticket/{number}"})

    def _search(self, asked: Mapping[str, list[str]]) -> Answer:
        query = asked.get("query", [""])[0]
        hits = [t for t in self._asked_for(query) if self._matches(t, query) and self._shows(t, query)]
        hits = [t for t in hits if self._hidden.get(str(t["id"]), 0) <= 0]
        for number in self._hidden:
            self._hidden[number] -= 1
        if asked.get("order") == ["DESC"]:
            hits.reverse()
        shown = asked.get("fields", [""])[0].split(",")
        per_page, page = int(asked.get("per_page", ["20"])[0]), int(asked.get("page", ["1"])[0])
        items = [
            {k: t[k] for k in ("type", *shown) if k in t} | {"id": str(t["id"]), "EffectiveId": t["EffectiveId"]["id"]}
            for t in hits[per_page * (page - 1) : per_page * page]
        ]
        return _json(200, {"items": items, "total": len(items), "count": len(items), "page": 1, "pages": 1})

    def _asked_for(self, query: str) -> list[dict[str, Any]]:
        """Return the tickets to look through: once there are many, those that ever had the value that is asked for."""
        value = re.match(r"CF\.\{[^}]*\} = '([^'\\]*)'", query)
        if value is None or len(self.tickets) < MANY:
            return self.tickets
        for number in range(self._indexed, len(self.tickets)):
            for named in self.values(self.tickets[number]).values():
                self._with_value[named].append(number)
        self._indexed = len(self.tickets)
        return [self.tickets[number] for number in sorted({*self._with_value[value[1]], *self._refilled})]

    def _shows(self, ticket: Mapping[str, Any], query: str) -> bool:
        merged = ticket["EffectiveId"]["id"] != str(ticket["id"])
        may_see = self._may(self._queue_of(ticket), "ShowTicket")
        return may_see and ticket["Status"] != "deleted" and (not merged or "EffectiveId" in query)

    def _matches(self, ticket: Mapping[str, Any], wanted: str) -> bool:
        """Read `'CF.{Name}' = 'value' AND …`, the only TicketSQL that we speak; anything else finds nothing."""
        values = {"Queue": self._queue_of(ticket), "Subject": ticket["Subject"], "Status": ticket["Status"]}
        values |= {f"CF.{{{name}}}": value for name, value in self.values(ticket).items()}
        terms = re.split(r"\s+AND\s+", wanted.strip(), flags=re.IGNORECASE)
        since = [_moment(term.split("'")[1]) for term in terms if term.startswith("LastUpdated >= ")]
        changed_at = self.changed_at.get(str(ticket["id"]), "")
        if any(changed_at < moment for moment in since):
            return False
        terms = [term for term in terms if term != "EffectiveId > 0" and not term.startswith("LastUpdated >= ")]
        found = [re.fullmatch(r"'?([^'=]+?)'?\s*=\s*'((?:[^'\\]|\\.)*)'", term) for term in terms]
        return all(m is not None and values.get(m[1].strip()) == m[2] for m in found)

    def _ticket(self, method: str, number: str, rest: list[str], request: Received) -> Answer:  # noqa: PLR0911 - likewise
        if not 1 <= int(number) <= len(self.tickets):
            return _json(404, {"message": "Not Found"})
        number = self.tickets[int(number) - 1]["EffectiveId"]["id"]
        ticket = self.tickets[int(number) - 1]
        queue = self._queue_of(ticket)
        if not self._may(queue, "ShowTicket"):
            return _json(403, {"message": "Forbidden"})
        match method, rest:
            case "GET", []:
                return _json(200, {**ticket, "_hyperlinks": self._links(queue)})
            case "POST", ["comment"] if not self._may(queue, "CommentOnTicket"):
                return _json(400, {"message": "Permission Denied"})
            case "POST", ["comment"]:
                self._say("Comment", number, request.json)
                return _json(201, ["Comments added"])
            case "PUT", [] if not self._may(queue, "ModifyTicket"):
                return _json(200, [f"Ticket {number}: Permission Denied"])
            case "PUT", []:
                return self._change(ticket, request.json)
        return _json(405, {"message": "Method Not Allowed"})

    def _links(self, queue: str) -> list[dict[str, str]]:
        offered = {"comment": "CommentOnTicket", "lifecycle": "ModifyTicket"}
        return [{"ref": "self"}, *({"ref": ref} for ref, right in offered.items() if self._may(queue, right))]

    def _say(self, how: str, number: str, said: Mapping[str, Any], *, who: str = ROUTER) -> None:
        subject, content = str(said.get("Subject", "")), str(said.get("Content", ""))
        self._note(how, number, who, Subject=subject, Content=content)

    def _note(self, what: str, number: int | str, who: str, **more: str) -> None:
        self.changed_at[str(number)] = clock.now().strftime(WRITTEN)
        done = {"Type": what, "ObjectId": str(number), "Creator": {"id": who, "type": "user"}, **more}
        self.history.append(done)
        self._done[str(number)].append(done)

    def _doings(self, numbers: list[str]) -> list[dict[str, Any]]:
        """Return what was done in these tickets, the oldest first of each."""
        return [done for number in dict.fromkeys(numbers) for done in self._done[number]]

    def _transactions(self, asked: Mapping[str, list[str]]) -> Answer:
        """Read the only TransactionSQL that we speak; anything else finds nothing."""
        query = asked.get("query", [""])[0]
        term = r"ObjectId = \d+"
        ours, these = "ObjectType = 'RT::Ticket' AND", rf"\(({term}(?: OR {term})*)\)"
        moved = re.fullmatch(rf"{ours} Type = 'Set' AND Field = 'Queue' AND {these}", query)
        did = re.fullmatch(rf"{ours} \(((?:Type = '\w+'(?: OR )?)+)\) AND {these}", query)
        said = re.fullmatch(rf"{ours} ObjectId = (\d+) AND Subject = '([^'\\]*)'", query)
        items: list[dict[str, Any]] = []
        if moved:
            numbers = re.findall(r"\d+", moved[1])
            items = [done for done in self._doings(numbers) if done.get("Field") == "Queue"]
        if did:
            kinds, numbers = re.findall(r"'(\w+)'", did[1]), re.findall(r"\d+", did[2])
            items = [done for done in self._doings(numbers) if done["Type"] in kinds]
        if said:
            there = [done for done in self._done[said[1]] if done["Type"] in SPOKEN]
            items = [done for done in there if done["Subject"] == said[2]]
        if asked.get("order") == ["DESC"]:
            items.reverse()
        shown = items[: int(asked.get("per_page", ["20"])[0])]
        items = [{"type": "transaction", **done} for done in shown]
        return _json(200, {"items": items, "count": len(items), "page": 1, "pages": None, "total": None})

    def _change(self, ticket: dict[str, Any], wanted: Mapping[str, Any]) -> Answer:
        told = [f"{name} changed" for name in self._refill(ticket, wanted.get("CustomFields", {}))]
        number, queue = ticket["id"], wanted.get("Queue")
        if queue in self._queues:
            self.move(number, queue)
            told.append(f"Ticket {number}: Queue changed to {queue}")
        elif queue is not None:
            told.append(f"Ticket {number}: Queue {queue} does not exist")
        old, status = ticket["Status"], wanted.get("Status", ticket["Status"])
        if status not in self.statuses:
            told.append(f"Ticket {number}: Status '{status}' isn't a valid status for this ticket.")
        elif status != old:
            self.put(number, status, who=ROUTER)
            told.append(f"Ticket {number}: Status changed from '{old}' to '{status}'")
        return _json(200, told)

    def _refill(self, ticket: dict[str, Any], wanted: Mapping[str, Any]) -> list[str]:
        has = {f["name"] for f in ticket["CustomFields"]}
        for n, name in self._fields_of(self._queue_of(ticket)):
            if name not in has:  # given to the queue after the ticket was made
                ticket["CustomFields"].append({"id": str(n), "name": name, "type": "customfield", "values": []})
        changed = [f for f in ticket["CustomFields"] if f["name"] in wanted and f["name"] not in self.read_only]
        if any(f["values"] == [] for f in changed):
            self._refilled.add(ticket["id"] - 1)
        for f in changed:
            value = wanted[f["name"]]
            f["values"] = [] if value is None else [value or None]
        return [f["name"] for f in changed]


def _moment(text: str) -> str:
    """Return the moment that a query names, as RT notes it: one that is written out stands for one in RT's own zone."""
    ago = re.fullmatch(r"(\d+) minutes ago", text)
    if ago is not None:
        return (clock.now() - timedelta(minutes=int(ago[1]))).strftime(WRITTEN)
    return (datetime.strptime(text, WRITTEN).replace(tzinfo=UTC) + WEST).strftime(WRITTEN)


def _json(status: int, value: object) -> Answer:
    return Answer(status, json.dumps(value).encode())
