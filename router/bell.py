"""Rings workers after a commit: "channel X has something due". Off the request path, and never in its way.

A ring carries a channel's name, no id and no field; losing every one of them costs seconds, because
what is due is rung again every few seconds for as long as it is due. The one place in the router
that knows Celery.
"""

import random
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

from celery import Celery
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError
from sqlalchemy import Engine

from router.catalogue import Catalogue, parse_catalogue
from router.errors import RouterError
from router.failpoints import FailPoint, reach
from router.store import policies
from router.store.backlog import due_channels
from router.store.engine import transaction
from router.telemetry import get_log
from router.vocabulary import DEFAULT_POOL

WAKE: Final = "workers.deliver.wake"
SWEEP: Final = "workers.sweep.sweep"
QUEUE: Final = DEFAULT_POOL
"""Where the sweep is asked for, and whatever belongs to no other pool."""
EXPIRES_S: Final = 300
"""A worker drops older doorbells unread; more than two hosts' clocks may differ."""
COALESCE_S: Final = 0.05
"""Least time between two rings of one channel."""
COALESCE_BUSY_S: Final = 0.25
BUSY_PER_S: Final = 40.0
"""Above this many calls a second, rings come further apart: fewer turns with more in each."""
STOP_S: Final = 2.0
BROKER_FAILURES: Final = (OperationalError, KombuError, RedisError, OSError)
"""What publishing raises when Redis is away, frozen, full or starting."""

DOORBELL: Final = MappingProxyType({"expires": EXPIRES_S, "ignore_result": True, "argsrepr": "-", "kwargsrepr": "-"})
"""How each doorbell is sent: the headers say nothing beside the task's name."""

MESSAGES: Final = MappingProxyType(
    {
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_default_queue": QUEUE,
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.2,
        },
    }
)
"""What senders and receivers of doorbells have in common."""


def publisher(broker_url: str) -> Celery:
    """Return a Celery application that only publishes, and waits two seconds for Redis at most."""
    app = Celery("bell", broker=broker_url, set_as_current=False)
    app.conf.update(
        **MESSAGES,
        broker_pool_limit=1,
        broker_connection_timeout=2,
        broker_transport_options={
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


def ring_wake(app: Celery, channel: str, pool: str = QUEUE) -> None:
    """Publish one doorbell for `channel` to the workers of `pool`; raises one of BROKER_FAILURES."""
    options: dict[str, Any] = {**DOORBELL, "queue": pool}
    app.send_task(WAKE, args=[channel], **options)


def ring_sweep(app: Celery) -> None:
    """Publish one doorbell for the sweep; raises one of BROKER_FAILURES."""
    options: dict[str, Any] = {**DOORBELL, "queue": QUEUE}
    app.send_task(SWEEP, **options)


def channels_in_force(engine: Engine) -> Catalogue:
    """Return the channels in force, by which is known whose workers send to each; raises nothing.

    None before the first start, when another version stored what we cannot read, or when the database is away: then
    everything is rung where the sweep is.
    """
    try:
        with transaction(engine) as connection:
            stored = policies.active(connection)
        return parse_catalogue(stored.channels_text) if stored is not None else Catalogue({})
    except RouterError:
        return Catalogue({})


class Bell:
    """One thread that rings what it is told, and every `sweep_every_s` whatever is due; None: leaves that to others."""

    def __init__(
        self,
        broker_url: str,
        engine: Engine,
        *,
        sweep_every_s: float | None,
        lease_s: float,
        pool_of: Callable[[str], str] = lambda _channel: DEFAULT_POOL,
    ) -> None:
        """Prepare; `engine` logs in as whoever may read which channels have something due.

        `pool_of` says, by the policy in force, whose workers send to a channel.
        """
        self._app = publisher(broker_url)
        self._engine = engine
        self._sweep_every_s = sweep_every_s
        self._lease_s = lease_s
        self._pool_of = pool_of
        self._wanted: set[str] = set()
        self._calls = 0
        self._lock = threading.Lock()
        self._called = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ring(self, channels: Iterable[str]) -> None:
        """Note that `channels` have something due. Waits for nothing, raises nothing."""
        with self._lock:
            self._wanted.update(channels)
            self._calls += 1
        self._called.set()

    def stop(self) -> None:
        """End the thread; waits STOP_S at most, and what was not rung yet is left to the sweeps."""
        self._stopping.set()
        self._called.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        every_s = self._sweep_every_s
        next_sweep = monotonic()
        apart_s = COALESCE_S
        while not self._stopping.is_set():
            self._called.wait(None if every_s is None else max(0.0, next_sweep - monotonic()))
            if self._stopping.is_set():
                return
            try:
                if every_s is not None and monotonic() >= next_sweep:
                    # A little apart from the sweeps of other processes.
                    next_sweep = monotonic() + every_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
                    self._sweep()
                self._ring_wanted()
            except Exception:  # noqa: BLE001 - a thread's edge: the bell outlives whatever it was
                get_log().exception("bell_failed", code="unforeseen")
            self._stopping.wait(apart_s)
            with self._lock:
                calls, self._calls = self._calls, 0
            apart_s = COALESCE_BUSY_S if calls > BUSY_PER_S * apart_s else COALESCE_S

    def _sweep(self) -> None:
        """Add what is due to what is wanted, and ask a worker for its own sweep."""
        try:
            with transaction(self._engine) as connection:
                due = due_channels(connection, longest_s=self._lease_s)
        except RouterError as error:
            get_log().warning("sweep_failed", code=error.code)
        else:
            with self._lock:
                self._wanted.update(due)
        try:
            ring_sweep(self._app)
        except BROKER_FAILURES:
            get_log().warning("bell_failed", code="broker_away")

    def _ring_wanted(self) -> None:
        self._called.clear()
        with self._lock:
            wanted, self._wanted = self._wanted, set()
        for channel in sorted(wanted):
            try:
                reach(FailPoint.BEFORE_RING)
                ring_wake(self._app, channel, self._pool_of(channel))
                reach(FailPoint.AFTER_RING)
            except BROKER_FAILURES:
                # Not kept: as long as it is due, each sweep wants it again.
                get_log().warning("bell_failed", code="broker_away", channel=channel)
                return
