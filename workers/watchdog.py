"""Ends a worker that delivers nothing while something is due, so that its supervisor starts it anew.

Looks at delivered work, not at whether a process is alive: on a half-open connection to Redis a
worker can be alive and idle for ever. Judges the channels of this worker's own queues alone, none that could not be
tried until lately, and those with a rate by their rate. Looks twice: what the clock has just made due, or whoever gave
a case back, may have been due long before. Ends nothing because the database is away.
"""

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from sqlalchemy import Engine

from router.errors import RouterError
from router.store.backlog import at_work, overdue
from router.store.engine import transaction
from router.telemetry import get_log

LOOK_EVERY_S: Final = 10.0
EXIT: Final = 70
"""EX_SOFTWARE of sysexits.h: tells the supervisor's log why."""


class Watchdog:
    """One thread in the worker's main process, which sends nothing itself."""

    def __init__(
        self,
        engine: Engine,
        *,
        stall_s: float,
        ours: Callable[[str], float | None] = lambda _channel: 0.0,
        look_every_s: float = LOOK_EVERY_S,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """`ours` returns the seconds that a channel's rate leaves between two referrals.

        None: this worker is not one of those that send there.
        """
        self._engine = engine
        self._stall_s = stall_s
        self._ours = ours
        self._look_every_s = look_every_s
        self._end = end
        self._since = monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start looking; the first `stall_s` seconds are the worker's to get going."""
        self._since = monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and wait until the look at hand is over."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        before = False
        while not self._stopped.wait(self._look_every_s):
            seen, before = before, self._sees_a_stall()
            if seen and before:
                get_log().critical("delivery_stalled", pid=os.getpid())
                self._end(EXIT)
                return

    def _sees_a_stall(self) -> bool:
        if monotonic() - self._since < self._stall_s:
            return False
        try:
            with transaction(self._engine) as connection:
                late = overdue(connection, stall_s=self._stall_s)
            # Asks the database in a transaction of its own.
            mine = [(channel, apart_s) for channel in late if (apart_s := self._ours(channel)) is not None]
            if not mine:
                return False
            with transaction(self._engine) as connection:
                return not any(
                    at_work(connection, [channel], stall_s=self._stall_s + apart_s) for channel, apart_s in mine
                )
        except RouterError:
            return False
        finally:
            # Nothing stays open for the pool's next child to inherit.
            self._engine.dispose()
