"""Logins that most tests of the store need."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from router.store.engine import connect
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login, prepare


@pytest.fixture
def worker(database: Database) -> Iterator[Engine]:
    prepare(database)
    with login(database, Login.WORKER) as engine:
        yield engine


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test")
    yield engine
    engine.dispose()
