"""Fixtures of the tests of what staff do."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.router.console.deployments import Deployment, a_deployment


@pytest.fixture
def deployment(database: Database) -> Iterator[Deployment]:
    with a_deployment(database) as made:
        yield made
