"""Fixtures of the workers' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.servers import Sink
from tests.workers.rooms import Room, a_room


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Iterator[Room]:
    with a_room(database, tmp_path) as made:
        yield made


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server
