"""What a process under test is to do at a fail point: files in a folder that the test writes and the process takes.

An order is one file, and whoever renames it has it: of several processes at a point exactly one obeys. No clock and
no luck in it; which occurrence is meant counts over all processes.
"""

import os
import secrets
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from router.failpoints import FailPoint

FOLDER, WHO = "FAULTS_ORDERS", "FAULTS_WHO"
"""In the environment of a process under test: where its orders are, and what it is called in them."""
ANYBODY = "anybody"
LOOK_EVERY_S = 0.02


class Act(StrEnum):
    """What to do."""

    KILL = "kill"
    """End this process with SIGKILL."""
    KILL_BOTH = "kill_both"
    """End the process that started this one, and this one: a worker with its pool's child."""
    ORPHAN = "orphan"
    """End the process that started this one, and go on."""
    STOP = "stop"
    """Freeze this process until somebody wakes it."""
    PAUSE = "pause"
    """Hold this thread until it is let go; the others go on."""


@dataclass(frozen=True)
class Order:
    """One order, seen by the test that gave it."""

    folder: Path
    name: str

    def taken_by(self) -> int | None:
        """Return the process that obeyed, None if none has got there yet."""
        found = list((self.folder / "taken").glob(f"{self.name}~*"))
        return int(found[0].name.rpartition("~")[2]) if found else None

    def wait_taken(self, within_s: float = 60) -> int:
        """Wait until a process obeyed; return its id."""
        ends = time.monotonic() + within_s
        while (pid := self.taken_by()) is None:
            assert time.monotonic() < ends, f"nothing reached {self.name}"
            time.sleep(LOOK_EVERY_S)
        return pid

    def wait_frozen(self) -> int:
        """Wait until the process that obeyed stands still; return its id."""
        pid = self.wait_taken()
        while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            time.sleep(LOOK_EVERY_S)
        return pid

    def let_go(self) -> None:
        """Wake the process that was frozen, or let the thread go that was held."""
        (self.folder / "go" / self.name).touch()
        pid = self.taken_by()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def withdraw(self) -> None:
        """Take the order back if nobody has obeyed it."""
        for file in self.folder.glob(f"*/{self.name}~*~*"):
            file.unlink(missing_ok=True)


class Orders:
    """The folder, for the test's side and for the process's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Make the folders."""
        for name in ("taken", "go", *FailPoint):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def give(self, point: FailPoint, act: Act, *, skip: int = 0, who: str = ANYBODY) -> Order:
        """Order `act` at `point`, after it was passed `skip` times, by the process called `who`."""
        name = f"{point}-{act}-{secrets.token_hex(4)}"
        (self.folder / point / f"{name}~{skip}~{who}").touch()
        return Order(self.folder, name)

    def clear(self) -> None:
        """Take back what nobody has obeyed."""
        for point in FailPoint:
            for file in (self.folder / point).iterdir():
                file.unlink(missing_ok=True)

    def obey(self, point: FailPoint, who: str) -> None:
        """Do what is ordered at `point`, if anything is."""
        for file in sorted((self.folder / point).iterdir()):
            name, left, meant = file.name.split("~")
            if meant in {ANYBODY, who}:
                with suppress(FileNotFoundError):
                    self._take(file, name, int(left), meant)

    def _take(self, file: Path, name: str, left: int, meant: str) -> None:
        if left:
            file.rename(file.with_name(f"{name}~{left - 1}~{meant}"))
            return
        file.rename(self.folder / "taken" / f"{name}~{os.getpid()}")
        match Act(name.split("-")[1]):
            case Act.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Act.KILL_BOTH:
                os.kill(os.getppid(), signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            case Act.ORPHAN:
                os.kill(os.getppid(), signal.SIGKILL)
            case Act.STOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case Act.PAUSE:
                while not (self.folder / "go" / name).exists():
                    time.sleep(LOOK_EVERY_S)
