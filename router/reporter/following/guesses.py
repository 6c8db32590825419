"""Wrong receipts: every one is answered after the same time, whatever is wrong with it, and counted for the operator.

A right receipt is answered at once, whatever others behind the same address tried: nobody guesses 120 bits, and a
colleague could keep a whole office from its answers. Keeps no receipt and no address.
"""

import asyncio
import threading
from typing import Final

from sqlalchemy import Engine

from router.intake.limits import HOUR_S, Quotas
from router.store import wrongreceipts
from router.store.engine import transaction
from router.telemetry import WRONG_RECEIPTS, get_log

HOLD_S: Final = 0.4
"""How long after it came a wrong receipt is answered: longer than to look for it takes, and no trouble to a person."""
SLOWED_S: Final = 3.0
"""The same once very many came from one network."""
MOST_HELD: Final = 500
"""So many answers are held at one time; beyond, one goes out as soon as it is made."""
LOOK_EVERY_S: Final = 60.0


class Guesses:
    """Holds the answers to wrong receipts back, and tells how many there were."""

    def __init__(
        self,
        engine: Engine,
        quotas: Quotas,
        *,
        most_an_hour: int,
        hold_s: float = HOLD_S,
        slowed_s: float = SLOWED_S,
    ) -> None:
        """Prepare; `most_an_hour` from one network are not slowed down, and so many from everywhere are no news."""
        self._engine = engine
        self._quotas = quotas
        self._most = most_an_hour
        self._hold_s = hold_s
        self._slowed_s = slowed_s
        self._held = 0
        self._fresh = 0
        self._lock = threading.Lock()
        self._many = False

    async def hold(self, bucket: str, since: float) -> None:
        """Count a wrong receipt of the network in `bucket`, and wait until its time has come.

        `since` is when the request was read, by the event loop's clock.
        """
        WRONG_RECEIPTS.inc()
        with self._lock:
            self._fresh += 1
        slow = self._quotas.wait_s(f"receipt {bucket}", most=self._most, window_s=HOUR_S) > 0
        if self._held >= MOST_HELD:
            return
        until = since + (self._slowed_s if slow else self._hold_s)
        self._held += 1
        try:
            await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
        finally:
            self._held -= 1

    def look(self) -> None:
        """Write down how many there were, and look how many there are with those of other processes.

        Raises Unavailable or StoreFailed: it comes again, and nothing is lost.
        """
        with self._lock:
            fresh, self._fresh = self._fresh, 0
        try:
            with transaction(self._engine) as connection:
                if fresh:
                    wrongreceipts.add(connection, fresh)
                lately = wrongreceipts.within_the_hour(connection)
        except BaseException:
            with self._lock:
                self._fresh += fresh
            raise
        self._many = lately >= self._most
        if fresh and self._many:
            get_log().warning("receipts_guessed", count=lately)

    def degraded(self) -> list[str]:
        """Return codes of what is wrong and does not stop work."""
        return ["receipts_guessed"] if self._many else []
