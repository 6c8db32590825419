"""Many concerns, one commit: whatever waits is written together, and each sender is told after the commit.

Never answers before the commit, never keeps a concern that it could not write, never waits for
Redis. One concern that the database refuses fails alone.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Engine

from router.errors import RouterError, StoreFailed, Unavailable
from router.failpoints import FailPoint, reach
from router.model import NewCase
from router.store import cases
from router.store.cases import Repeated
from router.store.engine import transaction
from router.telemetry import get_log
from router.vocabulary import ReferralState

MOST_WAITING: Final = 2000
"""Concerns in the queue; beyond, senders are told to come back."""
FLOODED_SHARE: Final = 10
"""Of a batch, a tenth is for what came in a flood, and whatever the others leave."""
LONGEST_WAIT_S: Final = 25
"""How long a sender waits for the commit. It may still happen later; then the same key finds it."""

Outcome = Repeated | RouterError | None


class _Waiting:
    """One concern, and whom to tell."""

    __slots__ = ("case", "future", "loop")

    def __init__(self, case: NewCase) -> None:
        self.case = case
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Repeated | None] = self.loop.create_future()

    def tell(self, outcome: Outcome) -> None:
        if self.future.done():
            return
        if isinstance(outcome, RouterError):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class Recorder:
    """Threads that write what waits, `batch` concerns at most in one transaction.

    One is enough: while it commits, the next batch gathers; a second one would halve the batches.
    """

    def __init__(
        self, engine: Engine, *, batch: int, threads: int = 1, after_commit: Callable[[Iterable[str]], None]
    ) -> None:
        self._engine = engine
        self._batch = batch
        self._after_commit = after_commit
        self._queue: deque[_Waiting] = deque()
        self._flooded: deque[_Waiting] = deque()
        """Apart, so that a flood keeps nobody else waiting."""
        self._wake = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._run, name=f"recorder-{n}", daemon=True) for n in range(threads)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(LONGEST_WAIT_S)

    async def record(self, case: NewCase) -> Repeated | None:
        """Return after the commit: None, or what the idempotency key had stored before.

        Raises Unavailable when the queue is full or the database away, StoreFailed when the
        database refuses this concern.
        """
        waiting = _Waiting(case)
        with self._wake:
            queue = self._queue if case.flooded is None else self._flooded
            if self._stopping or len(queue) >= MOST_WAITING:
                raise Unavailable("recorder_full")
            queue.append(waiting)
            self._wake.notify()
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                return await waiting.future
        except TimeoutError:
            raise Unavailable("recorder_slow") from None

    def _run(self) -> None:
        while taken := self._take():
            outcomes = self._write(taken)
            _tell_all(taken, outcomes)
            channels = {
                channel
                for waiting, outcome in zip(taken, outcomes, strict=True)
                if outcome is None
                for channel in _due_channels(waiting.case)
            }
            if channels:
                self._after_commit(channels)

    def _take(self) -> list[_Waiting]:
        with self._wake:
            while not (self._queue or self._flooded or self._stopping):
                self._wake.wait()
            # A few of a flood go along with each batch of the others, so that both come to their end.
            few = min(len(self._flooded), max(self._batch - len(self._queue), -(-self._batch // FLOODED_SHARE)))
            rest = min(len(self._queue), self._batch - few)
            return [*(self._queue.popleft() for _ in range(rest)), *(self._flooded.popleft() for _ in range(few))]

    def _write(self, taken: Sequence[_Waiting]) -> list[Outcome]:
        try:
            with transaction(self._engine) as connection:
                outcomes: list[Outcome] = list(cases.record(connection, [waiting.case for waiting in taken]))
                reach(FailPoint.BEFORE_COMMIT)
            reach(FailPoint.AFTER_COMMIT)
        except Unavailable as error:
            return [error] * len(taken)
        except StoreFailed as error:
            if len(taken) == 1:
                return [error]
        except Exception as error:  # noqa: BLE001 - the thread's edge: it must live on, and the senders must hear
            get_log().error("request_failed", exc_info=error)
            if len(taken) == 1:
                return [StoreFailed("recording_failed")]
        else:
            return outcomes
        get_log().warning("batch_split", count=len(taken))
        return [outcome for waiting in taken for outcome in self._write([waiting])]


def _tell_all(taken: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell each event loop once, not once per sender."""

    def tell(loop: asyncio.AbstractEventLoop) -> None:
        for waiting, outcome in zip(taken, outcomes, strict=True):
            if waiting.loop is loop:
                waiting.tell(outcome)

    for loop in {waiting.loop for waiting in taken}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, loop)


def _due_channels(case: NewCase) -> Iterable[str]:
    return (planned.channel for planned in case.decision.referrals if planned.state is ReferralState.DUE)
