"""Celery's settings: each that is not left to its default, with the failure mode that it closes.

Measured on Celery 5.7 with kombu 5.7 and Redis. Knows no task and opens no connection.
"""

from typing import Any, Final

from router.bell import EXPIRES_S, MESSAGES, SWEEP
from router.settings import Settings
from workers.turn import TURN_S

STOP_S: Final = 10.0
"""Allowance for what a turn does beside sending."""


def configuration(settings: Settings) -> dict[str, Any]:
    """Return every setting of Celery that we do not leave to its default, each with its reason."""
    turn_s = TURN_S + 2 * settings.lease_s / 3 + STOP_S
    run = settings.state_dir / "run"
    return {
        **MESSAGES,
        "broker_url": settings.broker,
        "broker_transport_options": _lines(turn_s),
        "broker_connection_retry_on_startup": True,
        # Never leave because Redis was away for long.
        "broker_connection_max_retries": None,
        # An effect under way is settled over the database, whatever becomes of the broker.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Early: a lost doorbell is rung again by the sweep, a repeated one finds nothing due.
        "task_acks_late": False,
        # Nothing to reject either: what ends its worker is counted in the ledger, and dead at the tenth time.
        "task_reject_on_worker_lost": False,
        "task_retry_on_worker_lost": False,
        "result_backend": None,
        "task_store_errors_even_if_ignored": False,
        "task_time_limit": turn_s + 15,
        "task_soft_time_limit": turn_s,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        # Nothing here has an ETA; were it so, no worker would hoard them.
        "worker_eta_task_limit": 100,
        "worker_concurrency": settings.worker_processes,
        "worker_max_tasks_per_child": 5_000,
        "worker_max_memory_per_child": 200_000,
        # SIGTERM lets a turn end: it starts nothing new, so that takes one call at most. SIGQUIT, or SIGTERM with
        # REMAP_SIGTERM=SIGQUIT, waits all this time whenever a turn is under way.
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


def _lines(turn_s: float) -> dict[str, Any]:
    """Return how lines to Redis are kept, and what is read from them."""
    return {
        # A half-open connection shows within these; without them a worker waits on it for ever.
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # Doorbells are acknowledged early, so these hardly matter; with them none is held for an hour.
        "visibility_timeout": int(2 * turn_s) + 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # With a colon, so that no pool can be called so.
        "unacked_key": "kombu:unacked",
        "unacked_index_key": "kombu:unacked_index",
        "unacked_mutex_key": "kombu:unacked_mutex",
    }
