"""The bell rings soon, waits for nobody, and survives whatever becomes of Redis and PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Engine

from router.bell import QUEUE, SWEEP, WAKE, Bell
from router.embedded.redis import EmbeddedRedis
from router.store.cases import record
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import a_case, login, prepare
from tests.workers.processes import HalfOpen, wait_until


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "own-redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


def a_bell(redis: EmbeddedRedis, engine: Engine, *, sweep_every_s: float = 60.0) -> Bell:
    bell = Bell(redis.url, engine, sweep_every_s=sweep_every_s, lease_s=30)
    bell.start()
    return bell


def rung(redis: EmbeddedRedis, task: str = WAKE) -> int:
    with redis.client() as client:
        waiting: Any = client.lrange(QUEUE, 0, -1)
    return sum(task.encode() in message for message in waiting)


def test_rings_what_it_is_told(redis: EmbeddedRedis, intake: Engine) -> None:
    bell = a_bell(redis, intake)
    bell.ring(["desk", "hr"])

    assert wait_until(lambda: rung(redis) == 2)
    bell.stop()


def test_one_that_leaves_the_sweep_to_others_rings_what_it_is_told_alone(
    redis: EmbeddedRedis, database: Database, intake: Engine
) -> None:
    prepare(database)
    with transaction(intake) as connection:
        record(connection, [a_case(channels=("due",))])
    bell = Bell(redis.url, intake, sweep_every_s=None, lease_s=30)
    bell.start()
    for channel in ("desk", "hr"):
        bell.ring([channel])

    assert wait_until(lambda: rung(redis) == 2)
    assert rung(redis, SWEEP) == 0
    bell.stop()


def test_many_rings_become_few(redis: EmbeddedRedis, intake: Engine) -> None:
    bell = a_bell(redis, intake)
    for _ in range(500):
        bell.ring(["desk"])
        sleep(0.0005)
    sleep(0.5)
    bell.stop()

    assert 1 <= rung(redis) <= 30


def test_rings_what_is_due_with_the_rights_of_the_intake(
    redis: EmbeddedRedis, intake: Engine, database: Database
) -> None:
    prepare(database)
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        record(connection, [a_case(channels=("desk",))])
    owner.dispose()
    bell = a_bell(redis, intake, sweep_every_s=0.2)

    assert wait_until(lambda: rung(redis) >= 2)
    assert rung(redis, SWEEP) >= 1
    bell.stop()


def test_a_ring_never_waits_and_never_raises_with_redis_down(redis: EmbeddedRedis, intake: Engine) -> None:
    redis.stop()
    bell = a_bell(redis, intake, sweep_every_s=0.2)
    slowest = max(seconds_to_ring(bell) for _ in range(20))
    redis.start()
    sleep(0.1)
    bell.ring(["desk"])

    assert slowest < 0.1
    assert wait_until(lambda: rung(redis, SWEEP) >= 1)
    bell.stop()


@pytest.mark.faults
def test_a_frozen_redis_delays_the_bell_only_and_it_rings_again_after_the_thaw(
    redis: EmbeddedRedis, intake: Engine
) -> None:
    bell = a_bell(redis, intake, sweep_every_s=0.5)
    assert wait_until(lambda: rung(redis, SWEEP) >= 1)
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        slowest = max(seconds_to_ring(bell) for _ in range(20))
        began = monotonic()
        sleep(3)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    before = rung(redis, SWEEP)

    assert slowest < 0.1
    assert wait_until(lambda: rung(redis, SWEEP) > before + 1, 30)
    assert monotonic() - began < 40
    bell.stop()


@pytest.mark.faults
def test_a_connection_that_went_silent_is_given_up(redis: EmbeddedRedis, intake: Engine) -> None:
    with HalfOpen(redis.port) as line:
        bell = Bell(redis.url.replace(f":{redis.port}/", f":{line.port}/"), intake, sweep_every_s=0.5, lease_s=30)
        bell.start()
        assert wait_until(lambda: rung(redis, SWEEP) >= 1)
        line.silence()
        before = rung(redis, SWEEP)

        assert wait_until(lambda: rung(redis, SWEEP) > before + 1, 30)
        bell.stop()


@pytest.mark.faults
def test_stops_soon_though_redis_is_frozen(redis: EmbeddedRedis, intake: Engine) -> None:
    bell = a_bell(redis, intake, sweep_every_s=0.2)
    assert wait_until(lambda: rung(redis, SWEEP) >= 1)
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        sleep(0.5)
        began = monotonic()
        bell.stop()
        took_s = monotonic() - began
    finally:
        os.kill(redis.pid, signal.SIGCONT)

    assert took_s < 4


def test_a_redis_started_anew_and_empty_is_rung_at_once(redis: EmbeddedRedis, intake: Engine) -> None:
    bell = a_bell(redis, intake)
    bell.ring(["desk"])
    assert wait_until(lambda: rung(redis) == 1)
    redis.stop()
    redis.start()
    bell.ring(["desk"])
    sleep(1)
    bell.ring(["desk"])

    assert wait_until(lambda: rung(redis) >= 1)
    bell.stop()


def test_survives_a_database_that_is_away(redis: EmbeddedRedis) -> None:
    nowhere = connect("postgresql://intake:x@127.0.0.1:1/none", process="test")
    bell = a_bell(redis, nowhere, sweep_every_s=0.2)

    assert wait_until(lambda: rung(redis, SWEEP) >= 2)
    bell.ring(["desk"])
    assert wait_until(lambda: rung(redis) == 1)
    bell.stop()
    nowhere.dispose()


def test_what_could_not_be_rung_does_not_pile_up(redis: EmbeddedRedis, intake: Engine) -> None:
    redis.stop()
    bell = a_bell(redis, intake)
    for n in range(200):
        bell.ring([f"c{n}"])
        sleep(0.001)

    assert wait_until(lambda: not bell._wanted, 30)
    bell.stop()


def seconds_to_ring(bell: Bell) -> float:
    began = monotonic()
    bell.ring(["desk"])
    took_s = monotonic() - began
    sleep(0.02)
    return took_s


def test_rings_where_the_workers_of_a_channel_listen(redis: EmbeddedRedis, intake: Engine) -> None:
    pools = {"night": "night-shift"}
    bell = Bell(redis.url, intake, sweep_every_s=60, lease_s=30, pool_of=lambda channel: pools.get(channel, QUEUE))
    bell.start()
    bell.ring(["desk", "night"])

    assert wait_until(lambda: rung(redis) == 1)
    with redis.client() as client:
        assert wait_until(lambda: client.llen("night-shift") == 1)
        assert client.llen(QUEUE) >= 1
    bell.stop()
