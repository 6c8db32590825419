"""Secrets, read from where a file of ours says that they stand. Never shows one, nor what a command said.

`env:NAME` and `file:/path` are read anew at each call. `command:/path` is a program without arguments, in the worker's
own environment, that prints the secret as its first line; it is run again after KEPT_S.
"""

import os
import re
import select
import signal
import stat
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from router.errors import TryLater

SECRET_CAP: Final = 4096
"""Bytes."""
COMMAND_S: Final = 10.0
KEPT_S: Final = 60.0
POLL_S: Final = 0.05
_PLAIN: Final = re.compile(rb"[!-~]([ -~]*[!-~])?")
"""One line of ASCII: a header can carry it."""


@dataclass(slots=True)
class _Command:
    """What a command printed last; one call at a time runs it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    printed: bytes = field(default=b"", repr=False)
    until: float = 0.0


_commands: dict[str, _Command] = {}


def secret(reference: str, *, until: float | None = None) -> str:
    """Return the secret that `reference` names, read by `until` (of `time.monotonic()`; None: COMMAND_S from now).

    Raises TryLater: the referral waits until an operator has put it right. `secret_missing` when there is none,
    `secret_malformed` when it is not one line of ASCII of at most SECRET_CAP characters.
    """
    try:
        found = _read(reference, monotonic() + COMMAND_S if until is None else until).strip()
    except (OSError, subprocess.SubprocessError):
        found = b""
    if not found:
        raise TryLater("secret_missing")
    if len(found) > SECRET_CAP or not _PLAIN.fullmatch(found):
        raise TryLater("secret_malformed")
    return found.decode("ascii")


def _read(reference: str, until: float) -> bytes:
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        return os.environb.get(place.encode(), b"")
    if scheme == "file":
        return _file(place)
    if scheme == "command":
        return _kept(place, until)
    return b""


def _file(path: str) -> bytes:
    """Return what stands in a regular file: a pipe or device could keep the call waiting."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(SECRET_CAP + 2) if stat.S_ISREG(os.fstat(handle).st_mode) else b""


def _kept(path: str, until: float) -> bytes:
    command = _commands.setdefault(path, _Command())
    if not command.lock.acquire(timeout=max(0.0, until - monotonic())):
        return b""
    try:
        if monotonic() >= command.until:
            command.printed = _run(path, min(until, monotonic() + COMMAND_S))
            command.until = monotonic() + KEPT_S if command.printed else 0.0
        return command.printed
    finally:
        command.lock.release()


def _run(path: str, until: float) -> bytes:
    """Return the first line that the command prints; nothing when it fails or takes too long. Nothing of it stays."""
    # Its own session, so that whatever it started ends with it.
    with subprocess.Popen(  # noqa: S603 - the operator's own program, without arguments
        [path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        try:
            printed = _first_line(running, until)
            done = running.wait(max(0.0, until - monotonic()))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    return printed if done == 0 else b""


def _first_line(running: "subprocess.Popen[bytes]", until: float) -> bytes:
    """Read what is printed until the command closed it or ended, and keep the first line, or its beginning."""
    assert running.stdout is not None  # noqa: S101 - a pipe was asked for
    handle = running.stdout.fileno()
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    printed = b""
    while monotonic() < until:
        if poller.poll(POLL_S * 1000):
            chunk = os.read(handle, SECRET_CAP)
            if not chunk:
                break
            printed = (printed + chunk)[: SECRET_CAP + 2]
        elif running.poll() is not None:
            break  # something that it left behind holds the line open
    return printed.partition(b"\n")[0]
