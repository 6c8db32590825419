"""Reporters on the running product's pages, one after the other: every answer that they get is written down.

What they type is marked, everywhere; `own` says where a page may show it again to who typed it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from uuid import uuid4

import httpx2

BESIDE = "127.0.0.77"
"""Where the reporters come from; this machine has many addresses of its own."""
BEHIND = "203.0.113.77"
"""Where they say that they come from, through a proxy that nobody trusts."""
_RECEIPT = re.compile(r">((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})<")


@dataclass(frozen=True)
class Seen:
    """One answer to one request."""

    place: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    own: bool

    @property
    def title(self) -> str:
        """What the browser's history shows."""
        found = re.search(r"<title>(.*?)</title>", self.body, re.DOTALL)
        return unescape(found[1]) if found else ""

    @property
    def around(self) -> str:
        """All of it that stays behind in a browser or on the way to it: address, title and headers."""
        return repr((self.place, self.title, self.headers))


@dataclass
class Reporters:
    """What all of them saw, wrote and were given."""

    marker: str
    seen: list[Seen] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    cookies: set[str] = field(default_factory=set)
    written: set[tuple[str | None, str | None, str]] = field(default_factory=set)
    """Narrative, contact and identity of each concern that was sent from a page."""


class Visitor:
    """One browser without scripts."""

    def __init__(self, all_: Reporters, url: str, language: str) -> None:
        self.all = all_
        self._language = language
        transport = httpx2.HTTPTransport(local_address=BESIDE)
        headers = {"X-Forwarded-For": BEHIND, "Forwarded": f"for={BEHIND}"}
        self._http = httpx2.Client(base_url=url, transport=transport, headers=headers, timeout=60)

    def get(self, place: str, *, own: bool = False) -> Seen:
        """Ask for a page, in the visitor's language."""
        return self._note("GET", place, None, own=own)

    def post(self, place: str, sent: Mapping[str, Any], *, own: bool = False) -> Seen:
        """Send a form, and go where that leads."""
        return self._note("POST", place, sent, own=own)

    def close(self) -> None:
        """Go."""
        self._http.close()

    def _note(self, method: str, place: str, sent: Mapping[str, Any] | None, *, own: bool) -> Seen:
        place = place if place.startswith(f"/{self._language}/") else f"/{self._language}{place}"
        answer = self._http.request(method, place, data=sent)
        seen = Seen(f"{method} {place}", answer.status_code, tuple(answer.headers.multi_items()), answer.text, own)
        self.all.seen.append(seen)
        self.all.cookies |= {value for value in dict(self._http.cookies).values() if value}
        self.all.receipts += [one for one in _RECEIPT.findall(answer.text) if one not in self.all.receipts]
        assert answer.status_code < httpx2.codes.INTERNAL_SERVER_ERROR, place
        if answer.status_code == httpx2.codes.SEE_OTHER and answer.headers["location"].startswith("/"):
            return self._note("GET", answer.headers["location"], None, own=own)
        return seen


@contextmanager
def visiting(all_: Reporters, url: str, language: str) -> Iterator[Visitor]:
    """Yield a visitor, who goes afterwards."""
    visitor = Visitor(all_, url, language)
    try:
        yield visitor
    finally:
        visitor.close()


def guided(visitor: Visitor, *, identity: str, until: str = "") -> Seen:
    """Answer one question a page, up to the page that asks for `until`, or else to the answers to be checked."""
    marker = visitor.all.marker
    narrative, contact = f"{marker} guided {identity}\r\nsecond line", f"{marker} name {identity}"
    said: dict[str, dict[str, Any]] = {
        "category": {"category": "csam_suspected"},
        "urgency": {"urgency": ["ongoing", "child_in_immediate_danger"]},
        "noticed_how": {"noticed_how": "helpdesk_repair"},
        "where_found": {"where_found": "laptop"},
        "occurred_at": {"day": "2026-11-03", "time": "", "zone": "+01:00"},
        "narrative": {"narrative": narrative},
        "identity": {"identity": identity},
        "contact": {"contact": contact},
    }
    page = visitor.get("/report/1")
    for _ in range(20):
        asked = re.search(r'name="asked" value="([a-z_]+)"', page.body)
        if asked is None or asked[1] == until:
            return page
        place = page.place.partition(" ")[2]
        page = visitor.post(place, {"asked": asked[1], "go": "on", **said.get(asked[1], {})}, own=True)
    raise AssertionError(page.place)


def one_sends(visitor: Visitor, *, identity: str) -> str:
    """Report by the guided pages, send twice and look at the receipt again; return it."""
    marker = visitor.all.marker
    guided(visitor, identity=identity)
    for wrong in ({"asked": "narrative", "narrative": f"{marker} data:image/png;base64,AAAA"}, {"asked": marker}):
        visitor.post("/report/9", {**wrong, "go": "on"}, own=True)
    visitor.get("/report/2", own=True)
    visitor.get("/report", own=False)
    given = visitor.post("/report/check", {"go": "on"})
    again = visitor.post("/report/check", {"go": "on"})
    assert (given.status, again.status) == (201, 201), (given.status, again.status)
    assert _RECEIPT.findall(given.body) == _RECEIPT.findall(again.body)
    visitor.get("/report/check")
    named = None if identity == "anonymous" else f"{marker} name {identity}"
    visitor.all.written.add((f"{marker} guided {identity}\r\nsecond line", named, identity))
    return str(_RECEIPT.findall(given.body)[0])


def one_follows(visitor: Visitor, receipt: str) -> Seen:
    """Read what staff wrote, answer, be harmed, withdraw, and make mistakes; return the page with staff's words."""
    marker = visitor.all.marker
    read = visitor.post("/follow-up", {"receipt": receipt}, own=True)
    for place, sent in (
        ("/follow-up/write", {"message": f"{marker} answer", "kind": "answer"}),
        ("/follow-up/write", {"message": f"{marker} data:image/png;base64,AAAA", "kind": "addition"}),
        ("/follow-up/write", {"message": f"{marker} odd", "kind": marker}),
        ("/follow-up/withdraw", {"reason": f"{marker} reason"}),
    ):
        visitor.post(place, {"receipt": receipt, "key": str(uuid4()), **sent}, own=True)
    harm = {"narrative": f"{marker} harm", "involves": ["hr"]}
    harmed = visitor.post("/follow-up/harm", {"receipt": receipt, "key": str(uuid4()), **harm}, own=True)
    assert harmed.status == 201, re.findall(r"<h2 id=\"summary-title\">.*?</section>", harmed.body, re.DOTALL)
    visitor.post("/follow-up", {"receipt": marker}, own=False)
    visitor.post("/follow-up/write", {"receipt": marker, "message": marker, "key": str(uuid4())}, own=False)
    return read


def one_leaves(visitor: Visitor) -> None:
    """Leave in the middle of the answers, and another time only after the receipt; what was kept is gone."""
    guided(visitor, identity="named", until="involves")
    visitor.get("/leave")
    sent = {"category": "fraud", "noticed_how": "told_by_someone", "narrative": f"{visitor.all.marker} at once"}
    assert visitor.post("/report", {**sent, "category": visitor.all.marker}, own=True).status == 422
    assert visitor.post("/report", sent).status == 201
    visitor.all.written.add((sent["narrative"], None, "anonymous"))
    visitor.post("/report/done", {})


def all_of_them(all_: Reporters, url: str, language: str, other: str) -> str:
    """Let one send by name, one leave, and one go away with answers that stay; return the receipt of the first."""
    with visiting(all_, url, language) as visitor:
        receipt = one_sends(visitor, identity="named")
    with visiting(all_, url, other) as visitor:
        one_leaves(visitor)
    with visiting(all_, url, other) as visitor:
        for place in ("/", "/report/all", "/who-sees-what", "/follow-up", "/elsewhere", "/privacy", "/away"):
            visitor.get(place)
        guided(visitor, identity="confidential")
    return receipt
