"""Redis killed, emptied, read-only, demoted, frozen, full, half-open: every 201 comes, nothing is lost or doubled."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from router.bell import QUEUE
from router.embedded.redis import EmbeddedRedis
from tests.conftest import Database
from tests.faults.deployment import Deployment, deployed, wait_until
from tests.faults.farside import FarSide
from tests.faults.filer import Filer
from tests.faults.lines import Line
from tests.faults.verdict import Scene

pytestmark = pytest.mark.faults
core = pytest.mark.core


@pytest.fixture(scope="module")
def line(own_redis: EmbeddedRedis) -> Iterator[Line]:
    with Line(own_redis.port) as made:
        yield made


@pytest.fixture(scope="module")
def shared_scene(
    root: Path, shared_database: Database, own_redis: EmbeddedRedis, far: FarSide, line: Line
) -> Iterator[Scene]:
    """Everything reaches Redis over a line."""
    far.configure(root / "config")
    with deployed(Deployment(root, shared_database, own_redis.url, redis_port=line.port)) as deployment:
        yield Scene(deployment, Filer(deployment.url), far)


@pytest.fixture
def every_201_comes(scene: Scene) -> Iterator[None]:
    """Nobody who files notices anything of Redis."""
    scene.filer.answers.clear()
    yield
    assert set(scene.filer.answers) == {"201"}


@core
@pytest.mark.usefixtures("every_201_comes")
def test_redis_killed_and_started_empty(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with scene.filer.filing():
        os.kill(own_redis.pid, signal.SIGKILL)
        scene.filer.file(20)
        own_redis.start()
        over = time.monotonic()

    scene.recovered("Redis killed and started empty", over)


@core
@pytest.mark.usefixtures("every_201_comes")
def test_everything_in_redis_forgotten_again_and_again(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with scene.filer.filing(), own_redis.client() as redis:
        for _ in range(20):
            scene.filer.file(2)
            redis.flushall()
    over = time.monotonic()

    scene.recovered("FLUSHALL, twenty times", over)


@core
@pytest.mark.usefixtures("every_201_comes")
def test_redis_takes_no_writes(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with scene.filer.filing(), own_redis.client() as redis:
        redis.config_set("min-replicas-to-write", 1)
        _refuses_writes(own_redis)
        scene.filer.file(30)
        redis.config_set("min-replicas-to-write", 0)
        over = time.monotonic()

    scene.recovered("Redis read-only", over)


@core
@pytest.mark.usefixtures("every_201_comes")
def test_redis_demoted_and_promoted(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with scene.filer.filing(), own_redis.client() as redis:
        redis.replicaof("127.0.0.1", "9")
        _refuses_writes(own_redis)
        scene.filer.file(30)
        redis.replicaof("no", "one")
        over = time.monotonic()

    scene.recovered("Redis demoted and promoted", over)


@pytest.mark.parametrize("seconds", [pytest.param(8, marks=core), 60])
@pytest.mark.usefixtures("every_201_comes")
def test_redis_frozen(scene: Scene, own_redis: EmbeddedRedis, seconds: int) -> None:
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            scene.filer.file(2)
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    over = time.monotonic()

    scene.recovered(f"Redis frozen for {seconds} s", over)


@core
@pytest.mark.usefixtures("every_201_comes")
def test_redis_full(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with own_redis.client() as redis:
        redis.config_set("maxmemory", 1)
        _refuses_writes(own_redis)
        scene.filer.file(30)
        redis.config_set("maxmemory", "256mb")
    over = time.monotonic()

    scene.recovered("Redis full", over)


@core
@pytest.mark.usefixtures("every_201_comes")
def test_redis_half_open(scene: Scene, line: Line) -> None:
    line.silence()
    scene.filer.file(10)
    over = time.monotonic()

    scene.recovered("Redis half-open", over)


@core
@pytest.mark.usefixtures("every_201_comes")
def test_redis_takes_connections_and_says_nothing(scene: Scene, line: Line) -> None:
    line.freeze()
    line.cut_all()
    scene.filer.file(30)
    line.thaw()
    over = time.monotonic()

    scene.recovered("Redis silent", over)


def _refuses_writes(redis: EmbeddedRedis) -> None:
    def refused() -> bool:
        with redis.client() as client:
            try:
                client.lpush(f"{QUEUE}-not-ours", "x")
            except RedisError:
                return True
            return False

    wait_until(refused, what="Redis refuses writes")
