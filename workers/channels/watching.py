"""Ends calls whose time is over, whatever drips in: timeouts of sockets are per read.

A timer shuts the line that the call uses; it closes nothing itself, and knows nothing of what travels.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Final

TICK_S: Final = 0.25
"""How late the timer may be."""
IDLE_S: Final = 10.0


class Call:
    """One call under way: when it must be over, the line it uses, and how far it came."""

    __slots__ = ("anew", "cut", "kept", "line", "until", "why", "wrote")

    def __init__(self, until: float, *, anew: bool) -> None:
        self.until = until
        self.anew = anew
        """Use no line that was kept."""
        self.line: socket.socket | None = None
        self.kept = True
        """Whether the line is from an earlier call."""
        self.wrote = False
        """Whether a byte of the request may have reached the service."""
        self.why: str | None = None
        """The code of what kept the request from being sent."""
        self.cut = False

    def use(self, connection: socket.socket) -> None:
        """Keep a second handle on the line: TLS and `Connection: close` take the first one away."""
        self.release()
        self.line = socket.socket(fileno=os.dup(connection.fileno()))

    def release(self) -> None:
        """Give up the handle."""
        if self.line is not None:
            self.line.close()
            self.line = None

    def shut(self) -> None:
        """End whatever reads from or writes to the line."""
        self.cut = True
        line = self.line
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class Timer:
    """Shuts the lines of calls whose time is over; its one thread goes when none comes for a while."""

    def __init__(self) -> None:
        self._calls: set[Call] = set()
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, call: Call) -> Iterator[None]:
        """Shut the call's line when its time is over."""
        with self._lock:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="call-timer", daemon=True)
                self._thread.start()
        self._busy.set()
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)
                call.release()

    def _watch(self) -> None:
        while self._wanted():
            sleep(TICK_S)
            now = monotonic()
            with self._lock:
                if not self._calls:
                    self._busy.clear()
                for call in self._calls:
                    if now > call.until:
                        call.shut()

    def _wanted(self) -> bool:
        """Wait for calls; after IDLE_S without any, say no: the next call starts another thread."""
        if self._busy.wait(IDLE_S):
            return True
        with self._lock:
            if self._calls:
                return True
            self._thread = None
            return False
