"""Doorbells lost, doubled, turned round, late; two workers at one channel: the ledger decides, nothing is doubled."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from router.bell import QUEUE
from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from router.store.clients import add_client
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.faults.deployment import SECOND_WORKER, WORKER, Deployment, deployed, wait_until
from tests.faults.farside import RECORD, TICKET, FarSide
from tests.faults.filer import Filer
from tests.faults.orders import Act
from tests.faults.verdict import Scene
from tests.makers import login

pytestmark = [pytest.mark.faults, pytest.mark.core]

TOKEN = "crt_" + "a" * 43
AT_ONCE = 8
"""Copies of each doorbell."""


@pytest.fixture(scope="module")
def shared_scene(root: Path, shared_database: Database, own_redis: EmbeddedRedis, far: FarSide) -> Iterator[Scene]:
    """Two workers, each with two children; who files is a detection agent with a token."""
    far.configure(root / "config")
    with login(shared_database, Login.CONSOLE) as console, transaction(console) as connection:
        digest = sha256(TOKEN.encode()).digest()
        add_client(connection, "agent", token_digest=digest, per_minute=1_000_000)
    with deployed(Deployment(root, shared_database, own_redis.url, workers=2)) as deployment:
        yield Scene(deployment, Filer(deployment.url, TOKEN), far)


def test_doorbells_lost(scene: Scene, own_redis: EmbeddedRedis) -> None:
    workers = (WORKER, SECOND_WORKER)
    # A worker that is only frozen has asked for the first doorbell already, and gets it.
    for worker in workers:
        scene.deployment.switch_off(worker)
    with own_redis.client() as redis:
        scene.filer.file(10)
        # With a few of the sweeps' own behind them, the last concern's doorbell is there too.
        rung = redis.llen(QUEUE)
        wait_until(lambda: redis.llen(QUEUE) > rung + 4, what="doorbells wait")
        redis.delete(QUEUE)
    for worker in workers:
        scene.deployment.switch_on(worker)
    over = time.monotonic()

    scene.recovered("doorbells lost", over)


def test_doorbells_doubled(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with _workers_frozen(scene), own_redis.client() as redis:
        scene.filer.file(20)
        redis.lpush(QUEUE, *(_waiting(redis) * AT_ONCE))
    over = time.monotonic()

    scene.recovered("doorbells doubled", over)


def test_doorbells_turned_round_and_late(scene: Scene, own_redis: EmbeddedRedis) -> None:
    with own_redis.client() as redis:
        with _workers_frozen(scene):
            scene.filer.file(10, TICKET)
            scene.filer.file(10, RECORD)
            waiting = _waiting(redis)
            redis.delete(QUEUE)
        scene.wait_settled()
        redis.lpush(QUEUE, *reversed(waiting))
    over = time.monotonic()

    scene.recovered("doorbells turned round and late", over)


def test_two_workers_lease_at_once(scene: Scene) -> None:
    """All are held in front of the lease of one channel, and let go together."""
    deployment = scene.deployment
    scene.wait_settled()
    before = {row["id"] for row in deployment.rows("select id from referrals")}
    orders = [deployment.order(FailPoint.BEFORE_LEASE, Act.PAUSE, who=who) for who in (WORKER, SECOND_WORKER) * 2]
    scene.filer.file(40, TICKET)
    holders = {order.wait_taken() for order in orders}
    for order in orders:
        order.let_go()
    over = time.monotonic()

    scene.recovered("four processes leased at once", over)
    assert len(holders) >= 2
    new = [
        row
        for row in deployment.rows("select id, lease_no from referrals where state = 'sent'")
        if row["id"] not in before
    ]
    assert {row["lease_no"] for row in new} == {1}, "each was leased once"


def test_five_thousand_in_one_burst(scene: Scene) -> None:
    began = time.monotonic()
    scene.filer.burst(5000, RECORD)

    verdict = scene.recovered("5,000 concerns in one burst, delivered", began, within_s=240)
    assert verdict.dead == 0


@contextmanager
def _workers_frozen(scene: Scene) -> Iterator[None]:
    """Nobody takes a doorbell."""
    mains = [scene.deployment.pid(name) for name in (WORKER, SECOND_WORKER)]
    for pid in mains:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in mains:
            os.kill(pid, signal.SIGCONT)


def _waiting(redis: Redis) -> list[Any]:
    """Wait until some doorbells are there and return them."""
    wait_until(lambda: redis.llen(QUEUE) > 2, what="doorbells wait")
    found: Any = redis.lrange(QUEUE, 0, -1)
    return list(found)
