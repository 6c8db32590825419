"""The workers' Celery application: its tasks, its signals, and what a pool process needs.

Started as `celery -A workers.app worker` and `celery -A workers.app beat`; with `-Q` a worker takes the doorbells of
other pools than the default one. Reads settings and passes them on. A task has no argument but a channel's name, no
result and no retry: what is due, when and how often stands in the database.
"""

import mmap
import os
import signal
from functools import cache
from types import FrameType
from typing import Any, Final

from celery import Celery, signals
from redis import Redis
from redis.exceptions import RedisError

from router.bell import BROKER_FAILURES, SWEEP, WAKE, Bell, ring_wake
from router.errors import RouterError
from router.settings import Settings
from router.store.engine import connect
from router.telemetry import configure, get_log
from router.vocabulary import DEFAULT_POOL, Login
from workers.deliver import Deliverer
from workers.inforce import Channels
from workers.sweep import sweep
from workers.turn import Pace
from workers.watchdog import Watchdog
from workers.wiring import configuration

MOST_DOORBELLS: Final = 1000
"""Doorbells that a worker finds when it starts; older ones are dropped unread."""

_stop = mmap.mmap(-1, 1)
"""One byte that the main process and its pool share: not 0 once the worker was told to stop."""
_main = os.getpid()
_pools: set[str] = set()
"""The queues that this worker takes doorbells from; empty outside a worker, where all are taken."""


@cache
def _settings() -> Settings:
    return Settings()


app = Celery("concern-router", set_as_current=True)
# Read when first needed, so that importing this module needs no Redis.
app.add_defaults(lambda: configuration(_settings()))


@app.task(name=WAKE)
def wake(channel: str) -> None:
    """Deliver what `channel` has due; ring again when the turn ended before all was sent.

    A doorbell of another pool, from before the policy changed, is dropped: a slow system must not slow this pool, and
    the next sweep rings where somebody takes it.
    """
    deliverer = _deliverer(os.getpid())
    try:
        if _pools and deliverer.pool(channel) not in _pools:
            return
        more = deliverer.deliver(channel)
    except RouterError as error:
        get_log().error("turn_failed", code=error.code)
        return
    if more and not _stopping():
        _ring(channel)


@app.task(name=SWEEP)
def sweep_and_ring() -> None:
    """Flip what is on standby and ring every channel that has something due."""
    try:
        channels = sweep(_deliverer(os.getpid()).engine, lease_s=_settings().lease_s)
    except RouterError as error:
        get_log().warning("sweep_failed", code=error.code)
        return
    for channel in channels:
        _ring(channel)


def _ring(channel: str) -> None:
    try:
        ring_wake(app, channel, _deliverer(os.getpid()).pool(channel))
    except BROKER_FAILURES:
        get_log().warning("bell_failed", code="broker_away")
    except RouterError as error:
        get_log().warning("bell_failed", code=error.code, channel=channel)


@cache
def _deliverer(pid: int) -> Deliverer:  # noqa: ARG001 - connections and threads are each process's own
    settings = _settings()
    pace = Pace(settings.lease_s, settings.lease_batch, settings.sends_at_once)
    engine = connect(settings.dsn(Login.WORKER), process="worker", pool_size=2)
    return Deliverer(
        engine,
        Channels(engine),
        pace,
        state_dir=settings.state_dir,
        stopping=_stopping,
        production=settings.cybertipline == "production",
    )


def _stopping() -> bool:
    """Say whether the worker was told to stop, or its main process is gone."""
    return _stop[0] != 0 or (os.getpid() != _main and os.getppid() != _main)


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    configure("worker", level=_settings().log_level)


@signals.worker_init.connect
def _note_pools(**_: object) -> None:
    _pools.update(app.amqp.queues.consume_from)
    _drop_old_doorbells()


def _drop_old_doorbells() -> None:
    """Make room: a Redis that ran full while no worker emptied it would keep this one out as well.

    Newer doorbells, and the sweeps, say all that the dropped ones said.
    """
    try:
        with Redis.from_url(_settings().broker, socket_timeout=5, socket_connect_timeout=5) as redis:
            for pool in _pools:
                redis.ltrim(pool, 0, MOST_DOORBELLS - 1)
    except (RedisError, OSError, ValueError):
        # ValueError: an address that only Celery knows how to read, such as a list of sentinels.
        get_log().warning("bell_failed", code="broker_away")


@signals.worker_ready.connect
def _worker_is_ready(**_: object) -> None:
    settings = _settings()
    get_log().info("started", pid=os.getpid())
    # Two threads of this process use it, neither of which sends anything.
    engine = connect(settings.dsn(Login.WORKER), process="worker-watchdog", pool_size=2)
    channels = Channels(engine)

    def pool(channel: str) -> str:
        found = channels.find(channel)
        return found.pool if found else DEFAULT_POOL

    def ours(channel: str) -> float | None:
        if pool(channel) not in _pools:
            return None
        found = channels.find(channel)
        return 1 / found.at_most if found and found.at_most else 0.0

    # A call may last a third of a lease: with long leases a worker may do right and show nothing for that long.
    Watchdog(engine, stall_s=max(settings.stall_s, settings.lease_s), ours=ours).start()
    # Doorbells run out by their sender's clock: a worker whose own is far ahead hears nobody but itself.
    Bell(settings.broker, engine, sweep_every_s=settings.sweep_every_s, lease_s=settings.lease_s, pool_of=pool).start()
    _stop_at_once_when_told()


def _stop_at_once_when_told() -> None:
    """Have turns end when SIGQUIT comes: Celery tells of it only after it has waited for them.

    It does so for SIGTERM too where REMAP_SIGTERM makes that another SIGQUIT.
    """
    for number in (signal.SIGTERM, signal.SIGQUIT):
        celerys = signal.getsignal(number)

        def told(got: int, frame: FrameType | None, then: Any = celerys) -> None:
            _stop[0] = 1
            if callable(then):
                then(got, frame)

        signal.signal(number, told)


@signals.worker_shutting_down.connect
def _worker_stops(**_: object) -> None:
    _stop[0] = 1
    get_log().info("stopping", pid=os.getpid())
