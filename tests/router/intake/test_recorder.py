"""Many concerns share a commit; each sender hears its own outcome, and after the commit only."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.app import public_app
from router.errors import StoreFailed, Unavailable
from router.intake import recorder
from router.intake.recorder import Recorder
from router.model import Flooded
from router.settings import Settings
from router.vocabulary import Login, ReferralState
from tests.conftest import Database
from tests.makers import a_case, login, prepare
from tests.proxy import Proxy
from tests.publicpart import KEY, LEAST, count


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    prepare(database)
    with login(database, Login.INTAKE) as engine:
        yield engine


@contextmanager
def recording(engine: Engine, rung: list[str] | None = None, **options: Any) -> Iterator[Recorder]:
    def ring(channels: Iterable[str]) -> None:
        if rung is not None:
            rung.extend(channels)

    made = Recorder(engine, **{"batch": 100, "after_commit": ring, **options})
    made.start()
    try:
        yield made
    finally:
        made.stop()


def all_of(made: Recorder, cases: Iterable[Any]) -> list[Any]:
    async def run() -> list[Any]:
        return await asyncio.gather(*map(made.record, cases), return_exceptions=True)

    return asyncio.run(run())


def test_what_waits_together_is_committed_together(intake: Engine, database: Database) -> None:
    with recording(intake, threads=1) as made:
        outcomes = all_of(made, [a_case() for _ in range(60)])
    with psycopg.connect(database.owner_dsn) as connection:
        row = connection.execute("select count(distinct xmin::text) from cases").fetchone()

    assert outcomes == [None] * 60
    assert count(database, "cases") == 60
    assert row
    assert row[0] < 10


def test_one_concern_that_the_database_refuses_fails_alone(intake: Engine, database: Database) -> None:
    good = [a_case() for _ in range(20)]
    poison = replace(a_case(), facts=good[0].facts.model_copy(update={"category": "a\0b"}))
    with recording(intake, threads=1) as made:
        outcomes = all_of(made, [*good[:10], poison, *good[10:]])

    assert isinstance(outcomes[10], StoreFailed)
    assert outcomes[:10] + outcomes[11:] == [None] * 20
    assert count(database, "cases") == 20


def test_channels_with_something_due_are_rung_after_the_commit(intake: Engine, database: Database) -> None:
    seen: list[int] = []
    with recording(intake, after_commit=lambda _channels: seen.append(count(database, "referrals"))) as made:
        all_of(made, [a_case(channels=("desk", "other"))])

    assert seen == [2]


def test_standby_and_repeated_referrals_ring_nothing(intake: Engine) -> None:
    rung: list[str] = []
    with recording(intake, rung) as made:
        all_of(made, [a_case(channels=("later",), state=ReferralState.STANDBY)])
        all_of(made, [a_case(key=b"k")])
        assert all_of(made, [a_case(key=b"k", channels=("repeated",))])[0] is not None

    assert rung == ["desk"]


def test_with_the_database_away_nothing_is_kept_and_everybody_hears(database: Database) -> None:
    prepare(database)
    with login(database, Login.INTAKE) as engine, psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        admin.execute("alter role intake nologin")
        try:
            with recording(engine) as made:
                outcomes = all_of(made, [a_case() for _ in range(5)])
        finally:
            admin.execute("alter role intake login")

    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert count(database, "cases") == 0


def test_a_full_queue_sends_senders_away(intake: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_WAITING", 3)
    monkeypatch.setattr(recorder, "LONGEST_WAIT_S", 0.2)
    stalled = Recorder(intake, batch=100, after_commit=lambda _channels: None)

    outcomes = all_of(stalled, [a_case() for _ in range(5)])

    assert [outcome.code for outcome in outcomes] == ["recorder_slow"] * 3 + ["recorder_full"] * 2


def test_a_flood_fills_no_place_of_others_and_is_written_beside_them(
    intake: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: floods that fill a queue of 2,000 take long."""
    monkeypatch.setattr(recorder, "MOST_WAITING", 15)
    flooded = [replace(a_case(), flooded=Flooded("FLOOD-0000-0000-0000", None)) for _ in range(20)]
    others = [a_case() for _ in range(15)]
    committed: list[int] = []

    async def run() -> list[Any]:
        made = Recorder(intake, batch=10, after_commit=lambda _: committed.append(count(database, "flood_links")))
        waiting = [asyncio.ensure_future(made.record(case)) for case in (*flooded, *others)]
        await asyncio.sleep(0)
        made.start()
        await asyncio.to_thread(made.stop)
        return await asyncio.gather(*waiting, return_exceptions=True)

    outcomes = asyncio.run(run())

    assert outcomes[:15] + outcomes[20:] == [None] * 30
    assert [outcome.code for outcome in outcomes[15:20]] == ["recorder_full"] * 5
    assert committed == [1, 5, 15], "nine of ten for the others, and the rest as there is room"


def test_stopping_writes_what_waits(intake: Engine, database: Database) -> None:
    async def run() -> None:
        made = Recorder(intake, batch=100, threads=1, after_commit=lambda _channels: None)
        waiting = [asyncio.ensure_future(made.record(a_case())) for _ in range(5)]
        await asyncio.sleep(0)
        made.start()
        await asyncio.to_thread(made.stop)
        await asyncio.gather(*waiting)

    asyncio.run(run())

    assert count(database, "cases") == 5


def test_a_commit_whose_answer_got_lost_is_found_again_by_its_key(settings: Settings, database: Database) -> None:
    """The sender hears 503, though the concern is kept: the same key must get the 201 of that one."""
    direct = urlsplit(database.dsn(Login.INTAKE))
    armed = threading.Event()

    def pass_on(request: bytes, _answer: bytes) -> bool:
        lost = armed.is_set() and b"COMMIT" in request and count(database, "cases") == 1
        if lost:
            armed.clear()
        return not lost

    headers = {"Idempotency-Key": KEY}
    with Proxy(str(direct.hostname), int(direct.port or 0), on_answer=pass_on) as proxy:
        port = urlsplit(proxy.url).port
        dsn = direct._replace(netloc=f"{direct.username}:{direct.password}@127.0.0.1:{port}").geturl()
        through = settings.model_copy(update={"database_url_intake": SecretStr(dsn)})
        with TestClient(public_app(through)) as public:
            armed.set()
            lost = public.post("/api/v1/concerns", json=LEAST, headers=headers)
            assert not armed.is_set(), "the answer to the commit was cut off"
            again = [public.post("/api/v1/concerns", json=LEAST, headers=headers) for _ in range(2)]

    assert lost.status_code == 503
    assert [answer.status_code for answer in again] == [201, 201]
    assert again[0].content == again[1].content
    with psycopg.connect(database.owner_dsn) as connection:
        assert connection.execute("select reference from cases").fetchall() == [(again[0].json()["reference"],)]
