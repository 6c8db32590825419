"""Everything in one: servers, web, workers and chainer below one directory, watched and started again.

Keys and a first reviewer are made at the first start and their secrets shown once; neither is
stored. Each process gets its own database login and nobody else's. Leaves nothing outside the
state directory.
"""

import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from router import telemetry
from router.embedded.account import make_folder, server_account
from router.embedded.postgres import EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.embedded.running import write_private
from router.errors import Broken
from router.operating.firststart import begin
from router.operating.supervisor import LOOK_EVERY_S, Child, Place, Supervisor
from router.settings import CHILD, METRICS_VARIABLE, SERVERS_FILE, Settings
from router.store.upgrade import upgrade
from router.vocabulary import DEFAULT_POOL, Login

WORKER: Final = "worker"
WEB_STOP_S: Final = 12.0
WORKER_STOP_S: Final = 15.0
"""Beside a third of the lease, which a call under way may take."""
CHAINER_STOP_S: Final = 5.0
PUBLIC: Final = "public"
WORKER_ALONE: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""Workers need not know each other; without these each keeps a list of the others in Redis."""

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Of the operator's environment, what every child gets; workers get all: channels name secrets there."""
PREFIX: Final = "CONCERN_ROUTER_"
SECRET_PREFIXES: Final = (f"{PREFIX}DATABASE_URL", f"{PREFIX}REDIS_URL")


@contextmanager
def alone_in(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for this process; raises Broken when another `up` has it."""
    own = os.geteuid() != 0
    make_folder(state_dir, 0o700 if own else 0o711)
    make_folder(state_dir / "run", 0o700)
    with (state_dir / "run/up.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Broken(
                "already_running", f"another `up` uses {state_dir}; stop it, or set {PREFIX}STATE_DIR"
            ) from None
        # Logins that an earlier run left must not be taken for the operator's.
        (state_dir / SERVERS_FILE).unlink(missing_ok=True)
        try:
            yield
        finally:
            (state_dir / SERVERS_FILE).unlink(missing_ok=True)


class Up:
    """One run: what was started, and the addresses of the servers."""

    def __init__(self, settings: Settings, *, reviewer: str, say: Callable[[str], None]) -> None:
        """`settings` as the operator gave them; `reviewer` is the first one's handle; `say` prints a line."""
        self._given = settings
        self._settings = settings
        self._reviewer = reviewer
        self._say = say
        self._state = settings.state_dir.absolute()
        self._place = Place(self._state / "run", self._state / "logs", CHILD)
        self._supervisor = Supervisor()
        self._postgres: EmbeddedPostgres | None = None
        self._redis: EmbeddedRedis | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Start everything and keep it running until SIGINT or SIGTERM; then stop it in order."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: self._stopping.set())
        try:
            self._start()
            while not self._stopping.wait(LOOK_EVERY_S):
                self._follow(self._supervisor.look())
        finally:
            telemetry.get_log().info("stopping")
            self._supervisor.stop()

    def _start(self) -> None:
        for folder in ("logs", "tmp", "metrics"):
            if folder != "logs":
                shutil.rmtree(self._state / folder, ignore_errors=True)
            make_folder(self._state / folder, 0o700)
        self._check_house()
        children = self._children()
        # What an `up` that was killed left behind: senders first, servers when they start again.
        for child in reversed(children.values()):
            child.end_leftovers()
        self._check_binds()
        self._start_servers()
        upgrade(self._settings.owner_dsn, {login: role_of(self._settings.dsn(login)) for login in Login})
        begin(
            self._settings.dsn(Login.CONSOLE),
            secrets_dir=self._given.secrets_path,
            config_dir=self._given.config_dir,
            reviewer=self._reviewer,
            say=self._say,
        )
        for name, child in children.items():
            if self._stopping.is_set():
                return
            self._supervisor.add(name, child)
        self._say_where()

    def _check_binds(self) -> None:
        """Say which address is taken while somebody is there to read it."""
        for setting in ("bind", "console_bind", "metrics_bind"):
            host, _, port = getattr(self._given, setting).rpartition(":")
            try:
                socket.create_server((host, int(port))).close()
            except OSError:
                raise Broken("address_in_use", f"set {PREFIX}{setting.upper()}; {host}:{port} is taken") from None

    def _check_house(self) -> None:
        """Raise Broken when the public part would not start, rather than start it again and again."""
        from router.reporter.house.house import load_house  # noqa: PLC0415 - 6 MB that this process needs once

        load_house(self._given.config_dir, public_url=str(self._given.public_url), host=self._given.public_url.host)

    def _start_servers(self) -> None:
        if self._given.database_url is None and not any(getattr(self._given, f"database_url_{x}") for x in Login):
            self._postgres = EmbeddedPostgres(self._state)
            self._supervisor.add("postgres", self._postgres)
        if self._given.redis_url is None:
            self._redis = EmbeddedRedis(self._state)
            self._supervisor.add("redis", self._redis)
        self._publish_addresses()

    def _publish_addresses(self) -> None:
        """Keep the embedded servers' logins where commands in other shells find them (0600)."""
        servers: dict[str, str] = {}
        if self._postgres:
            servers["database_url"] = self._postgres.owner_dsn
            servers |= {f"database_url_{login.value}": self._postgres.dsn(login) for login in Login}
        if self._redis:
            servers["redis_url"] = self._redis.url
        if servers:
            write_private(self._state / SERVERS_FILE, orjson.dumps(servers))
        self._settings = self._given.model_copy(update={name: SecretStr(url) for name, url in servers.items()})

    def _follow(self, started: tuple[str, ...]) -> None:
        """After a server had to move to another port, start anew what was told the old one."""
        before = self._settings
        if {"postgres", "redis"} & set(started):
            self._publish_addresses()
        if self._settings != before:
            self._supervisor.restart(tuple(self._children()))

    def _children(self) -> dict[str, Child]:
        python = (sys.executable, "-m")
        celery = (*python, "celery", "--quiet", "-A", "workers.app")
        level = f"--loglevel={self._given.log_level}"
        commands: dict[str, tuple[tuple[str, ...], tuple[str, ...], float]] = {
            "chainer": ((*python, "router.cli", "audit", "chain"), ("database_url_chainer",), CHAINER_STOP_S),
            **{
                WORKER if pool == DEFAULT_POOL else f"{WORKER}-{pool}": (
                    (*celery, "worker", "--pool=prefork", *_taking(pool, processes), *WORKER_ALONE, level),
                    ("database_url_worker", "redis_url"),
                    self._given.lease_s / 3 + WORKER_STOP_S,
                )
                for pool, processes in ((DEFAULT_POOL, self._given.worker_processes), *self._given.worker_pools)
            },
            "beat": ((*celery, "beat", "--pidfile=", level), ("redis_url",), CHAINER_STOP_S),
            "console": (
                (*python, "router.cli", "serve", "--part", "console"),
                ("database_url_console", "redis_url"),
                WEB_STOP_S,
            ),
            **{
                PUBLIC if number == 1 else f"{PUBLIC}-{number}": (
                    (*python, "router.cli", "serve", "--part", "public", "--shared"),
                    ("database_url_intake", "redis_url"),
                    WEB_STOP_S,
                )
                for number in range(1, self._given.public_processes + 1)
            },
        }
        return {
            name: Child(name, command, environment=self._environment(name, own), place=self._place, stop_s=stop_s)
            for name, (command, own, stop_s) in commands.items()
        }

    def _environment(self, name: str, own: tuple[str, ...]) -> Callable[[], Mapping[str, str]]:
        """Return what makes a child's environment: settings, and only those addresses that it needs."""

        def made() -> Mapping[str, str]:
            everything = dict(os.environ)
            kept = {
                key: value
                for key, value in everything.items()
                if (name.partition("-")[0] == WORKER or key in PASSED_ON or key.startswith(PREFIX))
                and not key.startswith(SECRET_PREFIXES)
            }
            addresses = {
                f"{PREFIX}{setting.upper()}": getattr(self._settings, setting).get_secret_value() for setting in own
            }
            return {
                **kept,
                **addresses,
                f"{PREFIX}STATE_DIR": str(self._state),
                f"{PREFIX}CONFIG_DIR": str(self._given.config_dir.absolute()),
                f"{PREFIX}SECRETS_DIR": str(self._given.secrets_path.absolute()),
                METRICS_VARIABLE: str(self._state / "metrics"),
                "PYTHONUNBUFFERED": "1",
                "TMPDIR": str(self._state / "tmp"),
            }

        return made

    def _say_where(self) -> None:
        account = server_account().name if self._postgres or self._redis else ""
        self._say(f"reports    http://{self._given.bind}/report")
        self._say(f"API        http://{self._given.bind}/api/v1/concerns")
        self._say(f"console    http://{self._given.console_bind}/console")
        self._say(f"metrics    http://{self._given.metrics_bind}/metrics")
        self._say(f"state      {self._state}" + (f" (embedded servers run as {account})" if account else ""))


def _taking(pool: str, processes: int) -> tuple[str, ...]:
    """Return the options of a worker that takes one pool's doorbells."""
    return "-Q", pool, "-n", f"{pool}@%h", f"--concurrency={processes}"


def role_of(dsn: str) -> str:
    """Return the role's name in a DSN; raises Broken when it names none."""
    role = conninfo_to_dict(dsn).get("user")
    if not role:
        raise Broken("dsn_without_role", "each database address must name its own role: postgresql://role:...")
    return str(role)


def up(settings: Callable[[], Settings], *, reviewer: str, say: Callable[[str], None]) -> None:
    """Run everything in the foreground until told to stop; raises Broken with what to do."""
    with alone_in(settings().state_dir.absolute()):
        Up(settings(), reviewer=reviewer, say=say).run()
