"""Fixtures of the tests of what staff do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router import secretfiles
from tests.conftest import CHECKOUT, Database
from tests.router.console.deployments import Deployment, a_deployment
from tests.router.console.pages import Office, an_office


@pytest.fixture
def deployment(database: Database) -> Iterator[Deployment]:
    with a_deployment(database) as made:
        yield made


@pytest.fixture
def office(deployment: Deployment, database: Database, tmp_path: Path) -> Iterator[Office]:
    """A deployment with its console."""
    secretfiles.make(tmp_path / "secrets")
    folders = {"secrets_dir": tmp_path / "secrets", "state_dir": tmp_path, "config_dir": CHECKOUT / "config"}
    with an_office(deployment, database, folders) as made:
        yield made
