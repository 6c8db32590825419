"""Starts and ends the two programs, the sink and the generator, each as processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError

import psutil

from router.embedded.account import free_port
from router.embedded.postgres import EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.settings import SERVERS_FILE
from tests.bench import backlog
from tests.bench.generator import Plan
from tests.configs import to_sink
from tests.running import CHECKOUT, running

BIN = Path(sys.executable).parent
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
READY_S = 120
QUOTA_PER_MINUTE = 1_000_000
END_S = 30


@dataclass(frozen=True)
class Running:
    """A program that takes concerns on `port`; `roots` are the processes that all its others stem from."""

    port: int
    token: str
    roots: tuple[int, ...]
    fill: Callable[[int], float]
    """Makes that many deliveries due at once without the web; returns when (`time.time()`) they were."""


@dataclass(frozen=True)
class SinkAt:
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def count(self) -> int:
        return int(_get(f"http://127.0.0.1:{self.port}/count"))

    def report(self) -> dict[str, Any]:
        seen: dict[str, Any] = json.loads(_get(f"http://127.0.0.1:{self.port}/"))
        return seen


@contextmanager
def started(
    words: Sequence[str], folder: Path, env: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process of its own group, its output in a file of `folder`; it and its children end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{Path(words[0]).name}-{time.monotonic_ns()}.out").open("wb") as out:
        process = subprocess.Popen(
            words,
            cwd=CHECKOUT,
            env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", **env},
            stdin=subprocess.DEVNULL,
            stderr=out,
            start_new_session=True,
            **{"stdout": out, **options},
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stdout:
                process.stdout.close()


@contextmanager
def sink(folder: Path) -> Iterator[SinkAt]:
    with started([sys.executable, "-m", "tests.bench.sink"], folder, {}, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield SinkAt(int(process.stdout.readline()), process.pid)


def generate(plan: Plan) -> dict[str, Any]:
    """Run the generator to its end and return what it saw."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench.generator"],
        input=json.dumps(asdict(plan)).encode(),
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        check=True,
        timeout=plan.life_s + 60,
    )
    seen: dict[str, Any] = json.loads(ended.stdout)
    return seen


@contextmanager
def product(folder: Path, target: SinkAt) -> Iterator[Running]:
    """Yield `concern-router up` with the shipped policy, its internal channels webhooks to `target`."""
    folder.mkdir(parents=True)
    to_sink(folder / "config", target.url)
    with running(folder, env={"CONCERN_ROUTER_LOG_LEVEL": "INFO", "CONCERN_ROUTER_ANONYMOUS_PER_HOUR": "100000"}) as up:
        added = up.cli_json("clients", "add", "bench", "--per-minute", str(QUOTA_PER_MINUTE))
        supervisor = up.processes()[0].parents()[0]
        owner: str = json.loads((up.state / SERVERS_FILE).read_bytes())["database_url"]
        fill = partial(backlog.of_cases, owner)
        yield Running(int(up.url.rpartition(":")[2]), added["token"], (supervisor.pid,), fill)


@contextmanager
def straight_line(folder: Path, target: SinkAt) -> Iterator[Running]:
    """Yield the straight-line program: uvicorn and two prefork workers, on servers from the same binaries."""
    folder.mkdir(parents=True)
    folder.chmod(0o711)
    port = free_port()
    with ExitStack() as stack:
        postgres, redis = EmbeddedPostgres(folder), EmbeddedRedis(folder)
        postgres.start()
        stack.callback(postgres.stop)
        redis.start()
        stack.callback(redis.stop)
        env = {
            "DATABASE_URL": postgres.superuser_dsn.replace("postgresql:", "postgresql+psycopg:", 1),
            "REDIS_URL": redis.url,
            "SINK_URL": target.url,
        }
        module = "tests.bench.straight_line"
        subprocess.run([sys.executable, "-m", module], cwd=CHECKOUT, env=env, check=True, timeout=60)
        worker = ["celery", "-A", f"{module}:queue", "worker", "--concurrency", "2", "--loglevel", "warning"]
        web = ["uvicorn", f"{module}:app", "--port", str(port), *UVICORN]
        processes = [
            stack.enter_context(started([sys.executable, "-m", *words], folder, env)) for words in (worker, web)
        ]
        wait_for(f"http://127.0.0.1:{port}/healthz")
        fill = partial(backlog.of_tasks, env, psutil.Process(processes[0].pid))
        yield Running(port, "", (postgres.pid, redis.pid, *(process.pid for process in processes)), fill)


def wait_for(url: str) -> None:
    """Wait until `url` answers 200."""
    end = time.monotonic() + READY_S
    while True:
        try:
            _get(url)
        except (URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback address
        body: bytes = answer.read()
        return body
