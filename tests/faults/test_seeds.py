"""The ten lease and settle faults in turn: in which order, over how many, after how many, in what shape is a seed's.

SEEDS says how many seeds there are. The seed stands in the test's name; the same one draws the same again.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from tests.conftest import Database
from tests.faults.deployment import SECOND_WORKER, WORKER, Deployment, deployed
from tests.faults.farside import BOTH, TICKET, FarSide
from tests.faults.filer import Filer
from tests.faults.orders import Act
from tests.faults.verdict import Scene

pytestmark = [pytest.mark.faults, pytest.mark.core]

FAULTS = (
    *((FailPoint.BEFORE_LEASE, Act.KILL), (FailPoint.IN_LEASE, Act.KILL), (FailPoint.AFTER_LEASE, Act.KILL)),
    *((FailPoint.BEFORE_SEND, Act.KILL), (FailPoint.AFTER_LOOK_UP, Act.KILL), (FailPoint.AFTER_CREATE, Act.KILL)),
    *((FailPoint.AFTER_SEND, Act.KILL), (FailPoint.BEFORE_SETTLE, Act.KILL), (FailPoint.AFTER_SETTLE, Act.KILL)),
    (FailPoint.BEFORE_SETTLE, Act.STOP),
)


@pytest.fixture(scope="module")
def shared_scene(root: Path, shared_database: Database, own_redis: EmbeddedRedis, far: FarSide) -> Iterator[Scene]:
    """Two workers, one of which a seed may leave out."""
    far.configure(root / "config")
    with deployed(Deployment(root, shared_database, own_redis.url, workers=2)) as deployment:
        yield Scene(deployment, Filer(deployment.url), far)


def test_ten_faults(scene: Scene, seed: int) -> None:
    chance, deployment = random.Random(seed), scene.deployment
    deployment.reshape(
        WORKER, SECOND_WORKER, lease_batch=chance.choice([1, 4, 16, 64]), sends_at_once=chance.choice([1, 2, 4, 8])
    )
    alone = chance.random() < 0.5
    if alone:
        deployment.switch_off(SECOND_WORKER)
    began = time.monotonic()
    for point, act in chance.sample(FAULTS, len(FAULTS)):
        order = deployment.order(point, act, skip=chance.randrange(4))
        scene.filer.file(chance.randint(1, 12), chance.choice([TICKET, BOTH]))
        while order.taken_by() is None:
            scene.filer.file(1, TICKET)
        if act is Act.STOP:
            order.wait_frozen()
            scene.wait_settled()
            order.let_go()

    verdict = scene.recovered("ten faults of a seed, all in all", began)
    if alone:
        deployment.switch_on(SECOND_WORKER)
    assert verdict.dead == 0, f"seed {seed}"
