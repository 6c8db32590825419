"""Faults around real worker processes, real Redis and real PostgreSQL: kept, once, without a hand."""

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGQUIT, SIGTERM, Signals
from typing import Any

import pytest
import yaml
from redis.exceptions import RedisError

from router.bell import QUEUE, Bell, publisher, ring_wake
from router.embedded.redis import EmbeddedRedis
from router.vocabulary import Login, ReferralState
from tests.conftest import Database
from tests.makers import login
from tests.servers import Answer, Received, Sink
from tests.workers.processes import Worker, a_worker, wait_until
from tests.workers.rooms import Room, channels_text


@dataclass
class Place:
    """A database, a Redis of its own, and channels in force whose `desk` leads to the sink."""

    database: Database
    redis: EmbeddedRedis
    room: Room
    sink: Sink

    def worker(self, **settings: Any) -> AbstractContextManager[Worker]:
        """Run a worker here; leases are short and sweeps quick unless told otherwise."""
        fast: dict[str, Any] = {"lease_s": 9, "sweep_every_s": 1, "stall_s": 60}
        return a_worker(self.database, self.redis.url, self.room.folder, **{**fast, **settings})

    def put_in_force(self, **more: str) -> None:
        """Put channels in force: `desk`, `hr`, and each of `more` given as its address and more keys behind it."""
        addresses = {name: said.partition(" ")[0] for name, said in more.items()}
        channels = yaml.safe_load(channels_text(self.room.folder, desk=self.sink.url, hr=self.sink.url, **addresses))
        for name, said in more.items():
            channels[name] |= yaml.safe_load(said.partition(" ")[2] or "{}")
        self.room.put_in_force(yaml.safe_dump(channels))

    def ring(self) -> None:
        """Ring `desk` once."""
        ring_wake(publisher(self.redis.url), "desk", QUEUE)

    @contextmanager
    def bell(self) -> Iterator[None]:
        """Run the bell of a web process, which rings what is due."""
        with login(self.database, Login.INTAKE) as engine:
            bell = Bell(self.redis.url, engine, sweep_every_s=0.5, lease_s=9, pool_of=self.pool_of)
            bell.start()
            try:
                yield
            finally:
                bell.stop()

    def pool_of(self, channel: str) -> str:
        """Say, as a web process does, whose workers send to a channel."""
        return "night" if channel == "night" else QUEUE

    def sent(self, count: int) -> Callable[[], bool]:
        """Return whether so many referrals are sent and none is otherwise."""
        return lambda: self.room.states() == {"sent": count}


@pytest.fixture
def place(database: Database, room: Room, sink: Sink, tmp_path: Path) -> Iterator[Place]:
    room.put_in_force(channels_text(room.folder, desk=sink.url, hr=sink.url))
    redis = EmbeddedRedis(tmp_path / "own-redis")
    redis.start()
    yield Place(database, redis, room, sink)
    redis.stop()


def test_a_doorbell_delivers(place: Place) -> None:
    place.room.post(20)
    with place.worker():
        place.ring()

        assert wait_until(place.sent(20))
        assert len(place.sink.taken) == 20


def test_what_waits_for_its_time_is_sent_then_though_there_is_no_beat(place: Place) -> None:
    """The bells of the web processes ask for a sweep too."""
    place.room.post(3, state=ReferralState.STANDBY)
    place.room.run("update referrals set due_at = clock_timestamp() + interval '2 s'")
    with place.worker(), place.bell():
        assert wait_until(place.sent(3))


@pytest.mark.faults
@pytest.mark.core
@pytest.mark.parametrize("whom", ["pool", "worker"])
def test_killed_between_the_answer_and_the_settle_it_has_one_effect(place: Place, whom: str) -> None:
    sink = place.sink
    place.room.post(3)
    with place.worker() as worker, place.bell():
        killed = threading.Event()

        def kill(_: Received) -> None:
            sink.before_answer = None
            worker.kill_children() if whom == "pool" else worker.kill()
            killed.set()

        sink.before_answer = kill
        assert killed.wait(60)
        assert not place.sent(3)()
        if whom == "worker":
            worker.start()

        assert wait_until(place.sent(3))
    assert len(sink.taken) == 3
    assert len(sink.repeats) >= 1


@pytest.mark.faults
@pytest.mark.core
def test_a_referral_that_ends_its_worker_each_time_holds_up_no_other(place: Place) -> None:
    place.room.post(12)
    poison = place.room.rows("id")[5].id
    with place.worker(sends_at_once=4, lease_batch=16) as worker:

        def end_the_worker(request: Received) -> None:
            if request.headers["webhook-id"] == poison:
                worker.kill_children()

        place.sink.before_answer = end_the_worker
        with place.bell():
            assert wait_until(lambda: place.room.states().get("sent") == 11, 90)

        [row] = place.room.rows(where=f"id = '{poison}'")
        assert row.state in {"due", "leased"}
        assert row.attempts >= 2


@pytest.mark.faults
@pytest.mark.core
def test_a_redis_full_of_doorbells_does_not_keep_the_worker_out(place: Place) -> None:
    place.room.post(3)
    place.ring()
    with place.redis.client() as redis:
        [doorbell] = redis.lrange(QUEUE, 0, -1)
        for _ in range(40):
            redis.lpush(QUEUE, *[doorbell] * 500)
        redis.config_set("maxmemory", redis.info("memory")["used_memory"])
        with pytest.raises(RedisError):
            redis.set("full", "yes")
        with place.worker(), place.bell():
            assert wait_until(place.sent(3))


def test_the_sweep_makes_due_what_waited_for_its_time(place: Place) -> None:
    place.room.post(2, state=ReferralState.STANDBY)
    with place.worker(), place.bell():
        assert wait_until(place.sent(2))


def test_told_to_stop_it_returns_its_leases_soon(place: Place) -> None:
    place.sink.answer_always(Answer(hang_s=0.3))
    place.room.post(200)
    with place.worker(lease_s=60) as worker:
        place.ring()
        assert wait_until(lambda: len(place.sink.taken) > 10)
        took_s = worker.stop()

    assert took_s < 20
    assert set(place.room.states()) == {"due", "sent"}
    assert len(place.sink.taken) == place.room.states()["sent"]


@pytest.mark.parametrize(
    ("signals", "remapped"),
    [
        pytest.param((SIGTERM, SIGTERM), {}, id="twice"),
        pytest.param((SIGQUIT,), {}, id="quit"),
        pytest.param((SIGTERM,), {"REMAP_SIGTERM": "SIGQUIT"}, id="remapped"),
    ],
)
def test_however_it_is_told_to_stop_calls_end_and_leases_go_back(
    place: Place, signals: tuple[Signals, ...], remapped: dict[str, str]
) -> None:
    place.sink.answer_always(Answer(hang_s=0.3))
    place.room.post(300)
    with place.worker(environment=remapped) as worker:
        place.ring()
        assert wait_until(lambda: len(place.sink.taken) > 10)
        worker.stop(*signals)

    waiting = place.room.rows("attempts", "state = 'due'")
    assert set(place.room.states()) == {"due", "sent"}
    assert {row.attempts for row in waiting} == {0}
    assert len(place.sink.taken) == place.room.states()["sent"]
    assert not place.sink.repeats


def test_a_channel_that_hangs_in_a_pool_of_its_own_slows_no_other(place: Place) -> None:
    with Sink() as hanging:
        place.put_in_force(night=f"{hanging.url} pool: night")
        reached, let_go = threading.Event(), threading.Event()

        def hang(_: Received) -> None:
            reached.set()
            let_go.wait(60)

        hanging.before_answer = hang
        place.room.post(3, channels=("night",))
        with place.worker(), place.worker(options=("-Q", "night", "-n", "night@%h"), lease_s=60), place.bell():
            assert reached.wait(60)
            place.room.post(30)
            assert wait_until(lambda: len(place.room.rows("id", "channel = 'desk' and state = 'sent'")) == 30)
            still_hanging = place.room.rows("id", "channel = 'night' and state = 'leased'")
            let_go.set()

            assert len(still_hanging) == 3
            assert wait_until(place.sent(33))


def test_a_doorbell_in_the_wrong_pool_is_dropped_and_rung_again_in_the_right_one(place: Place) -> None:
    with Sink() as other:
        place.put_in_force(night=f"{other.url} pool: night")
        place.room.post(channels=("night",))
        ring_wake(publisher(place.redis.url), "night", QUEUE)
        place.ring()
        place.room.post()
        with place.worker():
            assert wait_until(lambda: place.room.states() == {"due": 1, "sent": 1})
            not_by_it = len(other.everything)
        with place.worker(options=("-Q", "night")), place.bell():
            assert wait_until(place.sent(2))

    assert not_by_it == 0


def test_workers_on_several_hosts_share_the_work_and_send_each_once(place: Place) -> None:
    place.room.post(300)
    with place.worker(options=("-n", "a@one")), place.worker(options=("-n", "b@two")), place.bell():
        assert wait_until(place.sent(300))

    assert len(place.sink.taken) == 300
    assert not place.sink.repeats


def test_a_channel_that_failed_its_probe_comes_back_without_a_hand(place: Place) -> None:
    place.room.post(8)
    place.sink.answer_always(Answer(503))
    with place.worker(), place.bell():
        assert wait_until(lambda: place.room.channel_state() is not None and place.room.channel_state().opened == 1)
        place.room.run("update referrals set due_at = clock_timestamp() where state = 'due'")
        place.room.let_it_be_tried()
        assert wait_until(lambda: place.room.channel_state().opened == 2)
        place.sink.answer_always(None)
        place.room.run("update referrals set due_at = clock_timestamp() where state = 'due'")
        place.room.let_it_be_tried()

        assert wait_until(place.sent(8))
    assert place.room.channel_state().breaker == "closed"


def test_a_doorbell_says_nothing_but_the_channel_s_name(place: Place) -> None:
    place.ring()
    with place.redis.client() as client:
        waiting: Any = client.lrange(QUEUE, 0, -1)
    [message] = [json.loads(text) for text in waiting]

    assert len(waiting[0]) < 2048
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == ("-", "-")
    assert json.loads(b64decode(message["body"]))[:2] == [["desk"], {}]


def test_what_a_worker_logs_has_no_text_of_others(place: Place) -> None:
    place.sink.answer_always(Answer(400, b"MARKED-7f3a"))
    place.room.post()
    with place.worker(log_level="DEBUG") as worker:
        place.ring()
        publisher(place.redis.url).send_task("workers.nowhere", args=["MARKED-7f3a"])

        assert wait_until(lambda: place.room.states() == {"dead": 1})
        assert wait_until(
            lambda: b"strategy.py" in worker.log.read_bytes() or b"consumer.py" in worker.log.read_bytes()
        )
        assert b"MARKED-7f3a" not in worker.log.read_bytes()
