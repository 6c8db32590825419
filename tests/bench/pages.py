"""How long the reporters' pages take, what they weigh, and whether many who report at once all get their receipts.

Starts the product as it ships. First people walk from the first page to a followed-up receipt, 50 requests a second
among them, each request at its own time whatever the others do; then so many at once as fast as they can. Times are
those that the browser's side sees on this machine. Prints JSON; all is below var/pages.
"""

import argparse
import http.client
import json
import platform
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from itertools import cycle, islice
from shutil import copytree
from typing import Any, Final
from urllib.parse import urlencode

import psutil

from router.embedded.account import make_folder
from router.reporter.languages import CODES
from tests.bench.scale import figures
from tests.conftest import CHECKOUT
from tests.running import Product, running

STATE: Final = CHECKOUT / "var/pages"
ENV: Final = {"CONCERN_ROUTER_ANONYMOUS_PER_HOUR": "1000000", "CONCERN_ROUTER_LOG_LEVEL": "WARNING"}
"""Nobody is to be parked for measuring."""
ANSWERS: Final[Mapping[str, Mapping[str, str]]] = {
    "category": {"category": "csam_suspected"},
    "noticed_how": {"noticed_how": "colleague_witness"},
    "where_found": {"where_found": "laptop"},
    "narrative": {"narrative": "MARKED-7f3a " * 80},
    "identity": {"identity": "confidential"},
    "contact": {"contact": "MARKED-7f3a name"},
}
LOOKED_AT: Final = ("report", "report/all", "who-sees-what", "elsewhere", "privacy", "poster/a4", "follow-up")
AT_ONCE: Final = 100
"""People who walk while requests are counted: enough that one is free whenever the next request is due."""
_ASKED: Final = re.compile(r'name="asked" value="([a-z_]+)"')
_HIDDEN: Final = re.compile(
    r'<(?:input type="hidden" name="([a-z_]+)" value="([^"]*)"|textarea name="([a-z_]+)" hidden[^>]*>\n?([^<]*))'
)
_RECEIPT: Final = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){5}\b")


@dataclass
class Seen:
    """What all visitors saw."""

    took: dict[str, list[float]] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    """Requests that got no answer."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, status: int, took_s: float, weight: int) -> None:
        with self.lock:
            self.took.setdefault(name, []).append(took_s * 1000)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.weights[name] = max(self.weights.get(name, 0), weight)


class Visitor:
    """One browser with one connection."""

    def __init__(self, url: str, language: str, seen: Seen, wait: Callable[[], None]) -> None:
        self._host = url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(self._host, timeout=30)
        self._language = language
        self._seen = seen
        self._wait = wait
        self._cookie = ""

    def walk(self) -> str | None:
        """Go from the first page to a followed-up receipt; return the receipt."""
        try:
            for place in LOOKED_AT[:3]:
                self._get(place)
            receipt = self._report()
            for place in LOOKED_AT[3:]:
                self._get(place)
            self._post("follow-up", {"receipt": receipt}, name="follow-up with a receipt")
        except (OSError, http.client.HTTPException, LookupError):
            with self._seen.lock:
                self._seen.lost += 1
            return None
        finally:
            self._connection.close()
        return receipt

    def _report(self) -> str:
        place, page = self._get("report/1", name="question")
        while not place.endswith("/check"):
            asked = _ASKED.findall(page)[0]
            place, page = self._post(place, {"asked": asked, "go": "on", **ANSWERS.get(asked, {})}, name="answer")
        hidden = {one[0] or one[2]: unescape(one[1] or one[3]) for one in _HIDDEN.findall(page)}
        _, page = self._post(place, {**hidden, "go": "on"}, name="send")
        return str(_RECEIPT.findall(page)[0])

    def _get(self, place: str, *, name: str = "") -> tuple[str, str]:
        return self._ask("GET", place, None, name or place)

    def _post(self, place: str, fields: Mapping[str, str], *, name: str) -> tuple[str, str]:
        return self._ask("POST", place, urlencode(fields), name)

    def _ask(self, method: str, place: str, body: str | None, name: str) -> tuple[str, str]:
        self._wait()
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self._connection.request(method, f"/{self._language}/{place}", body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self._seen.add(name, answer.status, time.perf_counter() - begun, len(text))
        given = answer.headers.get("Set-Cookie")
        if given is not None:
            self._cookie = given.partition(";")[0]
        if answer.status == http.client.SEE_OTHER:
            onward = str(answer.headers["Location"]).removeprefix(f"/{self._language}/")
            return self._ask("GET", onward, None, "question")
        return place, text.decode()


def ticks(per_second: float) -> Callable[[], None]:
    """Return what waits for the next request's time; the times are set before, and come whoever is late."""
    begun, lock, numbers = time.perf_counter(), threading.Lock(), iter(range(10**9))

    def wait() -> None:
        with lock:
            due = begun + next(numbers) / per_second
        time.sleep(max(0.0, due - time.perf_counter()))

    return wait


Walked = tuple[Seen, list[str | None], float]
"""What people saw, their receipts, and how many seconds it took."""


def visit(product: Product, people: int, at_once: int, wait: Callable[[], None]) -> Walked:
    """Let so many people walk, `at_once` of them at any time."""
    seen, begun = Seen(), time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        walks = [pool.submit(Visitor(product.url, code, seen, wait).walk) for code in islice(cycle(CODES), people)]
        receipts = [walk.result() for walk in walks]
    return seen, receipts, time.perf_counter() - begun


def summed_up(seen: Seen, receipts: list[str | None], took_s: float) -> dict[str, Any]:
    """Return how long pages took, and whether everybody has a receipt of their own."""
    return {
        "requests": sum(seen.statuses.values()),
        "a_second": round(sum(seen.statuses.values()) / took_s, 1),
        "all": figures([one for took in seen.took.values() for one in took]),
        "pages": {name: figures(took) for name, took in sorted(seen.took.items())},
        "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
        "people": len(receipts),
        "without_a_receipt": receipts.count(None),
        "receipts_twice": len(receipts) - receipts.count(None) - len(set(receipts) - {None}),
        "requests_lost": seen.lost,
    }


def weights(product: Product, *several: Seen) -> Iterator[tuple[str, float]]:
    """Yield what the heaviest answer of each page weighs with the style sheet, in kilobytes."""
    connection = http.client.HTTPConnection(product.url.removeprefix("http://"), timeout=30)
    connection.request("GET", "/static/style.css")
    sheet = len(connection.getresponse().read())
    for name in sorted({name for seen in several for name in seen.weights}):
        yield name, round((max(seen.weights.get(name, 0) for seen in several) + sheet) / 1000, 1)


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__.splitlines()[0])
    asked.add_argument("--people", type=int, default=150, help="who walk while requests are counted")
    asked.add_argument("--a-second", type=float, default=50, help="requests")
    asked.add_argument("--together", type=int, default=64, help="who walk at once, as fast as they can")
    given = asked.parse_args()
    shutil.rmtree(STATE, ignore_errors=True)
    make_folder(STATE, 0o711)
    copytree(CHECKOUT / "config", STATE / "config")
    with running(STATE, env=ENV) as product:
        visit(product, 4, 4, lambda: None)
        paced = visit(product, given.people, AT_ONCE, ticks(given.a_second))
        together = visit(product, given.together, given.together, lambda: None)
        result = {
            "machine": {"cores": psutil.cpu_count(), "python": platform.python_version()},
            "conditions": vars(given),
            "paced": summed_up(*paced),
            "together": summed_up(*together),
            "kilobytes_with_style_sheet": dict(weights(product, paced[0], together[0])),
        }
    (STATE / "pages.json").write_text(json.dumps(result, indent=1))
    shutil.rmtree(STATE / "state", ignore_errors=True)
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
