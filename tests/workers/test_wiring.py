"""Each known way in which Celery and Redis lose, double or hang, and what closes it: a setting, or the design.

One test for each line of the list of failure modes that was measured on Celery 5.7 and Redis 7. Where the design closes
a line in another way than a setting would, the test's first sentence says how.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.app.defaults import SETTING_KEYS
from pydantic import SecretStr

from router.bell import DOORBELL, QUEUE, SWEEP, publisher, ring_sweep, ring_wake
from router.embedded.redis import EmbeddedRedis
from router.model import LeasedReferral, Payload, Proof
from router.settings import Settings
from router.store.engine import transaction
from router.store.referrals import lease
from tests.servers import Sink
from tests.workers.processes import CHECKOUT
from tests.workers.rooms import Room
from tests.workers.senders import Plain
from workers.attempt import attempt
from workers.retry import MOST_BROKEN
from workers.sweep import sweep
from workers.wiring import configuration

BROKER = "redis://127.0.0.1:1/0"


class Always(Plain):
    """Takes whatever comes."""

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        assert payload.body
        assert deadline_s
        return Proof(leased.id)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(redis_url=SecretStr(BROKER), state_dir=tmp_path, lease_s=120, sweep_every_s=5)


@pytest.fixture
def made(settings: Settings) -> dict[str, Any]:
    return configuration(settings)


@pytest.fixture
def transport(made: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = made["broker_transport_options"]
    return options


def test_redelivery_of_long_and_eta_tasks(made: dict[str, Any], transport: dict[str, Any], settings: Settings) -> None:
    """No task has a time of its own: what is due when is a column. Limits stand in order all the same."""
    longest_turn_s = 30 + 2 * settings.lease_s / 3
    source = "".join(path.read_text() for path in (CHECKOUT / "workers").glob("*.py"))

    assert not re.search(r"countdown=|\beta=|\.retry\(", source + (CHECKOUT / "router/bell.py").read_text())
    assert longest_turn_s < made["task_soft_time_limit"] < made["task_time_limit"] < transport["visibility_timeout"]


def test_lost_on_worker_death(made: dict[str, Any], transport: dict[str, Any], room: Room) -> None:
    """The doorbell may be lost, acknowledged early as it is: the lease runs out, and the sweep rings for it."""
    room.post()
    with transaction(room.engine) as connection:
        lease(connection, "desk", limit=1, lease_s=30)
    quiet = sweep(room.engine, lease_s=30)
    room.run("update referrals set lease_until = clock_timestamp() - interval '1 s'")

    assert made["task_acks_late"] is False
    assert (transport["unacked_restore_interval"], transport["unacked_restore_throttle"]) == (5, 1)
    assert (quiet, sweep(room.engine, lease_s=30)) == ([], ["desk"])


def test_poison_loop_from_reject_on_lost(made: dict[str, Any], room: Room, sink: Sink) -> None:
    """Nothing is rejected. The lease counts the attempt before anything is sent, and the fifth that no worker came back
    from is the last."""
    room.post()
    ends = []
    for _ in range(MOST_BROKEN + 1):
        with transaction(room.engine) as connection:
            [leased] = lease(connection, "desk", limit=1, lease_s=30)
        tried = attempt(room.catalogue(sink).channels["desk"], Always(), leased, deadline_s=1)
        ends.append(tried.ended.outcome)
        room.run("update referrals set lease_until = clock_timestamp() - interval '1 s'")

    assert (made["task_reject_on_worker_lost"], made["task_retry_on_worker_lost"]) == (False, False)
    assert ends == ["sent"] * MOST_BROKEN + ["ends_its_worker"]
    assert leased.attempts == MOST_BROKEN + 1


def test_what_redis_loses(settings: Settings, room: Room) -> None:
    """BRPOP's window, lost data, FLUSHALL, eviction, failover: what is due is rung again, from the database alone."""
    room.post(channels=("desk", "hr"))

    assert [sweep(room.engine, lease_s=30) for _ in range(2)] == [["desk", "hr"]] * 2
    assert configuration(settings)["beat_schedule"]["sweep"]["schedule"] == settings.sweep_every_s


def test_prefetch(made: dict[str, Any]) -> None:
    assert made["worker_prefetch_multiplier"] == 1
    assert made["worker_disable_prefetch"] is True
    assert made["worker_eta_task_limit"] == 100


def test_connection_loss(made: dict[str, Any], transport: dict[str, Any]) -> None:
    assert made["broker_connection_retry_on_startup"] is True
    assert made["broker_connection_max_retries"] is None
    wanted = {"socket_timeout": 10, "socket_connect_timeout": 5, "socket_keepalive": True, "health_check_interval": 10}
    assert transport.items() >= wanted.items()


def test_cancelling_long_tasks_on_connection_loss(made: dict[str, Any]) -> None:
    assert made["worker_cancel_long_running_tasks_on_connection_loss"] is False


def test_failover_out_of_memory_and_hang() -> None:
    """A supervisor starts what ended: `up`, or the container engine. The watchdog ends what hangs: test_watchdog.py."""
    services = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]

    assert {services[name]["restart"] for name in ("worker", "beat", "chainer", "redis")} == {"unless-stopped"}
    assert "Watchdog(" in (CHECKOUT / "workers/app.py").read_text()


def test_result_backend_growth_and_leaks(made: dict[str, Any]) -> None:
    """5,000 and not 500 for each child: a doorbell is small, and a child that leaks ends by its memory."""
    assert made["result_backend"] is None
    assert made["task_ignore_result"] is True
    assert made["task_store_errors_even_if_ignored"] is False
    assert made["worker_max_tasks_per_child"] == 5_000
    assert made["worker_max_memory_per_child"] == 200_000


def test_publish(made: dict[str, Any]) -> None:
    """No request publishes: the bell's own thread does, and gives up soon (test_bell.py)."""
    quick = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}

    assert made["task_publish_retry_policy"] == quick
    assert publisher(BROKER).conf.task_publish_retry_policy == quick
    assert publisher(BROKER).conf.broker_transport_options.items() >= {"socket_timeout": 2}.items()


def test_eviction(redis_server: EmbeddedRedis) -> None:
    """Ours are set so; of another, `doctor` says it."""
    with redis_server.client() as redis:
        told = redis.config_get("maxmemory*")

    assert told["maxmemory-policy"] == "noeviction"
    assert int(told["maxmemory"]) > 0
    assert "maxmemory 256mb\\nmaxmemory-policy noeviction" in (CHECKOUT / "docker-compose.yml").read_text()
    assert "noeviction" in (CHECKOUT / "router/operating/doctor.py").read_text()


def test_priorities(made: dict[str, Any]) -> None:
    """None: a queue for each pool, and a worker takes the default one alone unless it is started for another."""
    assert made["task_default_queue"] == QUEUE
    assert "task_queues" not in made
    assert "priority" not in DOORBELL
    assert "task_queue_max_priority" not in made


def test_message_size(redis_server: EmbeddedRedis) -> None:
    pool = "a-pool-of-a-test-" + "x" * 31
    ring_wake(publisher(redis_server.url), "c" * 48, pool)
    with redis_server.client() as redis:
        [message] = redis.lrange(pool, 0, -1)
        redis.delete(pool)

    assert len(message) < 2048


def test_sentinel_and_cluster(settings: Settings) -> None:
    """An address that only Celery reads is passed on as it is; workers end on a demotion and are started again."""
    sentinels = "sentinel://127.0.0.1:1;sentinel://127.0.0.1:2"
    changed = settings.model_copy(update={"redis_url": SecretStr(sentinels)})

    assert configuration(changed)["broker_url"] == sentinels


def test_beat_as_single_point(made: dict[str, Any], settings: Settings, redis_server: EmbeddedRedis) -> None:
    """Beat only asks for sweeps; each web process's bell does too, with the same doorbell."""
    assert made["beat_schedule"] == {
        "sweep": {"task": SWEEP, "schedule": 5, "options": {"expires": 300, "argsrepr": "-", "kwargsrepr": "-"}}
    }
    assert Path(made["beat_schedule_filename"]).is_relative_to(settings.state_dir)
    with redis_server.client() as redis:
        redis.delete(QUEUE)
        ring_sweep(publisher(redis_server.url))
        [message] = redis.lrange(QUEUE, 0, -1)
        redis.delete(QUEUE)
    assert SWEEP.encode() in message


def test_serialisation(made: dict[str, Any]) -> None:
    assert made["task_serializer"] == "json"
    assert made["accept_content"] == ["json"]
    assert made["worker_enable_remote_control"] is False
    assert made["worker_send_task_events"] is False
    assert made["task_send_sent_event"] is False


def test_content_in_broker(made: dict[str, Any]) -> None:
    """A doorbell has a channel's name and no more (test_processes.py); what Celery would log of it is not logged."""
    assert (DOORBELL["argsrepr"], DOORBELL["kwargsrepr"]) == ("-", "-")
    assert made["worker_hijack_root_logger"] is False
    assert made["worker_redirect_stdouts"] is False


def test_early_acked_shutdown_loss(made: dict[str, Any], settings: Settings) -> None:
    """A turn ends at SIGTERM and at SIGQUIT after the call under way, and returns its leases (test_processes.py)."""
    grace = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]["worker"]["stop_grace_period"]

    assert settings.lease_s / 3 < made["worker_soft_shutdown_timeout"] < int(grace.removesuffix("s"))


def test_every_setting_is_one_that_celery_knows(made: dict[str, Any]) -> None:
    assert set(made) <= SETTING_KEYS


def test_no_pool_can_be_called_like_a_key_of_kombu_s(transport: dict[str, Any]) -> None:
    keys = {transport[f"unacked_{which}key"] for which in ("", "index_", "mutex_")}

    assert len(keys) == 3
    assert all(":" in key for key in keys)
