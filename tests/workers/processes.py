"""Real worker processes for tests, started as an operator starts them, with the worker's login only."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import psutil

from router.vocabulary import Login
from tests.conftest import Database

CHECKOUT = Path(__file__).parents[2]
START_S = 60.0
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Worker:
    """One `celery -A workers.app worker` with two pool processes."""

    def __init__(
        self,
        database: Database,
        broker: str,
        folder: Path,
        *,
        options: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
        **settings: object,
    ) -> None:
        """`options` of Celery's own go to its command line; a worker with some has a log of its own."""
        name = re.sub(r"[^a-z0-9]+", "-", " ".join(options)).strip("-")
        self.log = folder / f"worker{name}.log"
        self._options = tuple(options)
        (folder / "state").mkdir(exist_ok=True)
        self._env: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "TMPDIR": os.environ.get("TMPDIR", str(folder)),
            "CONCERN_ROUTER_DATABASE_URL_WORKER": database.dsn(Login.WORKER),
            "CONCERN_ROUTER_REDIS_URL": broker,
            "CONCERN_ROUTER_STATE_DIR": str(folder / "state"),
            "CONCERN_ROUTER_CONFIG_DIR": str(folder),
            **{f"CONCERN_ROUTER_{name.upper()}": str(value) for name, value in settings.items()},
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it takes doorbells."""
        before = self._said().count('"event":"started"')
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "celery",
                    "-A",
                    "workers.app",
                    "worker",
                    "--concurrency=2",
                    *QUIET,
                    *self._options,
                ],
                env=dict(self._env),
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
            )
        assert wait_until(lambda: self._said().count('"event":"started"') > before, START_S), self._said()[-3000:]

    def children(self) -> list[psutil.Process]:
        """Return the pool's processes."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill_children(self) -> None:
        """End the pool's processes with SIGKILL."""
        for child in self.children():
            with suppress(psutil.NoSuchProcess):
                child.kill()

    def kill(self) -> None:
        """End it and its pool with SIGKILL, at once."""
        if self.process is not None and self.process.poll() is None:
            family = [*self.children(), psutil.Process(self.process.pid)]
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            self.process.wait()

    def stop(self, *signals: signal.Signals) -> float:
        """Ask it to stop, by SIGTERM or by these one after the other; return the seconds that it took."""
        assert self.process is not None
        began = time.monotonic()
        for nth, number in enumerate(signals or (signal.SIGTERM,)):
            assert not nth or wait_until(lambda: '"event":"stopping"' in self._said(), START_S)
            self.process.send_signal(number)
        self.process.wait(120)
        return time.monotonic() - began

    def _said(self) -> str:
        return self.log.read_text("utf-8", "replace").replace('": ', '":') if self.log.exists() else ""


@contextmanager
def a_worker(database: Database, broker: str, folder: Path, **more: Any) -> Iterator[Worker]:
    """Yield a running worker; its log and state stand in `folder`. `more` is what a Worker is told, or settings."""
    worker = Worker(database, broker, folder, **more)
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()


def wait_until(true: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    """Wait until `true()` holds; return whether it did in time."""
    deadline = time.monotonic() + timeout_s
    while not (held := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


class HalfOpen:
    """A line to Redis whose connections can go silent while new ones work: what a vanished node looks like."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._epoch = 0
        self._open: list[socket.socket] = []

    def silence(self) -> None:
        """Pass nothing on any connection that is open now."""
        self._epoch += 1

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                self._open += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, target, self._epoch), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, epoch: int) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if epoch == self._epoch:
                    target.sendall(chunk)
