"""A ticket system's signed message: what is right becomes one hint, what is not leaves nothing but a count."""

import hmac
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from starlette.testclient import TestClient

from router import clock
from router.settings import Settings
from router.store import hints
from router.store.engine import transaction
from router.telemetry import HOOKS
from router.vocabulary import Login
from tests.configs import to_rt
from tests.conftest import Database
from tests.makers import login
from tests.publicpart import Start, everything, logged, served

__all__ = ["logged", "served"]  # fixtures

PLACE = "/api/v1/hooks/security-desk"
SECRET, OTHER_SECRET = "hook-secret-of-the-first", "hook-secret-of-the-other"
MARKED = "MARKED-7f3a"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two desks of one RT, each with a secret of its own."""
    config = to_rt(tmp_path / "with-rt", "http://127.0.0.1:9", "token", hook_secret="env:RT_HOOK")
    channels = yaml.safe_load((config / "channels.yaml").read_text())
    for name, secret in {"other": "env:OTHER_HOOK", "lost": "env:NO_SUCH_HOOK", "deaf": ""}.items():
        channel = channels[f"{name}-desk"] = deepcopy(channels["security-desk"]) | {"queue": name}
        channel |= {"hook_secret": secret} if secret else {}
        if not secret:
            del channel["hook_secret"]
    (config / "channels.yaml").write_text(yaml.safe_dump(channels))
    monkeypatch.setenv("RT_HOOK", SECRET)
    monkeypatch.setenv("OTHER_HOOK", OTHER_SECRET)
    return settings.model_copy(update={"config_dir": config, "body_deadline_s": 2})


def signed(
    sent: Any = None, *, secret: str = SECRET, at: datetime | None = None, delivery: str | None = None
) -> dict[str, Any]:
    """Return what the client must send: body and headers of a message about ticket 7, unless `sent` says another."""
    body = (
        sent if isinstance(sent, bytes) else json.dumps({"ticket": 7, "by": MARKED} if sent is None else sent).encode()
    )
    written = str(int((at or clock.now()).timestamp()))
    proof = hmac.new(secret.encode(), f"{written}.".encode() + body, "sha256").hexdigest()
    headers = {"Content-Type": "application/json", "X-RT-Timestamp": written, "X-RT-Signature": f"sha256={proof}"}
    return {"content": body, "headers": headers | ({"X-RT-Delivery": delivery} if delivery else {})}


def kept(database: Database) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_dsn) as connection:
        return connection.execute("select channel, remote_id, taken_at from hints order by received_at").fetchall()


def counted(code: str, channel: str = "security-desk") -> float:
    return float(HOOKS.labels(channel, code)._value.get())


def test_a_right_message_is_one_hint_of_the_ticket_and_nothing_else(
    public: TestClient, database: Database, logged: StringIO
) -> None:
    before = counted("taken")
    answer = public.post(PLACE, **signed())

    assert (answer.status_code, answer.content) == (204, b"")
    assert kept(database) == [("security-desk", "7", None)]
    assert counted("taken") == before + 1
    assert MARKED.encode() not in everything(database)
    assert SECRET not in logged.getvalue()
    assert MARKED not in logged.getvalue()


WRONG: dict[str, tuple[Callable[[], dict[str, Any]], int, str]] = {
    "unsigned": (
        lambda: {**signed(), "headers": {"Content-Type": "application/json"}},
        401,
        "signature_missing",
    ),
    "by another secret": (lambda: signed(secret=MARKED), 401, "signature_wrong"),
    "by another channel's secret": (lambda: signed(secret=OTHER_SECRET), 401, "signature_wrong"),
    "changed on the way": (lambda: signed() | {"content": b'{"ticket": 8}'}, 401, "signature_wrong"),
    "old": (lambda: signed(at=clock.now() - timedelta(minutes=6)), 401, "signature_old"),
    "of a time to come": (lambda: signed(at=clock.now() + timedelta(minutes=6)), 401, "signature_old"),
    "about nothing": (lambda: signed({"by": MARKED}), 422, "ticket_missing"),
    "about a text": (lambda: signed({"ticket": f"{MARKED} is a text"}), 422, "ticket_missing"),
    "no json": (lambda: signed(b"MARKED-7f3a"), 400, "not_json"),
    "huge": (lambda: signed({"ticket": 7, "x": "x" * 300_000}), 413, "body_too_large"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_right_is_counted_and_leaves_nothing(
    public: TestClient, database: Database, logged: StringIO, name: str
) -> None:
    message, status, code = WRONG[name]
    before = counted(code)
    answer = public.post(PLACE, **message())

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert kept(database) == []
    assert counted(code) == before + 1
    assert '"hook_refused"' in logged.getvalue()
    assert MARKED not in logged.getvalue() + answer.text


def test_a_replayed_message_is_refused_however_it_is_dressed(public: TestClient, database: Database) -> None:
    message = signed(delivery="4711")
    first = public.post(PLACE, **message)
    again = public.post(PLACE, **message)
    renamed = public.post(PLACE, **{**message, "headers": {**message["headers"], "X-RT-Delivery": "4712"}})
    upper = {**message["headers"], "X-RT-Signature": "sha256=" + message["headers"]["X-RT-Signature"][7:].upper()}
    dressed = public.post(PLACE, **{**message, "headers": upper})
    signed_again = public.post(PLACE, **signed(delivery="4711", at=clock.now() - timedelta(seconds=9)))

    assert first.status_code == 204
    for answer in (again, renamed, dressed, signed_again):
        assert (answer.status_code, answer.json()["code"]) == (409, "hook_replayed")
    assert len(kept(database)) == 1


def test_of_one_message_sent_twenty_times_at_once_one_is_kept(public: TestClient, database: Database) -> None:
    message = signed()
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: public.post(PLACE, **message).status_code, range(20)))

    assert sorted(answers) == [204, *[409] * 19]
    assert len(kept(database)) == 1


def test_a_message_for_one_channel_is_wrong_at_another(public: TestClient, database: Database) -> None:
    message = signed()
    answers = [public.post(f"/api/v1/hooks/{name}", **message) for name in ("other-desk", "security-desk")]

    assert [answer.status_code for answer in answers] == [401, 204]
    assert kept(database) == [("security-desk", "7", None)]


@pytest.mark.parametrize("name", ["no-such", "deaf-desk", "legal-desk", "Security-Desk", "security-desk%00", "a" * 300])
def test_a_channel_that_takes_no_hooks_is_not_there(public: TestClient, database: Database, name: str) -> None:
    answer = public.post(f"/api/v1/hooks/{name}", **signed())

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert kept(database) == []


def test_without_its_secret_a_channel_asks_to_come_back(public: TestClient, database: Database) -> None:
    answer = public.post("/api/v1/hooks/lost-desk", **signed(secret=""))

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "Retry-After" in answer.headers
    assert kept(database) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-RT-Signature", b"sha256=\xff\xfe" + b"0" * 60),
        ("X-RT-Signature", "sha256=\N{FULLWIDTH DIGIT ONE}".encode() * 8),
        ("X-RT-Signature", b"sha256="),
        ("X-RT-Timestamp", b"\xe9\xe9"),
        ("X-RT-Timestamp", b"1790000000; drop"),
        ("X-RT-Signature", b"sha256=" + b"0" * 30_000),
    ],
)
def test_odd_bytes_in_headers_are_wrong_signatures(public: TestClient, name: str, value: bytes) -> None:
    message = signed()
    headers = [(k.encode(), v.encode()) for k, v in message["headers"].items() if k != name]
    answer = public.post(PLACE, content=message["content"], headers=[*headers, (name.encode(), value)])

    assert (answer.status_code, answer.json()["code"]) == (401, "signature_wrong")


def test_two_signatures_in_two_headers_are_none(public: TestClient) -> None:
    message = signed()
    pairs = [(k.encode(), v.encode()) for k, v in message["headers"].items()]
    answer = public.post(PLACE, content=message["content"], headers=[*pairs, (b"x-rt-signature", b"sha256=00")])

    assert (answer.status_code, answer.json()["code"]) == (401, "signature_missing")


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content-Encoding", "gzip", 415),
        ("Content-Type", "text/plain", 415),
        ("Content-Type", "application/json; charset=utf-16", 415),
    ],
)
def test_what_is_packed_or_of_another_kind_is_refused_unread(
    public: TestClient, header: str, value: str, status: int
) -> None:
    message = signed()
    answer = public.post(PLACE, content=message["content"], headers={**message["headers"], header: value})

    assert answer.status_code == status


@pytest.fixture
def line(served: str) -> Iterator[socket.socket]:
    host, port = served.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as opened:
        yield opened


def test_a_body_that_never_ends_is_cut(line: socket.socket, database: Database) -> None:
    head = f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    got = b""
    try:
        for _ in range(100):
            line.sendall(b"2000\r\n" + b" " * 0x2000 + b"\r\n")
    except OSError:
        pass  # it was told to stop
    with_answer = line.recv(65536)
    got += with_answer

    assert b" 413 " in got.split(b"\r\n", 1)[0] + b" "
    assert kept(database) == []


def test_a_body_that_drips_is_cut(line: socket.socket, database: Database) -> None:
    head = f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    line.sendall(head.encode() + b'{"ticket"')
    answer = line.recv(65536)

    assert b" 408 " in answer.split(b"\r\n", 1)[0]
    assert kept(database) == []


def test_the_intakes_login_inserts_hints_and_reads_none(database: Database) -> None:
    with login(database, Login.INTAKE) as engine:
        with transaction(engine) as connection:
            assert hints.keep(connection, "desk", seal=b"s" * 32, delivery=None, remote_id="7")
            assert not hints.keep(connection, "desk", seal=b"s" * 32, delivery=None, remote_id="7")
            assert connection.execute(text("select channel, taken_at from hints")).all() == [("desk", None)]
        for forbidden in (
            "select remote_id from hints",
            "select seal from hints",
            "update hints set taken_at = now()",
            "delete from hints",
            "update referrals set look_at = now()",
        ):
            with engine.connect() as connection, pytest.raises(Exception, match="permission denied") as caught:
                connection.execute(text(forbidden))
            assert isinstance(caught.value.__cause__, InsufficientPrivilege)


def test_the_workers_login_makes_no_hints_and_sees_no_case(database: Database) -> None:
    with login(database, Login.WORKER) as engine:
        for forbidden in (
            "insert into hints (channel, seal, remote_id) values ('desk', '', '7')",
            "select seal from hints",
            "select state from cases",
            "update referrals set case_closed_at = now()",
            "insert into referrals (id) values ('x')",
        ):
            with engine.connect() as connection, pytest.raises(Exception, match="permission denied") as caught:
                connection.execute(text(forbidden))
            assert isinstance(caught.value.__cause__, InsufficientPrivilege)


def test_two_channels_with_one_secret_do_not_load(settings: Settings, start: Start) -> None:
    path = settings.config_dir / "channels.yaml"
    channels = yaml.safe_load(path.read_text())
    channels["other-desk"]["hook_secret"] = "env:RT_HOOK"
    path.write_text(yaml.safe_dump(channels))

    with pytest.raises(Exception, match="same_secret"):
        start()
