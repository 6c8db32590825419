"""Keeps processes running: starts them in order, starts again what dies, stops them in reverse.

Each child leads a session and has a mark in its environment, so that what a dead one leaves behind
can be ended with it. Knows nothing of what the processes do, and ends only what it started.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from router.embedded.running import end_marked, end_noted, note, wait_for
from router.errors import RouterError
from router.telemetry import get_log

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
SETTLED_S = 60.0
"""A process that ran this long and then died is started at once again."""
LOOK_EVERY_S = 0.2
LARGEST_LOG_BYTES = 32 * 1024 * 1024


class Part(Protocol):
    """Something that runs: a server or a child process."""

    def start(self) -> None:
        """Start it, and end what an earlier run left of it."""

    def stop(self) -> None:
        """Stop it in good order; return when it is gone."""

    def alive(self) -> bool:
        """Return whether it still runs."""

    @property
    def pid(self) -> int:
        """Process id, 0 if there is none."""


@dataclass(frozen=True)
class Place:
    """Where children's process ids and logs are kept, and the variable that marks their environment."""

    run: Path
    logs: Path
    mark: str


class Child:
    """One process of ours: a command, its environment, its log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Callable[[], Mapping[str, str]],
        place: Place,
        stop_s: float,
    ) -> None:
        """`environment` is asked at each start; `stop_s` is how long it may take to stop."""
        self._name = name
        self._command = tuple(command)
        self._environment = environment
        self._run = place.run / f"{name}.json"
        self._log = place.logs / f"{name}.log"
        self._stop_s = stop_s
        self._marker = f"{place.mark}={place.run}:{name}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id, 0 if there is none."""
        return self._process.pid if self._process else 0

    def alive(self) -> bool:
        """Return whether it runs. Leaves a dead one unreaped, so that its number stays its own."""
        if self._process is None or self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def start(self) -> None:
        """End what is left of an earlier one and start a new one."""
        self.end_leftovers()
        variable, _, value = self._marker.partition("=")
        with os.fdopen(self._open_log(), "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self._environment(), variable: value},
                start_new_session=True,
                umask=0o077,
            )
        note(self._run, self._process.pid)

    def stop(self) -> None:
        """Ask it to stop, wait, then kill it and all that it started."""
        if self._process is None:
            return
        if self.alive():
            self._process.terminate()
            wait_for(lambda: not self.alive(), self._stop_s)
        self._bury()

    def end_leftovers(self) -> None:
        """End our own dead child's children, and what an `up` that was killed left running."""
        self._bury()
        end_noted(self._run, (signal.SIGTERM, signal.SIGKILL), each_s=self._stop_s, group=True)
        end_marked(self._marker)

    def _bury(self) -> None:
        """Kill the group, then reap its leader: until then the group's number cannot be anybody else's."""
        if self._process is None:
            return
        leader = self._process.pid
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)
            self._process.wait()
        end_marked(self._marker)
        get_log().info("child_ended", part=self._name, exit=self._process.returncode, pid=leader)
        self._process = None
        self._run.unlink(missing_ok=True)

    def _open_log(self) -> int:
        with suppress(FileNotFoundError):
            if self._log.stat().st_size > LARGEST_LOG_BYTES:
                self._log.replace(self._log.with_suffix(".log.1"))
        return os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


@dataclass
class _Watched:
    """A part with its recent history of dying."""

    name: str
    part: Part
    wait_s: float = FIRST_WAIT_S
    started_at: float = 0.0
    start_at: float | None = None


@dataclass
class Supervisor:
    """Runs parts in the order added; later ones may need earlier ones."""

    _watched: list[_Watched] = field(default_factory=list)

    def add(self, name: str, part: Part) -> None:
        """Start `part` and keep it running from now on."""
        watched = _Watched(name, part)
        self._watched.append(watched)
        self._start(watched)

    def look(self) -> tuple[str, ...]:
        """Start again what died, each after its own wait; return the names that were started."""
        now = time.monotonic()
        started = []
        for watched in self._watched:
            if watched.start_at is not None:
                if now >= watched.start_at and self._start_again(watched):
                    started.append(watched.name)
            elif not watched.part.alive():
                if now - watched.started_at > SETTLED_S:
                    watched.wait_s = FIRST_WAIT_S
                get_log().warning("child_died", part=watched.name, pid=watched.part.pid)
                # At once, not only before the next start: what it had started must not work on alone.
                watched.part.stop()
                watched.start_at = now + watched.wait_s
                watched.wait_s = min(2 * watched.wait_s, LONGEST_WAIT_S)
        return tuple(started)

    def restart(self, names: Sequence[str]) -> None:
        """Stop those parts; the next look starts them with what they need now."""
        for watched in self._watched:
            if watched.name in names:
                watched.part.stop()
                watched.start_at = time.monotonic()

    def stop(self) -> None:
        """Stop everything, last started first."""
        for watched in reversed(self._watched):
            watched.part.stop()
        self._watched.clear()

    def _start(self, watched: _Watched) -> None:
        watched.part.start()
        watched.started_at, watched.start_at = time.monotonic(), None
        get_log().info("child_started", part=watched.name, pid=watched.part.pid)

    def _start_again(self, watched: _Watched) -> bool:
        try:
            self._start(watched)
        except (RouterError, OSError) as error:
            code = error.code if isinstance(error, RouterError) else "cannot_start"
            get_log().error("child_not_started", part=watched.name, code=code)
            watched.start_at = time.monotonic() + watched.wait_s
            watched.wait_s = min(2 * watched.wait_s, LONGEST_WAIT_S)
            return False
        return True
