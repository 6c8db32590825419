"""What tests stand on: real servers from the wheels, and folders below the checkout's var/.

Each run of pytest has a folder of its own, var/pytest/<process id>, so that runs beside each
other do not meet; what dead runs left is removed, their servers included.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest
from argon2 import PasswordHasher
from psycopg import sql

from router import keymaking
from router.console.signin import passwords
from router.embedded.account import make_folder
from router.embedded.postgres import OWNER, SUPERUSER, EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.embedded.running import end_noted, note, noted
from router.store.upgrade import upgrade
from router.vault.keyring import Cost, make_member
from router.vocabulary import Login
from tests import databases
from tests.databases import TEMPLATE

CHECKOUT = Path(__file__).resolve().parent.parent
RUNS = CHECKOUT / "var/pytest"
REAL_PROCESSES = ("tests/faults/", "tests/system/", "tests/promises/", "tests/workers/test_processes.py")
# Folders that an unprivileged server has to pass, but not list.
FOLDER_MODE = 0o711


@dataclass(frozen=True)
class Database:
    """A fresh, migrated database on the session's cluster, with a DSN for each login."""

    server: EmbeddedPostgres
    name: str

    def dsn(self, login: Login) -> str:
        return self.server.address(login, self.name)

    @property
    def owner_dsn(self) -> str:
        return self.server.address(OWNER, self.name)

    @property
    def superuser_dsn(self) -> str:
        return self.server.address(SUPERUSER, self.name)


def pytest_configure(config: pytest.Config) -> None:
    make_folder(RUNS, FOLDER_MODE)
    if not hasattr(config, "workerinput"):
        _remove_dead_runs()
    if config.option.basetemp is None:
        run = RUNS / str(os.getpid())
        make_folder(run, FOLDER_MODE)
        note(run / "pytest.json", os.getpid())
        config.option.basetemp = str(run / "t")
    # Children's temporary files, and those of libraries.
    make_folder(CHECKOUT / "var/tmp", FOLDER_MODE)
    os.environ["TMPDIR"] = str(CHECKOUT / "var/tmp")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with real processes where several of us share the work, so that no long file is left over at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not any(name in item.nodeid for name in REAL_PROCESSES))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the faults' tests say of themselves; with pytest-xdist they ran in other processes."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    said = [said for report in reports for said in getattr(report, "user_properties", ()) if said[0] == "recovered"]
    took: dict[str, list[float]] = {}
    for _, (fault, seconds) in said:
        took.setdefault(fault, []).extend(seconds)
    if took:
        terminalreporter.section("seconds to recovery")
    for fault, seconds in sorted(took.items()):
        terminalreporter.line(f"{max(seconds):7.1f}  {fault}" + (f" (longest of {len(seconds)})" * (len(seconds) > 1)))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    run = RUNS / str(os.getpid())
    if exitstatus == pytest.ExitCode.OK and session.config.option.basetemp == str(run / "t"):
        shutil.rmtree(run, ignore_errors=True)


def _remove_dead_runs() -> None:
    for run in RUNS.iterdir():
        # A run that is just beginning has not noted itself yet.
        settled = time.time() - run.stat().st_mtime > 60
        if settled and noted(run / "pytest.json") is None:
            for left in run.rglob("run/*.json"):
                end_noted(left, (SIGKILL,), each_s=10, group=True)
            shutil.rmtree(run, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def passable_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytest makes its folders 0700; an unprivileged server has to pass them."""
    plain = tmp_path_factory.mktemp

    def mktemp(basename: str, numbered: bool = True) -> Path:  # noqa: FBT001, FBT002 - pytest's own signature
        folder = plain(basename, numbered)
        # One more in between where pytest-xdist works in several processes.
        for part in (folder, folder.parent, *(above for above in folder.parents if RUNS in above.parent.parents)):
            part.chmod(FOLDER_MODE)
        return folder

    tmp_path_factory.mktemp = mktemp  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def cheap_guesses() -> Iterator[None]:
    """A guess of a passphrase or a password costs 0.3 s and 128 MiB on purpose; hundreds of tests are about something
    else. Those about the cost say so (`costly_guesses`), and processes of their own do as in operation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keymaking, "make_member", partial(make_member, cost=Cost(memory_kib=64, passes=1)))
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session")
def servers_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def postgres(servers_dir: Path) -> Iterator[EmbeddedPostgres]:
    """The session's cluster; database `migrated` is the template of `database`."""
    server = EmbeddedPostgres(servers_dir)
    server.start()
    try:
        with psycopg.connect(server.address(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(TEMPLATE), sql.Identifier(OWNER))
            )
            _spare_the_disk(connection)
        upgrade(server.address(OWNER, TEMPLATE), {login: login.value for login in Login})
        yield server
    finally:
        databases.clear_away(server)
        server.stop()
        shutil.rmtree(servers_dir / "postgres", ignore_errors=True)


def _spare_the_disk(connection: psycopg.Connection) -> None:
    """Let nothing wait for the disk: thousands of tests make and drop a database, and none cuts the machine's power.

    What a process wrote before it was killed, the kernel keeps either way.
    """
    for setting in ("fsync", "full_page_writes", "autovacuum"):
        connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
    connection.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def redis_server(servers_dir: Path) -> Iterator[EmbeddedRedis]:
    """The session's Redis; tests that stop or freeze one start their own."""
    server = EmbeddedRedis(servers_dir)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def a_database(server: EmbeddedPostgres) -> Iterator[Database]:
    """Yield a database on the session's cluster, as the migrations leave it; nobody else has it."""
    name = databases.take(server)
    yield Database(server, name)
    databases.give_back(server, name)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A database of one test's own."""
    with a_database(postgres) as made:
        yield made
