"""CyberTipline's Reporting API as documented, both of its systems: Basic auth, strict order, codes, open and finish.

A report is open for 24 hours of this server's own clock, which a test moves. Nothing of NCMEC's is in it: the schema
that it gives out is our own profile, or the file that CYBERTIP_XSD names. Runs in a test's threads, or as a process of
its own: `python -m tests.standins.cybertip [SECONDS]`, which prints its address.
"""

import os
import re
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from lxml import etree

from router.channels.cybertipline.writing import fits, profile
from tests.loopback import Answer, Loopback, Received

USER, PASSWORD = "example-esp", "MARKED-7f3a-password"
TEST_USER, TEST_PASSWORD = "example-esp-test", "MARKED-7f3a-test"
REAL, TEST = "/ispws", "/exttest/ispws"
"""Where its two systems are."""
EXPIRES_S: Final = 24 * 3600.0
ORDER: Final = (
    *("incidentSummary", "internetDetails", "lawEnforcement", "reporter", "personOrUserReported", "additionalInfo"),
)
_SUMMARY: Final = ("incidentType", "platform", "escalateToHighPriority", "reportAnnotations", "incidentDateTime")
_REPORTED: Final = (
    *("espIdentifier", "espService", "compromisedAccount", "ipCaptureEvent", "deviceId", "priorCTReports"),
    *("accountTemporarilyDisabled", "accountPermanentlyDisabled"),
)
ORDERS: Final = {"report": ORDER, "incidentSummary": _SUMMARY, "personOrUserReported": _REPORTED}


@dataclass
class ReportThere:
    """A report as NCMEC has it."""

    number: str
    system: str
    opened_at: float
    document: bytes = field(repr=False)
    state: str = "open"
    """open, finished, retracted, or expired."""


class CybertipStandIn(Loopback):
    """Both systems, and one account at each."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: dict[str, ReportThere] = {}
        self.broken: list[str] = []
        """What did not fit the contract."""
        self.lose: Counter[str] = Counter()
        """How many of the next calls, by their name, take effect and are not answered."""
        self.codes: dict[str, list[tuple[int, int]]] = {}
        """HTTP status and code of the next answers, by the call's name; none of those takes effect."""
        self.accounts = {REAL: {(USER, PASSWORD)}, TEST: {(TEST_USER, TEST_PASSWORD)}}
        self.ahead_s = 0.0
        """How far its clock was moved."""
        self.schema: bytes | None = None
        """What it gives out in place of the schema."""
        self._numbers = count(4_564_001)
        self._requests = count(1)

    @property
    def real(self) -> str:
        """Where reports are acted on."""
        return self.url + REAL

    @property
    def test(self) -> str:
        """Where they are thrown away."""
        return self.url + TEST

    def now(self) -> float:
        return time.time() + self.ahead_s

    def of(self, *states: str) -> list[ReportThere]:
        """Return the reports in these states as it is now, the oldest first."""
        with self.changed:
            self._expire()
            return [one for one in self.reports.values() if one.state in states]

    def calls(self) -> list[str]:
        """Return the names of the calls so far."""
        with self.changed:
            return [request.path.rpartition("/")[2] for request in self.everything]

    def reply(self, request: Received) -> Answer:
        self._expire()
        system, _, call = request.path.rpartition("/")
        answer = self._answered(system, call, request)
        lost = self.lose[call] > 0
        self.lose[call] -= lost
        headers = {"Request-ID": f"req-{next(self._requests):06d}", "Content-Type": "text/xml; charset=utf-8"}
        return Answer(answer.status, answer.body, headers, cut=lost)

    def _answered(self, system: str, call: str, request: Received) -> Answer:
        if system not in self.accounts or (request.method, call) not in _CALLS:
            self.broken.append(f"{request.method} {request.path}")
            return said(404, 1210)
        signed = {f"Basic {b64encode(f'{a}:{b}'.encode()).decode()}" for a, b in self.accounts[system]}
        if request.headers.get("authorization") not in signed:
            return Answer(401, b"")
        if self.codes.get(call):
            return said(*self.codes[call].pop(0))
        return _CALLS[request.method, call](self, system, request)

    def _expire(self) -> None:
        for one in self.reports.values():
            if one.state == "open" and self.now() - one.opened_at >= EXPIRES_S:
                one.state = "expired"

    def status(self, _system: str, _request: Received) -> Answer:
        return said(200, 0)

    def xsd(self, _system: str, _request: Received) -> Answer:
        return Answer(200, self.schema if self.schema is not None else official())

    def submit(self, system: str, request: Received) -> Answer:
        wrong = _wrong(request)
        if wrong is not None:
            self.broken.append(f"submit: {wrong}")
            return said(400, 4110 if wrong == "malformed" else 4100)
        number = str(next(self._numbers))
        self.reports[number] = ReportThere(number, system, self.now(), request.body)
        return said(200, 0, number)

    def finish(self, system: str, request: Received) -> Answer:
        return self._end(system, request, "finished")

    def retract(self, system: str, request: Received) -> Answer:
        return self._end(system, request, "retracted")

    def _end(self, system: str, request: Received, how: str) -> Answer:
        number = self._number(request)
        report = self.reports.get(number or "")
        if number is None or request.headers.get("content-type", "") != "application/x-www-form-urlencoded":
            self.broken.append(f"{how}: no id")
            return said(400, 4000)
        if report is None or report.system != system or report.state == "expired":
            return said(404, 5001)
        if report.state == "retracted":
            return said(400, 5101)
        if report.state == "finished":
            return said(400, 5102)
        report.state = how
        return done(number) if how == "finished" else said(200, 0, number)

    def _number(self, request: Received) -> str | None:
        values = parse_qs(request.body.decode("ascii", "replace"), strict_parsing=False).get("id", [])
        return values[0] if len(values) == 1 and re.fullmatch("[0-9]+", values[0]) else None


_CALLS: Final = {
    ("GET", "status"): CybertipStandIn.status,
    ("GET", "xsd"): CybertipStandIn.xsd,
    ("POST", "submit"): CybertipStandIn.submit,
    ("POST", "finish"): CybertipStandIn.finish,
    ("POST", "retract"): CybertipStandIn.retract,
}
"""There are others over there, and nobody of ours may make them."""


def said(status: int, code: int, number: str | None = None) -> Answer:
    """Return an answer with a code."""
    report = f"<reportId>{number}</reportId>" if number else ""
    text = f"<responseCode>{code}</responseCode><responseDescription>MARKED-7f3a</responseDescription>{report}"
    return Answer(status, _xml(f"<reportResponse>{text}</reportResponse>"))


def done(number: str) -> Answer:
    """Return the receipt of a finished report."""
    text = f"<responseCode>0</responseCode><reportId>{number}</reportId><files/>"
    return Answer(200, _xml(f"<reportDoneResponse>{text}</reportDoneResponse>"))


def official() -> bytes:
    """Return the schema that it gives out."""
    named = os.environ.get("CYBERTIP_XSD")
    ours = Path("router/channels/cybertipline/profile.xsd")
    return Path(named).read_bytes() if named else (Path(__file__).parents[2] / ours).read_bytes()


def _xml(text: str) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text.encode()


def _wrong(request: Received) -> str | None:
    """Return why the document is none that it takes."""
    if request.headers.get("content-type") != "text/xml; charset=utf-8":
        return "content type"
    try:
        root = etree.fromstring(request.body)
    except etree.XMLSyntaxError:
        return "malformed"
    wrong = next(_out_of_order(root), None)
    if wrong is not None:
        return f"order in {wrong}"
    if not root.findtext("reporter/reportingPerson/email"):
        return "no e-mail of the reporter"
    return None if fits(request.body, profile()) else "profile"


def _out_of_order(root: etree._Element) -> Iterator[str]:
    """Yield the elements whose children are unknown or not in the schema's order."""
    for element in root.iter():
        order = ORDERS.get(str(element.tag))
        if order is not None:
            places = [order.index(str(child.tag)) if child.tag in order else -1 for child in element]
            if places != sorted(places) or -1 in places:
                yield str(element.tag)


def main() -> None:
    """Serve until the seconds are over, or for ever."""
    with CybertipStandIn() as there:
        print(there.url, flush=True)  # noqa: T201 - whoever started it reads it
        threading.Event().wait(float(sys.argv[1]) if len(sys.argv) > 1 else None)


if __name__ == "__main__":
    main()
