"""PostgreSQL restarted, frozen, out of connections, cut off at a commit: no 201 without a row, and all parts mend."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from router.embedded.postgres import DATABASE, EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.store.upgrade import upgrade
from router.vocabulary import Login
from tests.conftest import Database
from tests.faults.deployment import CHAINER, WEB, WORKER, Deployment, deployed, wait_until
from tests.faults.farside import FarSide
from tests.faults.filer import Filer
from tests.faults.lines import Cut, Line
from tests.faults.verdict import Scene

pytestmark = pytest.mark.faults
core = pytest.mark.core


@pytest.fixture(scope="module")
def own_postgres(root: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(root)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lines(own_postgres: EmbeddedPostgres) -> Iterator[dict[str, Line]]:
    """A line to the database for each part that writes there."""
    with Line(own_postgres.port) as web, Line(own_postgres.port) as worker, Line(own_postgres.port) as chainer:
        yield {WEB: web, WORKER: worker, CHAINER: chainer}


@pytest.fixture(scope="module")
def shared_scene(
    root: Path, own_postgres: EmbeddedPostgres, own_redis: EmbeddedRedis, far: FarSide, lines: dict[str, Line]
) -> Iterator[Scene]:
    """Everything reaches a PostgreSQL of its own over lines."""
    upgrade(own_postgres.owner_dsn, {login: login.value for login in Login})
    far.configure(root / "config")
    ports = {name: line.port for name, line in lines.items()}
    database = Database(own_postgres, DATABASE)
    with deployed(Deployment(root, database, own_redis.url, database_ports=ports)) as deployment:
        yield Scene(deployment, Filer(deployment.url), far)


@core
@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL])
def test_postgresql_ended_at_once_and_started_again(
    scene: Scene, own_postgres: EmbeddedPostgres, number: signal.Signals
) -> None:
    with scene.filer.filing():
        scene.filer.file(5)
        os.kill(own_postgres.pid, number)
        wait_until(lambda: not own_postgres.alive(), what="PostgreSQL is gone")
        _filer_hears(scene, "503")
        own_postgres.start()
        over = time.monotonic()
        scene.filer.file(5)

    scene.recovered(f"PostgreSQL ended by {number.name}", over)


@pytest.mark.parametrize("when", Cut)
@pytest.mark.parametrize("part", [pytest.param(WEB, marks=core), pytest.param(WORKER, marks=core), CHAINER])
def test_connection_cut_at_a_commit(scene: Scene, lines: dict[str, Line], part: str, when: Cut) -> None:
    line = lines[part]
    before = line.cuts
    line.cut_at_commit(when)
    with scene.filer.filing():
        if part == WEB:
            _filer_hears(scene, "503")
        # The chainer waits longer each time.
        wait_until(lambda: line.cuts >= before + (2 if part == CHAINER else 5), what="connections were cut")
        line.cut_at_commit(None)
        over = time.monotonic()

    scene.recovered(f"{part} cut off at a commit, {when}", over)


@core
def test_all_sessions_ended(scene: Scene, own_postgres: EmbeddedPostgres) -> None:
    with scene.filer.filing():
        for _ in range(10):
            _end_sessions(own_postgres)
            scene.filer.file(2)
        over = time.monotonic()

    scene.recovered("all sessions ended, ten times", over)


@pytest.mark.parametrize("seconds", [pytest.param(8, marks=core), 60])
def test_postgresql_frozen(scene: Scene, own_postgres: EmbeddedPostgres, seconds: int) -> None:
    with scene.filer.filing():
        scene.filer.file(5)
        frozen = [psutil.Process(own_postgres.pid), *psutil.Process(own_postgres.pid).children()]
        for process in frozen:
            process.suspend()
        try:
            # The length is the fault; what is done meanwhile waits.
            time.sleep(seconds)
        finally:
            for process in frozen:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
        over = time.monotonic()

    scene.recovered(f"PostgreSQL frozen for {seconds} s", over)


@core
def test_no_connection_left(scene: Scene, own_postgres: EmbeddedPostgres) -> None:
    with scene.filer.filing():
        with ExitStack() as taken:
            before = scene.filer.answers["503"]
            wait_until(
                lambda: _all_taken(own_postgres, taken) and scene.filer.answers["503"] > before, what="an answer 503"
            )
        over = time.monotonic()

    scene.recovered("no connection left", over)


def _all_taken(server: EmbeddedPostgres, taken: ExitStack) -> bool:
    """Cut off everybody else, and take each connection before they have it again."""
    _end_sessions(server, but="owner")
    with suppress(psycopg.OperationalError):
        while True:
            taken.enter_context(psycopg.connect(server.owner_dsn, autocommit=True))
    return True


def _end_sessions(server: EmbeddedPostgres, but: str = "") -> None:
    query = (
        "select pg_terminate_backend(pid) from pg_stat_activity where usename is not null and pid <> pg_backend_pid()"
    )
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"{query} and usename not in ('postgres', %s)", [but])


def _filer_hears(scene: Scene, status: str) -> None:
    """Wait until somebody who files was answered so."""
    before = scene.filer.answers[status]
    wait_until(lambda: scene.filer.answers[status] > before, what=f"an answer {status}")
