"""The workers' Celery application: doorbells in JSON, time limits, and what a pool process needs.

Started as `celery -A workers.app worker` and `celery -A workers.app beat`. The one place in the
workers that reads settings. A task has no argument but a channel's name, no result and no retry: what is
due, when and how often stands in the database.
"""

import mmap
import os
from functools import cache
from typing import Any, Final

from celery import Celery, signals
from redis import Redis
from redis.exceptions import RedisError

from router.bell import BROKER_FAILURES, EXPIRES_S, MESSAGES, QUEUE, SWEEP, WAKE, ring_wake
from router.errors import RouterError
from router.settings import Settings
from router.store.engine import connect
from router.telemetry import configure, get_log
from router.vocabulary import Login
from workers.deliver import Deliverer
from workers.inforce import Channels
from workers.sweep import sweep
from workers.turn import TURN_S, Pace
from workers.watchdog import Watchdog

STOP_S: Final = 10.0
"""Allowance for what a turn does beside sending."""

MOST_DOORBELLS: Final = 1000
"""Doorbells that a worker finds when it starts; older ones are dropped unread."""

_stop = mmap.mmap(-1, 1)
"""One byte that the main process and its pool share: not 0 once the worker was told to stop."""
_main = os.getpid()


def configuration(settings: Settings) -> dict[str, Any]:
    """Return every setting of Celery that we do not leave to its default, each with its reason."""
    turn_s = TURN_S + 2 * settings.lease_s / 3 + STOP_S
    run = settings.state_dir / "run"
    return {
        **MESSAGES,
        "broker_url": settings.broker,
        # A half-open connection shows within these; without them a worker waits on it for ever.
        "broker_transport_options": {
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # Doorbells are acknowledged early, so these hardly matter; with them none is held for an hour.
            "visibility_timeout": int(2 * turn_s) + 60,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
        "broker_connection_retry_on_startup": True,
        # Never leave because Redis was away for long.
        "broker_connection_max_retries": None,
        # An effect under way is settled over the database, whatever becomes of the broker.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Early: a lost doorbell is rung again by the sweep, a repeated one finds nothing due.
        "task_acks_late": False,
        "result_backend": None,
        "task_store_errors_even_if_ignored": False,
        "task_time_limit": turn_s + 15,
        "task_soft_time_limit": turn_s,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_concurrency": settings.worker_processes,
        "worker_max_tasks_per_child": 5_000,
        "worker_max_memory_per_child": 200_000,
        # SIGTERM lets a turn end: it starts nothing new, so that takes one call at most. SIGQUIT, or SIGTERM with
        # REMAP_SIGTERM=SIGQUIT, always waits this long; leave that variable unset.
        "worker_soft_shutdown_timeout": settings.lease_s / 3 + STOP_S,
        # No events, no remote control: nothing reads them, and their keys grow.
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "worker_enable_remote_control": False,
        # Logging goes through our list of events alone.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "beat_schedule": {
            "sweep": {
                "task": SWEEP,
                "schedule": settings.sweep_every_s,
                "options": {"expires": EXPIRES_S, "argsrepr": "-", "kwargsrepr": "-"},
            }
        },
        "beat_schedule_filename": str(run / "beat"),
        "beat_max_loop_interval": settings.sweep_every_s,
        "timezone": "UTC",
    }


@cache
def _settings() -> Settings:
    return Settings()


app = Celery("concern-router", set_as_current=True)
# Read when first needed, so that importing this module needs no Redis.
app.add_defaults(lambda: configuration(_settings()))


@app.task(name=WAKE)
def wake(channel: str) -> None:
    """Deliver what `channel` has due; ring again when the turn ended before all was sent."""
    try:
        more = _deliverer(os.getpid()).deliver(channel)
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
        ring_wake(app, channel)
    except BROKER_FAILURES:
        get_log().warning("bell_failed", code="broker_away")


@cache
def _deliverer(pid: int) -> Deliverer:  # noqa: ARG001 - connections and threads are each process's own
    settings = _settings()
    pace = Pace(settings.lease_s, settings.lease_batch, settings.sends_at_once)
    engine = connect(settings.dsn(Login.WORKER), process="worker", pool_size=2)
    return Deliverer(engine, Channels(engine), pace, state_dir=settings.state_dir, stopping=_stopping)


def _stopping() -> bool:
    """Say whether the worker was told to stop, or its main process is gone."""
    return _stop[0] != 0 or (os.getpid() != _main and os.getppid() != _main)


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    configure("worker", level=_settings().log_level)


@signals.worker_init.connect
def _drop_old_doorbells(**_: object) -> None:
    """Make room: a Redis that ran full while no worker emptied it would keep this one out as well.

    Newer doorbells, and the sweeps, say all that the dropped ones said.
    """
    try:
        with Redis.from_url(_settings().broker, socket_timeout=5, socket_connect_timeout=5) as redis:
            redis.ltrim(QUEUE, 0, MOST_DOORBELLS - 1)
    except (RedisError, OSError, ValueError):
        # ValueError: an address that only Celery knows how to read, such as a list of sentinels.
        get_log().warning("bell_failed", code="broker_away")


@signals.worker_ready.connect
def _worker_is_ready(**_: object) -> None:
    settings = _settings()
    get_log().info("started", pid=os.getpid())
    engine = connect(settings.dsn(Login.WORKER), process="worker-watchdog", pool_size=1)
    # A call may last a third of a lease: with long leases a worker may do right and show nothing for that long.
    Watchdog(engine, stall_s=max(settings.stall_s, settings.lease_s)).start()


@signals.worker_shutting_down.connect
def _worker_stops(**_: object) -> None:
    _stop[0] = 1
    get_log().info("stopping", pid=os.getpid())
