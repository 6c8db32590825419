"""Which process is ours: its id with the time it began, so that no stranger is ever ended.

Process ids are used again; an id together with its start and the machine's boot is not.
Never signals a process that is not provably the one that was written down.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from router.errors import Broken

PROC = Path("/proc")
LOOK_EVERY_S = 0.02
KILL_S = 5.0
"""A killed process is gone within this, unless the kernel holds it."""


def identity(pid: int) -> str | None:
    """Return a text that no other process has had or will have; None if `pid` does not run or is a zombie."""
    try:
        # The command's name may hold blanks and brackets; the fields after the last ")" are fixed.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else f"{boot}:{pid}:{fields[19]}"


def note(file: Path, pid: int) -> None:
    """Write down in `file` (0600) that `pid` is ours."""
    write_private(file, orjson.dumps({"pid": pid, "identity": identity(pid)}))


def noted(file: Path) -> int | None:
    """Return the process id that `file` names if that very process still runs, else None."""
    try:
        seen = orjson.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    pid = seen["pid"]
    return pid if seen["identity"] is not None and identity(pid) == seen["identity"] else None


def end_marked(marker: str) -> None:
    """Kill every process with `marker`, NAME=value, in its environment: what we started, and what that did.

    Finds what no file names: children that outlived their leader, and what was started by an `up`
    that was killed before it could write the number down.
    """
    wanted = marker.encode()
    _end_all(lambda process: wanted in (process / "environ").read_bytes().split(b"\0"))


def end_in(folder: Path, programs: tuple[str, ...]) -> None:
    """Kill every process whose working directory is `folder` and whose program's name begins with one of `programs`.

    For those that write over their environment.
    """
    place = folder.resolve()

    def ours(process: Path) -> bool:
        return (process / "cwd").readlink() == place and (process / "exe").readlink().name.startswith(programs)

    _end_all(ours)


def _end_all(ours: Callable[[Path], bool]) -> None:
    """Kill the processes that `ours` knows by their folder in /proc, until nothing is left."""

    def ended() -> bool:
        found = []
        for process in PROC.iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdecimal() and ours(process) and identity(int(process.name)):
                    found.append(int(process.name))
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not found

    wait_for(ended, KILL_S)


def end_noted(file: Path, signals: Sequence[signal.Signals], *, each_s: float, group: bool) -> bool:
    """End the process that `file` names, and its group if `group`; remove the file.

    Sends each of `signals` in turn and waits up to `each_s` seconds after it. Returns whether
    something was still running. Raises Broken if it survives them all.
    """
    pid = noted(file)
    for number in signals if pid else ():
        with contextlib.suppress(ProcessLookupError):
            if group and os.getpgid(pid or 0) == pid:
                os.killpg(pid, number)
            else:
                os.kill(pid or 0, number)
        if wait_for(lambda: noted(file) is None, each_s):
            break
    if noted(file) is not None:
        raise Broken("process_survives", f"end process {pid} by hand; it was started earlier and does not stop")
    file.unlink(missing_ok=True)
    return pid is not None


def wait_for(done: Callable[[], bool], wait_s: float) -> bool:
    """Return whether `done` came true within `wait_s` seconds."""
    end = time.monotonic() + wait_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def write_private(file: Path, content: bytes) -> None:
    """Put `content` in place of `file` in one step, readable by its owner only, safe on disk."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
