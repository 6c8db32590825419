"""The product as its users run it: `concern-router up` in a folder of its own, and its command line."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg

from router.embedded.account import free_port

CHECKOUT = Path(__file__).parents[1]
START_S = 90
STOP_S = 60
WAIT_IS_OVER = (
    "update referrals set due_at = least(due_at, clock_timestamp()) where state = 'due'",
    "update channel_states set until = least(until, clock_timestamp()) where until is not null",
)
"""Statements after which the time has passed that referrals wait for their next try, and channels for theirs."""


class Product:
    """One running `up`: its addresses, processes, first passphrase and command line."""

    def __init__(self, root: Path, *, env: Mapping[str, str] | None = None) -> None:
        """Prepare to run below `root`; `root/config` must hold the configuration."""
        self.state = root / "state"
        self.config = root / "config"
        ports = [free_port() for _ in range(3)]
        self.url, self.console_url, self.metrics_url = (f"http://127.0.0.1:{port}" for port in ports)
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CONCERN_ROUTER_")},
            "CONCERN_ROUTER_STATE_DIR": str(self.state),
            "CONCERN_ROUTER_CONFIG_DIR": str(self.config),
            "CONCERN_ROUTER_BIND": f"127.0.0.1:{ports[0]}",
            "CONCERN_ROUTER_CONSOLE_BIND": f"127.0.0.1:{ports[1]}",
            "CONCERN_ROUTER_METRICS_BIND": f"127.0.0.1:{ports[2]}",
            "CONCERN_ROUTER_PUBLIC_URL": self.url,
            "CONCERN_ROUTER_CONSOLE_URL": self.console_url,
            "CONCERN_ROUTER_LOG_LEVEL": "DEBUG",
            **(env or {}),
        }
        self.output = root / "up.out"
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the public part is ready and every process has come up."""
        with self.output.open("ab") as output:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "router.cli", "up"],
                env=self.env,
                cwd=CHECKOUT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the public part answers /readyz with 200, and each web process listens."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._up is None or self._up.poll() is not None:
                break
            try:
                answer = httpx2.get(f"{self.url}/readyz", timeout=2)
                if answer.status_code == httpx2.codes.OK and self._all_listen():
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready; {self.output} ends: {self.output.read_text()[-600:]}")

    def _all_listen(self) -> bool:
        """Say whether every web process listens: that one of them answers says nothing of the others."""
        public = int(self.env.get("CONCERN_ROUTER_PUBLIC_PROCESSES", "2"))
        wanted = (("--part public", self.url, public), ("--part console", self.console_url, 1))
        return all(
            sum(_listens(process, int(url.rpartition(":")[2])) for process in self.processes(words)) >= count
            for words, url, count in wanted
        )

    def stop(self) -> None:
        """Stop as an operator would, with SIGTERM; kill what is left."""
        if self._up is None or self._up.poll() is not None:
            return
        family = [psutil.Process(self._up.pid), *psutil.Process(self._up.pid).children(recursive=True)]
        self._up.send_signal(signal.SIGTERM)
        try:
            self._up.wait(STOP_S)
        finally:
            for process in family:
                if process.is_running() and process.pid != os.getpid():
                    process.kill()
        self._up = None

    def processes(self, *words: str) -> list[psutil.Process]:
        """Return the processes of this `up` whose command line holds all `words`."""
        assert self._up is not None
        found = []
        for process in psutil.Process(self._up.pid).children(recursive=True):
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                found.append(process)
        return found

    def kill(self, *words: str) -> int:
        """`kill -9` those processes; return how many there were."""
        victims = self.processes(*words)
        for victim in victims:
            victim.kill()
        return len(victims)

    def cli(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run `concern-router` with `arguments` and `given` on standard input."""
        return subprocess.run(
            [sys.executable, "-m", "router.cli", *arguments],
            env=self.env,
            cwd=CHECKOUT,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def cli_json(self, *arguments: str, given: str = "") -> Any:
        """Run a command with --json and return what it printed; fail if it failed."""
        done = self.cli(*arguments, "--json", given=given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def let_wait_be_over(self) -> None:
        """Have nothing wait any longer for its next try; the product itself does the rest."""
        owner = json.loads((self.state / "servers.json").read_text())["database_url"]
        with psycopg.connect(owner, autocommit=True) as connection:
            for statement in WAIT_IS_OVER:
                connection.execute(statement)

    def passphrase(self) -> str:
        """Return the first reviewer's passphrase, which `up` printed once."""
        printed = self.output.read_text()
        found = re.search(r"passphrase\W+(\S+)", printed, re.IGNORECASE)
        assert found, "no passphrase printed"
        return found.group(1)

    def deliveries(self) -> list[dict[str, Any]]:
        """Return `deliveries list --json`."""
        rows: list[dict[str, Any]] = self.cli_json("deliveries", "list", "--limit", "5000")
        return rows

    def wait_delivered(self, count: int, *, within_s: float = 120) -> list[dict[str, Any]]:
        """Wait until `count` referrals are settled and none is open; return the ledger."""
        deadline = time.monotonic() + within_s
        while True:
            rows = self.deliveries()
            settled = [row for row in rows if row["state"] in {"sent", "acknowledged", "dead"}]
            if len(settled) >= count and not any(row["state"] in {"due", "leased"} for row in rows):
                return rows
            assert time.monotonic() < deadline, f"{len(settled)} of {count} settled"
            time.sleep(0.5)


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        lines = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(line.status == psutil.CONN_LISTEN and line.laddr.port == port for line in lines)


@contextmanager
def running(root: Path, *, env: Mapping[str, str] | None = None) -> Iterator[Product]:
    """Yield a started product; stop it afterwards."""
    for folder in (root, *root.parents):
        # pytest makes its folders 0700; the servers' account has to pass them.
        if CHECKOUT / "var/pytest" in folder.parents:
            folder.chmod(0o711)
    product = Product(root, env=env)
    try:
        product.start()
        yield product
    finally:
        product.stop()
