"""Bad input gets a problem document with a code; nothing of it is answered, logged or stored, and nothing breaks.

Against a real server on a real database, with the product's own logging at DEBUG.
"""

import base64
import gzip
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import httpx2
import pytest
from sqlalchemy import Engine

from router.settings import Settings
from router.web.refusals import GUIDANCE, LEAVE_IT, STATUS
from tests.conftest import Database
from tests.marked import Search
from tests.publicpart import (
    KEY,
    LEAST,
    bearer,
    console,
    count,
    everything,
    logged,
    new_client,
    served,
    settings,
)

__all__ = ["console", "logged", "served", "settings"]

MARKER: Final = "MARKED-7f3a-input"
CONCERNS: Final = "/api/v1/concerns"
JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """One bad request, and the code it must get."""

    code: str
    body: bytes
    headers: dict[str, str]
    path: str = CONCERNS
    method: str = "POST"


def sent(**fields: Any) -> bytes:
    return json.dumps({**LEAST, "contact": MARKER, **fields}).encode()


def bad(code: str, body: bytes, *, path: str = CONCERNS, method: str = "POST", **headers: str) -> Bad:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Bad(code, body, JSON | given, path, method)


def wrong(code: str, **fields: Any) -> Bad:
    return bad(code, sent(**fields))


PNG: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()
BAD: Final = {
    "a wrong type": wrong("wrong_type", narrative=7),
    "an unknown field": wrong("unknown_field", **{MARKER: MARKER}),
    "an unknown category": wrong("unknown_category", category=MARKER),
    "an unknown value": wrong("unknown_value", where_found=MARKER),
    "a time without zone": wrong("time_without_zone", occurred_at="2026-01-01T00:00:00"),
    "a time in the future": wrong("time_in_future", occurred_at="2999-01-01T00:00:00Z"),
    "no time": wrong("malformed", occurred_at=MARKER),
    "65 KiB": bad("body_too_large", sent(narrative=MARKER * (65 * 1024 // len(MARKER)))),
    "100,000 deep": bad("body_too_large", b"[" * 100_000),
    "60,000 deep": bad("too_deep", b"[" * 60_000),
    "deep and closed": bad("too_deep", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "invalid UTF-8": bad("not_utf8", MARKER.encode() + b"\xff\xfe"),
    "UTF-16": bad("not_utf8", json.dumps({**LEAST, "contact": MARKER}).encode("utf-16")),
    "a byte order mark": bad("not_utf8", b"\xef\xbb\xbf" + sent()),
    "a lone surrogate": bad("lone_surrogate", b'{"contact": "' + MARKER.encode() + b'\\ud800"}'),
    "NUL": wrong("nul_character", narrative=MARKER + "\0"),
    "NaN": bad("number_refused", b'{"category": NaN, "contact": "' + MARKER.encode() + b'"}'),
    "5,000 digits": bad("number_refused", b'{"category": ' + b"9" * 5000 + b"}"),
    "a duplicate key": bad("duplicate_key", b'{"contact": "' + MARKER.encode() + b'", "contact": "x"}'),
    "3,000 keys": bad("unknown_field", sent(**{f"{n}": n for n in range(3_000)})),
    "no JSON": bad("not_json", MARKER.encode()),
    "no object": bad("wrong_type", b'["' + MARKER.encode() + b'"]'),
    "nothing": bad("not_json", b""),
    "multipart": bad(
        "media_type_refused",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="' + MARKER.encode() + b'"\r\n\r\nx\r\n--x--',
        Content_Type=f"multipart/form-data; boundary={MARKER}",
    ),
    "an image": bad("media_type_refused", b"\x89PNG\r\n", Content_Type="image/png"),
    "a form at the API": bad("media_type_refused", b"category=x", Content_Type="application/x-www-form-urlencoded"),
    "another charset": bad("media_type_refused", sent(), Content_Type="application/json; charset=utf-16"),
    "gzip": bad("content_encoding_refused", gzip.compress(sent()), Content_Encoding="gzip"),
    "an unknown encoding": bad("content_encoding_refused", sent(), Content_Encoding=MARKER),
    "a wrong token": bad("token_refused", sent(), Authorization=f"Bearer {MARKER}"),
    "another scheme": bad("token_refused", sent(), Authorization=f"Basic {MARKER}"),
    "a weak key": bad("idempotency_key_weak", sent(), Idempotency_Key=MARKER),
    "a malformed key": bad("idempotency_key_malformed", sent(), Idempotency_Key=f"{MARKER} {MARKER}"),
    "a URL with credentials": wrong("url_credentials", url=f"https://{MARKER}:x@example.org/"),
    "a javascript URL": wrong("url_refused", url=f"javascript:{MARKER}"),
    "a perceptual hash": wrong("perceptual_hash", hashes=[{"algorithm": "photodna", "value": "0" * 64}]),
    "an unknown hash": wrong("unknown_value", hashes=[{"algorithm": MARKER, "value": "0" * 64}]),
    "a data URI": wrong("data_uri", narrative=f"look: data:image/png;base64,{MARKER}"),
    "a file as base64": wrong("file_signature", narrative=PNG),
    "a file in an unknown field": wrong("file_signature", photo=PNG),
    "bytes as hex": wrong("encoded_run", contact=bytes(range(256)).hex()),
    "a terminal escape": wrong("control_character", narrative=f"\x1b]0;{MARKER}\x07"),
    "turned text": wrong("direction_override", narrative=f"\u202e{MARKER}"),
    "an unknown path": bad("not_found", sent(), path=f"/{MARKER}?{MARKER}={MARKER}"),
    "an unknown method": bad("method_not_allowed", b"", method="PATCH"),
    "an unknown reference": bad("client_required", b"", path=f"{CONCERNS}/{MARKER}", method="GET"),
    "an anonymous batch": bad("client_required", sent(), path=f"{CONCERNS}/batch"),
}


def problem(answer: httpx2.Response, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    assert document["status"] == answer.status_code == STATUS[code]
    assert document["detail"] == GUIDANCE[code]
    return document


def silent(answer: httpx2.Response, logged: StringIO, database: Database) -> Iterator[str]:
    search = Search([MARKER])
    for where, text in (
        ("answer", answer.content),
        ("headers", repr(answer.headers).encode()),
        ("log", logged.getvalue().encode()),
        ("database", everything(database)),
    ):
        yield from (f"{hit.where}: {hit.how}" for hit in search.in_bytes(where, text))


def test_bad_input_gets_a_code_and_leaves_no_trace(
    served: str, logged: StringIO, database: Database, subtests: pytest.Subtests
) -> None:
    with httpx2.Client(base_url=served) as http:
        for name, case in BAD.items():
            with subtests.test(name):
                answer = http.request(
                    case.method,
                    case.path,
                    content=case.body,
                    headers={**case.headers, "X-Note": MARKER, "User-Agent": MARKER, "Cookie": f"a={MARKER}"},
                )

                problem(answer, case.code)
                assert list(silent(answer, logged, database)) == []
        well = http.post(CONCERNS, json=LEAST)

    assert well.status_code == 201
    assert logged.getvalue().count("concern_refused") == len(BAD)
    assert count(database, "cases") == 1
    assert count(database, "idempotency") == 0


def test_a_reused_key_with_another_body_leaves_the_first_alone(
    served: str, logged: StringIO, database: Database
) -> None:
    with httpx2.Client(base_url=served, headers={"Idempotency-Key": KEY}) as http:
        first = http.post(CONCERNS, json=LEAST)
        other = http.post(CONCERNS, content=sent(narrative=MARKER), headers=JSON)
        again = http.post(CONCERNS, json=LEAST)

    problem(other, "idempotency_key_reused")
    assert first.json() == again.json()
    assert list(silent(other, logged, database)) == []
    assert KEY.encode() not in everything(database)
    assert KEY not in logged.getvalue()


def test_one_bad_item_of_a_batch_leaves_the_others_alone(
    served: str, console: Engine, logged: StringIO, database: Database
) -> None:
    items = [LEAST, json.loads(sent(narrative=PNG)), LEAST, {MARKER: MARKER}]
    with httpx2.Client(base_url=served, headers=bearer(new_client(console, "agent"))) as http:
        answer = http.post(f"{CONCERNS}/batch", json={"concerns": items})

    assert [item["status"] for item in answer.json()["answers"]] == [201, 422, 201, 422]
    assert list(silent(answer, logged, database)) == []
    assert count(database, "cases") == 2


def test_endless_chunks_end(served: str, logged: StringIO, database: Database) -> None:
    host, port = served.removeprefix("http://").split(":")
    lines = (f"POST {CONCERNS} HTTP/1.1", "Host: a", "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + MARKER.encode().ljust(65_536) + b"\r\n"
    rounds, got = 0, b""
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall("\r\n".join((*lines, "", "")).encode())
        try:
            while rounds < 2000:
                line.sendall(chunk)
                rounds += 1
        except OSError:
            pass
        try:
            got = line.recv(65_536)
        except ConnectionResetError:
            got = b"HTTP/1.1 413 "

    assert rounds < 2000
    assert got.startswith(b"HTTP/1.1 413 ")
    assert MARKER.encode() not in got
    assert MARKER not in logged.getvalue()
    assert count(database, "cases") == 0


@pytest.mark.parametrize("body", [b"category=harassment&narrative=" + MARKER.encode(), MARKER.encode() + b"=1"])
def test_the_page_shows_what_was_typed_to_whoever_typed_it_and_keeps_nothing(
    served: str, logged: StringIO, database: Database, body: bytes
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx2.post(f"{served}/report", content=body, headers=headers)

    assert answer.status_code == 422
    assert MARKER not in logged.getvalue()
    assert MARKER.encode() not in everything(database)
    assert count(database, "cases") == 0


@pytest.mark.parametrize("code", ["media_type_refused", "content_encoding_refused", "body_too_large", "data_uri"])
def test_whoever_may_have_sent_material_is_told_to_leave_it(code: str) -> None:
    assert LEAVE_IT in GUIDANCE[code]


def test_settings_are_shown_without_their_secrets(settings: Settings) -> None:
    assert "postgresql://" not in repr(settings)
