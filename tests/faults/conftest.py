"""Fixtures of the fault list: a deployment for each file of tests, its seeds, and the recovery times at the end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.embedded.postgres import EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from tests.conftest import Database, a_database
from tests.faults.deployment import Deployment, deployed
from tests.faults.farside import FarSide, a_far_side
from tests.faults.filer import Filer
from tests.faults.verdict import RECOVERED, Scene

SEEDS = int(os.environ.get("SEEDS", "2"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, SEEDS + 1), ids=lambda seed: f"seed{seed}")


@pytest.fixture(autouse=True)
def recovered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Say with the test's report how long each recovery took; `tests/conftest.py` prints it at the end of the run."""
    RECOVERED.clear()
    yield
    request.node.user_properties += [("recovered", (fault, took)) for fault, took in RECOVERED.items()]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="module")
def far() -> Iterator[FarSide]:
    with a_far_side() as made:
        yield made


@pytest.fixture(scope="module")
def shared_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with a_database(postgres) as made:
        yield made


@pytest.fixture(scope="module")
def own_redis(root: Path) -> Iterator[EmbeddedRedis]:
    redis = EmbeddedRedis(root)
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture(scope="module")
def shared_scene(root: Path, shared_database: Database, own_redis: EmbeddedRedis, far: FarSide) -> Iterator[Scene]:
    """One worker on the session's PostgreSQL and a Redis of its own."""
    far.configure(root / "config")
    with deployed(Deployment(root, shared_database, own_redis.url)) as deployment:
        yield Scene(deployment, Filer(deployment.url), far)


@pytest.fixture
def scene(shared_scene: Scene) -> Iterator[Scene]:
    """The file's own, in good order; orders that a failed test left are taken back."""
    yield shared_scene
    shared_scene.deployment.orders.clear()
