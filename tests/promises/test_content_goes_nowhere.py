"""Promise 1 on the running product: marked text is found nowhere but by a member who opens the case.

Two hundred concerns with markers in narrative and contact, and markers in everything that gets
refused; then every place where something could have been written down is searched, in every
encoding. Identifiers may be stored, but must not reach channels that are not cleared for them.
"""

import json
import os
import re
import subprocess
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from sqlalchemy import Engine, text

from router.console.acting import By
from router.console.dialogue import send
from router.console.opening import OPENED, begin, hold_key, identify, open_case, shown, to_be_seen
from router.embedded.postgres import installed_package
from router.errors import RouterError
from router.model import Content
from router.store.engine import connect, transaction
from router.vocabulary import MessageKind
from tests.configs import to_sink
from tests.marked import Hit, Search
from tests.promises.reporterspages import BEHIND, BESIDE, Reporters, all_of_them, one_follows, visiting
from tests.running import Product, running
from tests.servers import Sink

CONCERNS = 200
SECRET = "MÄRKED-7f3a-secret"  # narrative, contact, and all that is refused
NAMED = "MARKED-7f3a-named"  # identifiers: url, asset_tag, subject_handle
COOKIE = r"pages=([\w-]{43}|\"\"); HttpOnly; Max-Age=(3600|600|0); Path=/; SameSite=strict"
SHOWS_RECEIPTS = {"report/check", "report", "follow-up", "follow-up/write", "follow-up/withdraw", "follow-up/harm"}
FREE_OF_IDENTIFIERS = ["category", "severity", "noticed_how", "where_found", "site", "urgency", "claim_by", "link"]


@dataclass
class Filed:
    """What was filed and what was seen on the way."""

    product: Product
    sink: Sink
    passphrase: str
    contents: dict[str, tuple[str, str]] = field(default_factory=dict)
    answers: list[bytes] = field(default_factory=list)
    pages: Reporters = field(default_factory=lambda: Reporters(SECRET))
    monitored: list[str] = field(default_factory=list)


def concern(number: int) -> dict[str, Any]:
    return {
        "category": ["csam_suspected", "fraud", "harassment", "security_incident"][number % 4],
        "noticed_how": "helpdesk_repair",
        "where_found": "laptop",
        "asset_tag": f"{NAMED}-{number}",
        "subject_handle": f"{NAMED}-{number}",
        "url": f"https://{NAMED}-{number}.example/{number}",
        "narrative": f"{SECRET} {number}\nsecond line\tçà et là 文字 🙂 {'word ' * (number % 50)}",
        "contact": f"{SECRET}-contact-{number}@example.org",
    }


def provoke(filed: Filed, http: httpx2.Client) -> None:
    """Send what must be refused, marked everywhere; keep what was answered."""
    api = "/api/v1/concerns"
    good = concern(0)
    marked = SECRET.encode()
    head = {"Content-Type": "application/json"}
    requests: list[tuple[str, str, dict[str, str], bytes]] = [
        ("POST", api, head, json.dumps({**good, SECRET: SECRET}).encode()),
        ("POST", api, head, json.dumps({**good, "category": SECRET}).encode()),
        ("POST", api, head, json.dumps({**good, "narrative": f"data:image/png;base64,{SECRET * 20}"}).encode()),
        ("POST", api, head, json.dumps({**good, "narrative": SECRET + "\x00"}).encode()),
        ("POST", api, head, json.dumps({**good, "occurred_at": SECRET}).encode()),
        ("POST", api, head, json.dumps({**good, "url": f"javascript:{SECRET}"}).encode()),
        ("POST", api, head, json.dumps({**good, "url": f"https://{SECRET}:x@example.org/"}).encode()),
        ("POST", api, head, json.dumps({**good, "hashes": [{"algorithm": SECRET, "value": SECRET}]}).encode()),
        ("POST", api, head, b'{"narrative": "' + marked + b'", "narrative": "' + marked + b'"}'),
        ("POST", api, head, b'{"narrative": "' + marked),
        ("POST", api, head, marked + b"\xff\xfe"),
        ("POST", api, head, b'{"narrative": "' + marked * 4000 + b'"}'),
        ("POST", api, {**head, "Content-Encoding": "gzip"}, marked),
        ("POST", api, {**head, "Authorization": f"Bearer {SECRET}"}, json.dumps(good).encode()),
        ("POST", api, {**head, "Idempotency-Key": "short MARKED-7f3a-secret"}, json.dumps(good).encode()),
        ("POST", f"{api}/batch", head, json.dumps({"concerns": [{**good, SECRET: 1}]}).encode()),
        ("POST", f"/{SECRET}", head, marked),
        ("GET", f"/report?name={SECRET}", {"User-Agent": "MARKED-7f3a-secret", "Cookie": "a=MARKED-7f3a-secret"}, b""),
        ("PATCH", f"{api}?{SECRET}", {"X-Note": "MARKED-7f3a-secret"}, marked),
    ]
    for method, path, headers, body in requests:
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = http.request(method, path, headers=encoded, content=body)
        assert answer.status_code < httpx2.codes.INTERNAL_SERVER_ERROR, (method, path.replace(SECRET, "…"))
        filed.answers.append(answer.content + repr(sorted(answer.headers.items())).encode())
    upload = http.post(api, files={"material": (f"{SECRET}.bin", marked, "application/octet-stream")})
    page = http.post("/report", data={"category": SECRET, "narrative": SECRET})
    receipt = http.post("/follow-up", data={"receipt": "MARKED-7f3a-secret"})
    assert upload.status_code == httpx2.codes.UNSUPPORTED_MEDIA_TYPE
    assert page.status_code < httpx2.codes.INTERNAL_SERVER_ERROR
    # The page keeps what was typed for who typed it; nothing else of that answer may be marked.
    filed.answers += [upload.content, receipt.content, repr(page.headers).encode()]


def visit(filed: Filed) -> None:
    """Let reporters use the pages, in two languages, and staff write to one of them."""
    for language, other in (("sv", "ar"), ("de", "en")):
        receipt = all_of_them(filed.pages, filed.product.url, language, other)
        engine = consoles(filed)
        with transaction(engine) as connection:
            lookup = text(
                "select reference from cases where category = 'csam_suspected' order by received_at desc limit 1"
            )
            reference = str(connection.execute(lookup).scalar_one())
        words = f"{SECRET} from staff"
        send(engine, By(reference, "reviewer", ""), kind=MessageKind.QUESTION, text=words, after=0)
        engine.dispose()
        with visiting(filed.pages, filed.product.url, language) as visitor:
            assert words in one_follows(visitor, receipt).body


def consoles(filed: Filed) -> Engine:
    """Return the console's engine."""
    dsn = json.loads((filed.product.state / "servers.json").read_text())["database_url_console"]
    return connect(dsn, process="test-open")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filed]:
    root = tmp_path_factory.mktemp("content")
    with Sink() as sink:
        to_sink(root / "config", sink.url, carries=FREE_OF_IDENTIFIERS)
        with running(root) as product:
            filed = Filed(product, sink, product.passphrase())
            address = json.loads((product.state / "servers.json").read_text())["redis_url"]
            # No time-out: pages are read meanwhile, and no doorbell rings.
            broker = redis.Redis.from_url(address, socket_timeout=None)
            watching = broker.monitor()  # type: ignore[no-untyped-call]
            stop = threading.Event()

            def watch() -> None:
                with watching as commands:
                    while not stop.is_set():
                        filed.monitored.append(json.dumps(commands.next_command(), default=str))

            thread = threading.Thread(target=watch, daemon=True)
            thread.start()
            with httpx2.Client(base_url=product.url, timeout=30) as http:
                for number in range(CONCERNS):
                    sent = concern(number)
                    answer = http.post("/api/v1/concerns", json=sent, headers={"Idempotency-Key": str(uuid.uuid4())})
                    assert answer.status_code == httpx2.codes.CREATED, answer.json().get("code")
                    filed.contents[answer.json()["reference"]] = (sent["narrative"], sent["contact"])
                provoke(filed, http)
                filed.answers.append(httpx2.get(f"{product.metrics_url}/metrics").content)
                visit(filed)
            product.wait_delivered(CONCERNS)
            stop.set()
            broker.ping()
            thread.join(10)
            broker.save()
            broker.close()
            yield filed


def hits(found: Iterator[Hit]) -> list[Hit]:
    return list(found)


@pytest.fixture(scope="module")
def secret(filed: Filed) -> Search:
    """Look for what was written and said, for each receipt and each browser's key, and for where they came from."""
    receipts = [*filed.pages.receipts, *(receipt.replace("-", "") for receipt in filed.pages.receipts)]
    marked = [SECRET, SECRET.replace("Ä", "A"), SECRET.lower()]
    return Search(marked, plain=[*receipts, *filed.pages.cookies, BESIDE, BEHIND])


def test_not_in_what_anybody_was_answered(filed: Filed, secret: Search) -> None:
    assert len(filed.answers) > 20
    for number, answer in enumerate(filed.answers):
        assert hits(secret.in_bytes(f"answer {number}", answer)) == []


def test_pages_give_back_what_was_typed_to_who_typed_it_alone(filed: Filed) -> None:
    """Not in an address, a title, a header or a redirect; a cookie is a key for an hour; nothing is cached."""
    pages = filed.pages

    assert len(pages.seen) > 60
    assert len(pages.receipts) == 6
    for number, seen in enumerate(pages.seen):
        headers = dict(seen.headers)
        cookies = [value for name, value in seen.headers if name == "set-cookie"]
        said = [*pages.receipts, SECRET, "csam", "grooming", "narrative", "laptop"]
        around = Search([*said, *(pages.cookies if not cookies else ())]).in_bytes(seen.place, seen.around.encode())
        assert hits(around) == [], number
        assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer"), seen.place
        assert all(re.fullmatch(COOKIE, cookie) for cookie in cookies), seen.place
        assert seen.own or hits(Search([SECRET]).in_bytes(seen.place, seen.body.encode())) == [], seen.place
    shown = [seen for seen in pages.seen if any(receipt in seen.body for receipt in pages.receipts)]
    assert {seen.place.split("/", 2)[2] for seen in shown} <= SHOWS_RECEIPTS


def test_not_in_the_broker(filed: Filed, secret: Search) -> None:
    assert any("workers.deliver" in line for line in filed.monitored), "the watch saw doorbells"
    assert hits(secret.in_bytes("monitor", "\n".join(filed.monitored).encode())) == []
    assert hits(Search([NAMED]).in_bytes("monitor", "\n".join(filed.monitored).encode())) == []
    assert all(len(line) < 4096 for line in filed.monitored)


def test_not_in_what_channels_received_nor_identifiers_where_not_cleared(filed: Filed, secret: Search) -> None:
    received = b"\n".join(
        request.body + repr(dict(request.headers)).encode() + request.path.encode() for request in filed.sink.everything
    )

    assert len(filed.sink.everything) >= CONCERNS
    assert hits(secret.in_bytes("channels", received)) == []
    assert hits(Search([NAMED]).in_bytes("channels", received)) == []


def test_not_in_a_dump_of_the_database(filed: Filed, secret: Search, tmp_path: Path) -> None:
    owner = json.loads((filed.product.state / "servers.json").read_text())["database_url"]
    dump = tmp_path / "dump.sql"
    subprocess.run(
        [installed_package() / "pginstall/bin/pg_dump", "--file", dump, owner],
        check=True,
        env={**os.environ, "PGOPTIONS": ""},
    )

    assert "csam_suspected" in dump.read_text(), "the dump holds the cases"
    assert hits(secret.in_folder(tmp_path)) == []


def test_not_in_any_file_that_the_product_keeps(filed: Filed, secret: Search) -> None:
    names = {path.name for path in filed.product.state.rglob("*")}

    assert {"pg_wal", "logs"} <= names, "the write-ahead log and the logs are among them"
    assert hits(secret.in_folder(filed.product.state)) == []
    assert hits(Search([NAMED]).in_folder(filed.product.state / "postgres")), "what is stored, this search finds"


def test_the_logs_say_something_at_debug_but_no_identifier(filed: Filed) -> None:
    logs = filed.product.state / "logs"

    assert sum(path.stat().st_size for path in logs.rglob("*") if path.is_file()) > 10_000
    assert hits(Search([NAMED]).in_folder(logs)) == []
    assert hits(Search([NAMED, SECRET]).in_bytes("up", filed.product.output.read_bytes())) == []


def opened(filed: Filed, references: Iterable[str]) -> dict[str, Content]:
    """Return the contents of cases as the console opens them to somebody who has unlocked their key once."""
    engine, why = consoles(filed), "marked text test"
    reader, found = None, {}
    for reference in references:
        attempt = begin(engine, OPENED, kind="person", handle="reviewer", reference=reference, reason=why)
        reader = reader or identify(attempt, "reviewer", filed.passphrase)
        found[reference] = to_be_seen(attempt, shown(attempt, hold_key(attempt, reader), why), "reviewer")
    engine.dispose()
    return found


def test_a_member_gets_back_all_of_it_exactly(filed: Filed) -> None:
    found = opened(filed, filed.contents)

    assert len(found) == CONCERNS
    assert {r: (c.narrative, c.contact) for r, c in found.items()} == filed.contents


def test_and_of_what_was_typed_in_the_pages_with_how_far_each_wants_to_be_known(filed: Filed) -> None:
    engine = consoles(filed)
    with transaction(engine) as connection:
        newest = text("select reference from cases order by received_at desc limit 6")
        references = connection.execute(newest).scalars().all()
    engine.dispose()

    found = opened(filed, references).values()

    assert {(content.narrative, content.contact, content.identity.value) for content in found} >= filed.pages.written
    assert [f"{SECRET} harm" in str(content.narrative) for content in found].count(True) == 2


def test_the_command_line_opens_too_and_only_with_passphrase_and_reason(filed: Filed) -> None:
    reference, (narrative, contact) = next(iter(filed.contents.items()))
    arguments = ("cases", "open", reference, "--as", "reviewer", "--passphrase-stdin")

    opened = filed.product.cli_json(*arguments, "--reason", "marked text test", given=filed.passphrase)
    assert (opened["narrative"], opened["contact"]) == (narrative, contact)
    for arguments_given, passphrase in (((*arguments, "--reason", "no such word"), "wrong"), (arguments, "wrong")):
        refused = filed.product.cli(*arguments_given, given=passphrase)
        assert refused.returncode != 0
        assert "MÄRKED" not in refused.stdout + refused.stderr


def test_a_member_of_another_team_cannot(filed: Filed) -> None:
    added = filed.product.cli_json("people", "add", "other", "--team", "hr", "--as", "reviewer", given=filed.passphrase)
    engine = consoles(filed)
    not_hr = next(r for n, r in enumerate(filed.contents) if n % 4 == 0)
    try:
        with pytest.raises(RouterError):
            open_case(engine, reference=not_hr, handle="other", passphrase=added["passphrase"], reason="curious")
    finally:
        engine.dispose()
