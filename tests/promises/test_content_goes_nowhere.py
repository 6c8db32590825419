"""Promise 1 on the running product: marked text is found nowhere but by a member who opens the case.

Two hundred concerns with markers in narrative and contact, and markers in everything that gets
refused; then every place where something could have been written down is searched, in every
encoding. Identifiers may be stored, but must not reach channels that are not cleared for them.
"""

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from router.console.opening import open_case
from router.embedded.postgres import installed_package
from router.errors import RouterError
from router.store.engine import connect
from tests.configs import to_sink
from tests.marked import Hit, Search
from tests.running import Product, running
from tests.servers import Sink

CONCERNS = 200
SECRET = "MÄRKED-7f3a-secret"  # narrative, contact, and all that is refused
NAMED = "MARKED-7f3a-named"  # identifiers: url, asset_tag, subject_handle
FREE_OF_IDENTIFIERS = ["category", "severity", "noticed_how", "where_found", "site", "urgency", "claim_by", "link"]


@dataclass
class Filed:
    """What was filed and what was seen on the way."""

    product: Product
    sink: Sink
    passphrase: str
    contents: dict[str, tuple[str, str]] = field(default_factory=dict)
    answers: list[bytes] = field(default_factory=list)
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


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filed]:
    root = tmp_path_factory.mktemp("content")
    with Sink() as sink:
        to_sink(root / "config", sink.url, carries=FREE_OF_IDENTIFIERS)
        with running(root) as product:
            filed = Filed(product, sink, product.passphrase())
            broker = redis.Redis.from_url(json.loads((product.state / "servers.json").read_text())["redis_url"])
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
def secret() -> Search:
    return Search([SECRET, SECRET.replace("Ä", "A"), SECRET.lower()])


def test_not_in_what_anybody_was_answered(filed: Filed, secret: Search) -> None:
    assert len(filed.answers) > 20
    for number, answer in enumerate(filed.answers):
        assert hits(secret.in_bytes(f"answer {number}", answer)) == []


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


def test_a_member_gets_back_all_of_it_exactly(filed: Filed) -> None:
    dsn = json.loads((filed.product.state / "servers.json").read_text())["database_url_console"]
    engine = connect(dsn, process="test-open")
    try:
        opened = {
            reference: open_case(
                engine, reference=reference, handle="reviewer", passphrase=filed.passphrase, reason="marked text test"
            )
            for reference in filed.contents
        }
    finally:
        engine.dispose()

    assert len(opened) == CONCERNS
    assert {r: (c.narrative, c.contact) for r, c in opened.items()} == filed.contents


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
    dsn = json.loads((filed.product.state / "servers.json").read_text())["database_url_console"]
    engine = connect(dsn, process="test-open")
    not_hr = next(r for n, r in enumerate(filed.contents) if n % 4 == 0)
    try:
        with pytest.raises(RouterError):
            open_case(engine, reference=not_hr, handle="other", passphrase=added["passphrase"], reason="curious")
    finally:
        engine.dispose()
