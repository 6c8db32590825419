"""The Celery application: each setting that closes a failure mode, and what a fresh process imports."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from celery.app.defaults import SETTING_KEYS
from pydantic import SecretStr

from router.bell import SWEEP, WAKE
from router.settings import Settings
from tests.workers.processes import CHECKOUT
from workers.app import configuration

BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(redis_url=SecretStr(BROKER), state_dir=tmp_path, lease_s=120, sweep_every_s=5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # Lost or repeated messages cost nothing: the database knows what is due.
        ("task_acks_late", False),
        ("task_ignore_result", True),
        ("result_backend", None),
        ("task_store_errors_even_if_ignored", False),
        # A worker outlives whatever becomes of Redis.
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
        # One turn at a time for each process, none kept in a worker that cannot run it.
        ("worker_prefetch_multiplier", 1),
        ("worker_disable_prefetch", True),
        ("worker_max_tasks_per_child", 5_000),
        ("worker_max_memory_per_child", 200_000),
        # JSON in, nothing that runs.
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        # Nothing beside doorbells in Redis, nothing of Celery's own in the log.
        ("worker_send_task_events", False),
        ("task_send_sent_event", False),
        ("worker_enable_remote_control", False),
        ("worker_hijack_root_logger", False),
        ("worker_redirect_stdouts", False),
        (
            "task_publish_retry_policy",
            {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2},
        ),
    ],
)
def test_a_failure_mode_stays_closed(settings: Settings, name: str, value: Any) -> None:
    assert configuration(settings)[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("socket_timeout", 10),
        ("socket_connect_timeout", 5),
        ("socket_keepalive", True),
        ("health_check_interval", 10),
        ("unacked_restore_interval", 5),
        ("unacked_restore_throttle", 1),
    ],
)
def test_a_half_open_connection_is_noticed(settings: Settings, name: str, value: Any) -> None:
    assert configuration(settings)["broker_transport_options"][name] == value


def test_limits_stand_in_order(settings: Settings) -> None:
    made = configuration(settings)
    longest_turn_s = 30 + 2 * settings.lease_s / 3

    assert longest_turn_s < made["task_soft_time_limit"] < made["task_time_limit"]
    assert made["task_time_limit"] < made["broker_transport_options"]["visibility_timeout"]
    assert settings.lease_s / 3 < made["worker_soft_shutdown_timeout"]


def test_beat_rings_the_sweep_with_doorbells_that_expire(settings: Settings, tmp_path: Path) -> None:
    made = configuration(settings)

    assert made["beat_schedule"] == {
        "sweep": {"task": SWEEP, "schedule": 5, "options": {"expires": 300, "argsrepr": "-", "kwargsrepr": "-"}}
    }
    assert Path(made["beat_schedule_filename"]).is_relative_to(tmp_path)


def test_every_setting_is_one_that_celery_knows(settings: Settings) -> None:
    assert set(configuration(settings)) <= SETTING_KEYS


def test_tasks_are_two_and_neither_waits_retries_or_answers() -> None:
    program = "from workers.app import app; print(sorted(n for n in app.tasks if not n.startswith('celery.')))"

    assert in_a_fresh_process(program) == str(sorted([WAKE, SWEEP]))
    source = "".join((CHECKOUT / "workers").joinpath(name).read_text() for name in ("app.py", "deliver.py", "sweep.py"))
    assert not any(word in source for word in ("countdown=", "eta=", ".retry("))


def test_a_worker_does_not_import_what_it_must_not_know() -> None:
    forbidden = ("router.vault", "router.triage", "router.intake", "router.console", "router.reporter", "fastapi")

    program = f"import sys, workers.app; print([m for m in sys.modules if m.startswith({forbidden!r})])"
    assert in_a_fresh_process(program) == "[]"


def in_a_fresh_process(program: str) -> str:
    """Run `program` in an interpreter of its own and return what it printed."""
    env = {"PATH": "/usr/bin", "CONCERN_ROUTER_REDIS_URL": BROKER}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True, env=env
    )
    return ran.stdout.strip()
