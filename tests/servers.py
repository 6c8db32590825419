"""Loopback stand-ins for what is outside: a webhook receiver, and the part of RT that we use.

They listen on 127.0.0.1 only and end with their `with` block. A stand-in shows what we send and
how we bear odd answers; it proves nothing about the real system (tests/peers does that).
"""

import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

SINK_SECRET = "whsec_" + "c2luay1zaGFyZWQtc2VjcmV0LTAxMjM0NTY3ODk="
"""Standard Webhooks secret that a Sink checks unless told another."""
RT_TOKEN = "1-14-0123456789abcdef"
"""Token that a StandInRT wants unless told another."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer. A 2xx takes effect first, also when the connection is then cut or left hanging."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    """Silence before the answer; ends early when the server stops."""
    cut: bool = False
    """Close the connection instead of answering."""


class Loopback:
    """An HTTP/1.1 server on a free port of 127.0.0.1, as a context manager; subclasses say what is answered.

    `before_answer` runs after the request took effect and before a byte of the answer is written.
    """

    def __init__(self, *, before_answer: Callable[[Received], None] | None = None) -> None:
        self.before_answer = before_answer
        self.everything: list[Received] = []
        self.changed = threading.Condition()
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer_next(self, *answers: Answer) -> None:
        """Answer the coming requests with these, one each, before going back to normal."""
        self._script.extend(answers)

    def answer_always(self, answer: Answer | None) -> None:
        """Answer everything with this from now on; None goes back to normal."""
        self._always = answer

    def wait_until(self, true: Callable[[], bool], *, timeout_s: float = 30.0) -> bool:
        """Wait until `true()` holds, looked at after each request; return whether it did in time."""
        with self.changed:
            return self.changed.wait_for(true, timeout_s)

    def reply(self, request: Received) -> Answer:
        """Let the request take effect and return the normal answer."""
        raise NotImplementedError

    def respond(self, request: Received) -> Answer:
        """Return what to answer, script first; runs one request at a time."""
        with self.changed:
            self.everything.append(request)
            told = self._script.popleft() if self._script else self._always
            answer = told if told and not 200 <= told.status < 300 else self.reply(request)
            if told and told is not answer:
                answer = Answer(answer.status, answer.body, answer.headers, told.hang_s, told.cut)
            self.changed.notify_all()
        if self.before_answer:
            self.before_answer(request)
        if answer.hang_s:
            self._stopping.wait(answer.hang_s)
        return answer

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.cut_all()


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that none outlives the test."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_activate(self) -> None:
        self._open: set[socket.socket] = set()
        super().server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        for connection in list(self._open):
            cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or cut is what these tests are about."""


def _handler_for(owner: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = owner.respond(Received(self.command, self.path, headers, body, time.time()))
            if answer.cut:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the base class names them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Say nothing."""

    return Handler


class Sink(Loopback):
    """A webhook receiver that checks Standard Webhooks signatures and refuses repeats.

    A repeat gets 2xx like the first, takes no effect and is counted apart; a wrong signature gets 401.
    """

    def __init__(self, secret: str = SINK_SECRET, *, before_answer: Callable[[Received], None] | None = None) -> None:
        super().__init__(before_answer=before_answer)
        self._webhook = Webhook(secret)
        self.taken: dict[str, Received] = {}
        """By webhook-id, in the order they came."""
        self.repeats: list[Received] = []
        self.forged: list[Received] = []

    def reply(self, request: Received) -> Answer:
        try:
            self._webhook.verify(request.body, dict(request.headers), json_parse=False)
        except WebhookVerificationError:
            self.forged.append(request)
            return Answer(401)
        key = request.headers["webhook-id"]
        if key in self.taken:
            self.repeats.append(request)
        else:
            self.taken[key] = request
        return Answer(200)

    def wait_for(self, count: int) -> bool:
        """Wait until `count` different deliveries took effect."""
        return self.wait_until(lambda: len(self.taken) >= count)


class StandInRT(Loopback):
    """The part of Request Tracker 5's REST 2.0 that we use, with its traps. Not RT.

    As seen on RT 5.0.3: 201 with unknown custom fields dropped, 200 for an invalid status or queue, nothing found for
    a misspelt field, an unknown queue is forbidden, an id is text in a search and a number in a read, no uniqueness.
    A field emptied with null has no value; one emptied with an empty text has the value null.
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
        self.tickets: list[dict[str, Any]] = []
        """As a GET of the ticket shows them."""
        self.spoken: list[dict[str, str]] = []
        """What was said in tickets: Type, ObjectId, Subject, Content."""
        self.moves: list[tuple[str, str]] = []
        """Each change of queue: the ticket's number, and the queue's number before."""

    @property
    def rest_url(self) -> str:
        return f"{self.url}/REST/2.0"

    def values(self, ticket: Mapping[str, Any]) -> dict[str, str]:
        """Return a ticket's custom fields by name, those with a value."""
        return {f["name"]: f["values"][0] for f in ticket["CustomFields"] if f["values"]}

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
            case "GET", ["tickets"]:
                return self._search(parse_qs(address.query))
            case "GET", ["transactions"]:
                return self._transactions(parse_qs(address.query).get("query", [""])[0])
            case "POST", ["ticket"]:
                return self._create(request.json)
            case method, ["ticket", number, *rest] if number.isdigit():
                return self._ticket(method, number, rest, request)
        return _json(404, {"message": "Not Found"})

    def _queue(self, name: str) -> Answer:
        if name not in self._queues:
            return _json(403, {"message": "Forbidden"})
        fields = [
            {"id": str(n), "name": f, "type": "customfield", "ref": f"{self.rest_url}/customfield/{n}"}
            for n, f in enumerate(self.custom_fields, start=1)
        ]
        return _json(200, {"id": str(self._queues.index(name) + 1), "Name": name, "TicketCustomFields": fields})

    def _create(self, wanted: Mapping[str, Any]) -> Answer:
        if wanted.get("Queue") not in self._queues:
            return _json(403, {"message": f"No permission to create tickets in the queue '{wanted.get('Queue')}'"})
        number = str(len(self.tickets) + 1)
        given = wanted.get("CustomFields") or {}
        fields = [
            {"id": str(n), "name": f, "type": "customfield", "values": [str(given[f])] if f in given else []}
            for n, f in enumerate(self.custom_fields, start=1)
        ]
        ticket = {
            "id": int(number),
            "type": "ticket",
            "Subject": wanted.get("Subject", ""),
            "Status": "new",
            "Priority": str(wanted.get("Priority", 0)),
            "Queue": {"id": str(self._queues.index(wanted["Queue"]) + 1), "type": "queue"},
            "CustomFields": fields,
        }
        self.tickets.append(ticket)
        self._say("Create", number, wanted)
        return _json(201, {"id": number, "type": "ticket", "_url": f"{self.rest_url}/ticket/{number}"})

    def _search(self, query: Mapping[str, list[str]]) -> Answer:
        hits = [t for t in self.tickets if self._matches(t, query.get("query", [""])[0])]
        shown = query.get("fields", [""])[0].split(",")
        items = [{k: t[k] for k in ("type", *shown) if k in t} | {"id": str(t["id"])} for t in hits]
        return _json(200, {"items": items, "total": len(items), "count": len(items), "page": 1, "pages": 1})

    def _matches(self, ticket: Mapping[str, Any], wanted: str) -> bool:
        """Read `'CF.{Name}' = 'value' AND …`, the only TicketSQL that we speak; anything else finds nothing."""
        values = {
            "Queue": self._queues[int(ticket["Queue"]["id"]) - 1],
            "Subject": ticket["Subject"],
            "Status": ticket["Status"],
        }
        values |= {f"CF.{{{name}}}": value for name, value in self.values(ticket).items()}
        terms = re.split(r"\s+AND\s+", wanted.strip(), flags=re.IGNORECASE)
        found = [re.fullmatch(r"'?([^'=]+?)'?\s*=\s*'((?:[^'\\]|\\.)*)'", term) for term in terms]
        return all(m is not None and values.get(m[1].strip()) == m[2] for m in found)

    def _ticket(self, method: str, number: str, rest: list[str], request: Received) -> Answer:
        if not 1 <= int(number) <= len(self.tickets):
            return _json(404, {"message": "Resource does not exist"})
        ticket = self.tickets[int(number) - 1]
        match method, rest:
            case "GET", []:
                return _json(200, ticket)
            case "POST", ["comment"]:
                self._say("Comment", number, request.json)
                return _json(201, ["Comments added"])
            case "PUT", []:
                return self._change(ticket, request.json)
        return _json(405, {"message": "Method Not Allowed"})

    def move(self, number: int, queue: str) -> None:
        """Put a ticket into another queue, as a member of staff does."""
        ticket = self.tickets[number - 1]
        self.moves.append((str(number), ticket["Queue"]["id"]))
        ticket["Queue"] = {"id": str(self._queues.index(queue) + 1), "type": "queue"}

    def _say(self, how: str, number: str, said: Mapping[str, Any]) -> None:
        subject, content = str(said.get("Subject", "")), str(said.get("Content", ""))
        self.spoken.append({"Type": how, "ObjectId": number, "Subject": subject, "Content": content})

    def comments(self, number: int) -> list[str]:
        """Return what was said in a ticket after it was made."""
        return [s["Content"] for s in self.spoken if s["Type"] == "Comment" and s["ObjectId"] == str(number)]

    def _transactions(self, query: str) -> Answer:
        """Read the only TransactionSQL that we speak; anything else finds nothing."""
        term = r"ObjectId = \d+"
        ours = "ObjectType = 'RT::Ticket' AND"
        moved = re.fullmatch(rf"{ours} Type = 'Set' AND Field = 'Queue' AND \(({term}(?: OR {term})*)\)", query)
        said = re.fullmatch(rf"{ours} ObjectId = (\d+) AND Subject = '([^'\\]*)'", query)
        items: list[dict[str, str]] = []
        if moved:
            numbers = re.findall(r"\d+", moved[1])
            items = [{"type": "transaction", "ObjectId": n, "OldValue": q} for n, q in self.moves if n in numbers]
        if said:
            items = [s for s in self.spoken if (s["ObjectId"], s["Subject"]) == said.groups()]
        return _json(200, {"items": items, "count": len(items), "page": 1, "pages": None, "total": None})

    def _change(self, ticket: dict[str, Any], wanted: Mapping[str, Any]) -> Answer:
        told = [f"{name} changed" for name in self._refill(ticket, wanted.get("CustomFields", {}))]
        queue = wanted.get("Queue")
        if queue in self._queues:
            self.move(ticket["id"], queue)
            told.append(f"Ticket {ticket['id']}: Queue changed to {queue}")
        elif queue is not None:
            told.append(f"Ticket {ticket['id']}: Queue {queue} does not exist")
        old, status = ticket["Status"], wanted.get("Status", ticket["Status"])
        if status not in self.statuses:
            told.append(f"Ticket {ticket['id']}: Status '{status}' isn't a valid status for this ticket.")
        elif status != old:
            ticket["Status"] = status
            told.append(f"Ticket {ticket['id']}: Status changed from '{old}' to '{status}'")
        return _json(200, told)

    def _refill(self, ticket: dict[str, Any], wanted: Mapping[str, Any]) -> list[str]:
        changed = [f for f in ticket["CustomFields"] if f["name"] in wanted and f["name"] not in self.read_only]
        for f in changed:
            value = wanted[f["name"]]
            f["values"] = [] if value is None else [value or None]
        return [f["name"] for f in changed]


def _json(status: int, value: object) -> Answer:
    return Answer(status, json.dumps(value).encode())


def cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
