"""Fixtures of the tests of what staff do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router import secretfiles
from router.embedded.postgres import EmbeddedPostgres
from tests.conftest import CHECKOUT, Database, a_database
from tests.router.console.deployments import Deployment, a_deployment
from tests.router.console.issuers import Issuer
from tests.router.console.pages import Office, an_office


@pytest.fixture
def deployment(database: Database) -> Iterator[Deployment]:
    with a_deployment(database) as made:
        yield made


def _folders(below: Path) -> dict[str, Path]:
    secretfiles.make(below / "secrets")
    return {"secrets_dir": below / "secrets", "state_dir": below, "config_dir": CHECKOUT / "config"}


@pytest.fixture
def office(deployment: Deployment, database: Database, tmp_path: Path) -> Iterator[Office]:
    """A deployment with its console."""
    with an_office(deployment, database, _folders(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def shared_office(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all tests of a module that ask many pages the same and leave nothing behind that another minds."""
    folders = _folders(tmp_path_factory.mktemp("office"))
    with (
        a_database(postgres) as database,
        a_deployment(database) as deployment,
        an_office(deployment, database, folders) as made,
    ):
        yield made


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as made:
        yield made
