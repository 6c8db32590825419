"""The product in separate processes, each started again when it ends, as an operator's supervisor does; nobody helps.

Web, workers, beat and chainer run their own entries by `pointed`, so that orders reach their fail points. The servers
behind them are given, and so is what stands between.
"""

import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
from psycopg.rows import dict_row

from router.embedded.account import free_port
from router.failpoints import FailPoint
from router.operating.firststart import begin
from router.operating.supervisor import Child, Place
from router.settings import METRICS_VARIABLE
from router.vocabulary import Login
from tests.conftest import CHECKOUT, Database
from tests.faults import orders
from tests.faults.orders import Act, Order, Orders
from tests.faults.pointed import CLOCK, NAMES
from tests.running import WAIT_IS_OVER

LEASE_S = 4
SETTINGS: Mapping[str, Any] = {
    "lease_s": LEASE_S,
    "sweep_every_s": 1,
    "sends_at_once": 4,
    "lease_batch": 16,
    "stall_s": 20,
    "anonymous_per_hour": 1_000_000,
    "parked_above_per_minute": 1_000_000,
    "log_level": "INFO",
}
READY_S = 90.0
RESTART_S = 0.3
LOOK_EVERY_S = 0.05
STOP_S = 0.5
"""A test is over by then, and has seen what it wanted."""
MARK = "FAULTS_PART"
WEB, WORKER, SECOND_WORKER, BEAT, CHAINER = "web", "worker", "worker-2", "beat", "chainer"


class Deployment:
    """Processes of one product, its orders, and its ledger as the owner sees it."""

    def __init__(
        self,
        root: Path,
        database: Database,
        redis_url: str,
        *,
        workers: int = 1,
        database_ports: Mapping[str, int] | None = None,
        redis_port: int | None = None,
        own_clocks: bool = False,
        names: Path | None = None,
        **settings: Any,
    ) -> None:
        """Prepare; `root/config` holds the configuration. The ports are those of lines in between,
        to the database one for each part that has one. `names` is what the resolver says; see `pointed`."""
        self.root = root
        self.database = database
        self.orders = Orders(root / "orders")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.ends: list[tuple[float, str]] = []
        """When (monotonic) which part was found dead."""
        self._settings = {**SETTINGS, **settings}
        self._off: set[str] = set()
        self._own_clocks = own_clocks
        self._names = names
        self._database_ports = database_ports or {}
        self._redis_url = _through(redis_url, redis_port)
        self._place = Place(root / "run", root / "logs", MARK)
        parts = [WEB, *(WORKER if n == 0 else f"{WORKER}-{n + 1}" for n in range(workers)), BEAT, CHAINER]
        self._parts = {name: self._child(name) for name in parts}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._supervising = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def start(self) -> None:
        """Make keys and a policy at the first start, start all parts, and wait until each takes work."""
        for name in ("run", "logs", "state/run", "metrics", "tmp"):
            (self.root / name).mkdir(exist_ok=True, parents=True)
        self.orders.make()
        console = self.database.dsn(Login.CONSOLE)
        kept, config = self.root / "secrets", self.root / "config"
        begin(console, secrets_dir=kept, config_dir=config, reviewer="first", say=lambda _: None)
        for child in self._parts.values():
            child.start()
        for name in self._parts:
            self.wait_ready(name)
        self._supervising.start()

    def stop(self) -> None:
        """Kill what is left, frozen or not."""
        self._ended.set()
        if self._supervising.ident:
            self._supervising.join()
        for child in reversed(self._parts.values()):
            if child.pid:
                for pid in self.family_of(child.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
            child.stop()

    def order(self, point: FailPoint, act: Act, *, skip: int = 0, who: str = orders.ANYBODY) -> Order:
        """Order `act` at the fail point; see `Orders.give`."""
        return self.orders.give(point, act, skip=skip, who=who)

    def pid(self, name: str) -> int:
        """Return the part's main process."""
        return self._parts[name].pid

    def names(self) -> list[str]:
        """Return all parts."""
        return list(self._parts)

    def pool(self, name: str = WORKER) -> list[int]:
        """Return the pool's processes of a worker."""
        return self.family_of(self.pid(name))[1:]

    def kill(self, name: str) -> None:
        """`kill -9` a part's main process, once there is one."""
        wait_until(lambda: self._killed(name), what=f"{name} runs")

    def _killed(self, name: str) -> bool:
        with self._lock:
            if pid := self.pid(name):
                os.kill(pid, signal.SIGKILL)
            return pid != 0

    def reshape(self, *names: str, **settings: Any) -> None:
        """Have these parts started anew with other settings."""
        self._settings.update(settings)
        before = {name: self.pid(name) for name in names}
        for name in names:
            self.kill(name)
        for name, was in before.items():
            self.wait_restarted(name, was)

    def switch_off(self, name: str) -> None:
        """Kill a part with all that it started, and leave it dead."""
        self._off.add(name)
        self.kill(name)
        with self._lock:
            self._parts[name].stop()

    def switch_on(self, name: str) -> None:
        """Start again a part that was switched off."""
        self._off.discard(name)
        self.wait_restarted(name, 0)

    def wait_restarted(self, name: str, was: int) -> None:
        """Wait until the part that had the process id `was` runs again and takes work."""
        wait_until(lambda: self.pid(name) not in {0, was}, what=f"{name} started again")
        self.wait_ready(name)

    def wait_ready(self, name: str) -> None:
        """Wait until the part takes work."""
        began = time.monotonic()
        while not self._ready(name):
            # Whoever cannot start at all is not started again and again.
            hopeless = self._supervising.ident is None and not self._parts[name].alive()
            assert not hopeless, f"{name}: {self.log(name)[-2000:]}"
            assert time.monotonic() - began < READY_S, f"{name}: {self.log(name)[-2000:]}"
            time.sleep(LOOK_EVERY_S)

    def log(self, name: str) -> str:
        """Return what the part logged so far."""
        file = self.root / "logs" / f"{name}.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Return what the database says, as its owner, over no line."""
        with psycopg.connect(self.database.owner_dsn, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        """Change something in the database as its owner; return how many rows."""
        with psycopg.connect(self.database.owner_dsn, autocommit=True) as connection:
            return connection.execute(statement.encode(), values).rowcount

    def states(self) -> dict[str, int]:
        """Return how many referrals of cases are in which state."""
        rows = self.rows("select state, count(*) as n from referrals where case_reference is not null group by 1")
        return {row["state"]: row["n"] for row in rows}

    def settled(self) -> bool:
        """Return whether no referral waits for anybody; not while the database is away."""
        try:
            return not {"due", "leased"} & set(self.states())
        except psycopg.Error:
            return False

    def set_clock(self, name: str, seconds: int) -> None:
        """Have the part's own clock be wrong by so much, and wait until each of its processes has seen that."""
        seen, said = self._clock(name).with_suffix(".seen"), secrets.token_hex(4)
        seen.mkdir(exist_ok=True)
        self._clock(name).with_suffix(".new").write_text(f"{seconds} {said}")
        self._clock(name).with_suffix(".new").replace(self._clock(name))
        pids = self.family_of(self.pid(name))
        wait_until(lambda: all((seen / f"{pid}-{said}").exists() for pid in pids), what=f"{name} follows its clock")

    def let_wait_be_over(self) -> None:
        """Have passed the time that referrals wait for their next try, and channels for theirs."""
        for statement in WAIT_IS_OVER:
            self.run(statement)

    def family_of(self, pid: int) -> list[int]:
        """Return a process and all that it started."""
        try:
            process = psutil.Process(pid)
            return [pid, *(child.pid for child in process.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of each part with what it started."""
        found = {}
        for name in self._parts:
            sizes = [psutil.Process(pid).memory_info().rss for pid in self.family_of(self.pid(name))]
            found[name] = round(sum(sizes) / 2**20, 1)
        return found

    def _clock(self, name: str) -> Path:
        return self.root / f"{name}.clock"

    def _ready(self, name: str) -> bool:
        if name == WEB:
            try:
                return httpx2.get(f"{self.url}/readyz", timeout=2).status_code == httpx2.codes.OK
            except httpx2.TransportError:
                return False
        if name.startswith(WORKER):
            return f'"pid":{self.pid(name)}' in re.sub(r'": ', '":', self.log(name))
        return self.pid(name) != 0 and psutil.pid_exists(self.pid(name))

    def _supervise(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            for name, child in self._parts.items():
                with self._lock:
                    if name in self._off or child.alive():
                        continue
                    self.ends.append((time.monotonic(), name))
                    child.stop()
                if self._ended.wait(RESTART_S):
                    return
                child.start()

    def _child(self, name: str) -> Child:
        web = ("router.cli", "serve", "--part", "public")
        worker = ("celery", "--quiet", "-A", "workers.app", "worker", "--pool=prefork", "--concurrency=2")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        entry: tuple[str, ...] = {
            WEB: web,
            BEAT: ("celery", "--quiet", "-A", "workers.app", "beat", "--pidfile="),
            CHAINER: ("router.cli", "audit", "chain"),
        }.get(name, (*worker, *quiet))
        command = (sys.executable, "-m", "tests.faults.pointed", *entry)
        return Child(name, command, environment=self._environment(name), place=self._place, stop_s=STOP_S)

    def _environment(self, name: str) -> Callable[[], Mapping[str, str]]:
        login = {WEB: Login.INTAKE, CHAINER: Login.CHAINER}.get(name, Login.WORKER)

        def made() -> Mapping[str, str]:
            given = {
                f"database_url_{login}": _through(self.database.dsn(login), self._database_ports.get(name)),
                "redis_url": self._redis_url,
                "state_dir": self.root / "state",
                "config_dir": self.root / "config",
                "secrets_dir": self.root / "secrets",
                "bind": self.url.removeprefix("http://"),
                "public_url": self.url,
                **self._settings,
            }
            return {
                "PATH": os.environ["PATH"],
                "TMPDIR": str(self.root / "tmp"),
                "PYTHONPATH": str(CHECKOUT),
                "PYTHONUNBUFFERED": "1",
                METRICS_VARIABLE: str(self.root / "metrics"),
                orders.FOLDER: str(self.orders.folder),
                orders.WHO: name,
                **({CLOCK: str(self._clock(name))} if self._own_clocks else {}),
                **({NAMES: str(self._names)} if self._names else {}),
                **{f"CONCERN_ROUTER_{key.upper()}": str(value) for key, value in given.items()},
            }

        return made


def wait_until(true: Callable[[], bool], *, within_s: float = 90.0, what: str = "") -> None:
    """Wait until `true()` holds; fail if it does not in time."""
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, f"not within {within_s:.0f} s: {what}"
        time.sleep(LOOK_EVERY_S)


@contextmanager
def deployed(deployment: Deployment) -> Iterator[Deployment]:
    """Start it, yield it, stop it."""
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()


def _through(address: str, port: int | None) -> str:
    """Return the address with another port."""
    return re.sub(r"@127\.0\.0\.1:\d+", f"@127.0.0.1:{port}", address) if port else address
