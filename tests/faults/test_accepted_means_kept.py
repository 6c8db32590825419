"""Promises 2 and 3 under faults: after each, exactly one ticket for each accepted concern.

The far side is a stand-in for RT, which like RT keeps no key of ours: a second create would be a
second ticket. tests/peers repeats the central fault against RT itself.
"""

import contextlib
import json
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from router.embedded.redis import EmbeddedRedis
from tests.configs import to_rt
from tests.running import Product, running
from tests.servers import RT_TOKEN, Received, StandInRT

LEASE_S = 10
FAST = {"CONCERN_ROUTER_LEASE_S": str(LEASE_S), "CONCERN_ROUTER_SWEEP_EVERY_S": "1"}


class Filer:
    """Files concerns as a client without a token would, and remembers which were accepted."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.accepted: list[str] = []
        self.slowest_s = 0.0

    def file(self, *, key: str | None = None, timeout_s: float = 10) -> str | None:
        """File one; return its reference, or None when there was no 201."""
        began = time.monotonic()
        try:
            answer = httpx2.post(
                f"{self.product.url}/api/v1/concerns",
                json={"category": "security_incident", "noticed_how": "network_filter", "narrative": "MARKED-7f3a"},
                headers={"Idempotency-Key": key or str(uuid.uuid4())},
                timeout=timeout_s,
            )
        except httpx2.TransportError:
            return None
        if answer.status_code != httpx2.codes.CREATED:
            return None
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        reference = str(answer.json()["reference"])
        self.accepted.append(reference)
        return reference

    def file_for(self, seconds: float, *, pause_s: float = 0.2) -> None:
        """Keep filing, retrying what got no answer with its own key, as an agent does."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            key = str(uuid.uuid4())
            while self.file(key=key) is None and time.monotonic() < ends + 30:
                time.sleep(pause_s)
            time.sleep(pause_s)


def tickets(rt: StandInRT) -> list[str]:
    return [rt.values(ticket)["Reference id"] for ticket in rt.tickets]


def assert_one_ticket_each(filer: Filer, rt: StandInRT) -> None:
    assert filer.accepted, "nothing was accepted"
    filer.product.wait_delivered(len(filer.accepted), within_s=120)
    made = tickets(rt)
    assert sorted(set(made)) == sorted(set(filer.accepted))
    assert len(made) == len(set(made)), "no second ticket"


@pytest.fixture
def rt() -> Iterator[StandInRT]:
    with StandInRT() as rt:
        yield rt


@pytest.fixture
def product(tmp_path: Path, rt: StandInRT) -> Iterator[Product]:
    to_rt(tmp_path / "config", rt.url, RT_TOKEN)
    with running(tmp_path, env=FAST) as product:
        yield product


@contextlib.contextmanager
def with_own_redis(tmp_path: Path, rt: StandInRT) -> Iterator[tuple[Product, EmbeddedRedis]]:
    redis = EmbeddedRedis(tmp_path / "redis")
    redis.start()
    to_rt(tmp_path / "config", rt.url, RT_TOKEN)
    try:
        with running(tmp_path, env={**FAST, "CONCERN_ROUTER_REDIS_URL": redis.url}) as product:
            yield product, redis
    finally:
        redis.stop()


@pytest.mark.faults
def test_worker_killed_between_the_answer_and_the_settle(product: Product, rt: StandInRT) -> None:
    killed = threading.Event()

    def kill_once(request: Received) -> None:
        if request.method == "POST" and not killed.is_set():
            killed.set()
            assert product.kill("celery", "worker")

    rt.before_answer = kill_once
    filer = Filer(product)
    for _ in range(10):
        filer.file()

    assert rt.wait_until(killed.is_set, timeout_s=30)
    assert_one_ticket_each(filer, rt)


@pytest.mark.faults
def test_web_killed_right_after_201(product: Product, rt: StandInRT) -> None:
    filer = Filer(product)
    for _ in range(3):
        assert filer.file()
        assert product.kill("serve", "public")
        product.wait_ready()

    assert_one_ticket_each(filer, rt)


@pytest.mark.faults
def test_redis_stopped_for_half_a_minute_during_submissions(tmp_path: Path, rt: StandInRT) -> None:
    with with_own_redis(tmp_path, rt) as (product, redis):
        filer = Filer(product)
        assert filer.file()
        redis.stop()
        filer.file_for(30, pause_s=0.5)
        accepted_without_redis = len(filer.accepted) - 1
        redis.start()

        assert accepted_without_redis > 20
        assert filer.slowest_s < 1.0, "Done-when 4: within a second"
        assert_one_ticket_each(filer, rt)


@pytest.mark.faults
def test_postgresql_restarted_during_submissions(product: Product, rt: StandInRT) -> None:
    filer = Filer(product)
    filing = threading.Thread(target=filer.file_for, args=(15,))
    filing.start()
    time.sleep(3)
    postmaster = int((next(product.state.rglob("postmaster.pid"))).read_text().split("\n")[0])
    psutil.Process(postmaster).send_signal(signal.SIGQUIT)  # immediate: as after a crash
    filing.join()

    assert len(filer.accepted) > 10
    assert_one_ticket_each(filer, rt)


@pytest.mark.faults
def test_redis_frozen_does_not_slow_a_201(tmp_path: Path, rt: StandInRT) -> None:
    with with_own_redis(tmp_path, rt) as (product, redis):
        filer = Filer(product)
        server = psutil.Process(redis.pid)
        assert filer.file()
        server.suspend()
        try:
            for _ in range(10):
                assert filer.file()
                time.sleep(0.3)
        finally:
            server.resume()

        assert filer.slowest_s < 1.0
        assert_one_ticket_each(filer, rt)


@pytest.mark.faults
def test_a_redis_that_accepts_and_says_nothing_does_not_slow_a_201(tmp_path: Path, rt: StandInRT) -> None:
    to_rt(tmp_path / "config", rt.url, RT_TOKEN)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with running(tmp_path, env={**FAST, "CONCERN_ROUTER_REDIS_URL": address}) as product:
            filer = Filer(product)
            for _ in range(5):
                assert filer.file()
                time.sleep(0.2)

            assert filer.slowest_s < 1.0
            states = {row["state"] for row in product.deliveries()}
            assert states <= {"due", "draft"}, json.dumps(sorted(states))
