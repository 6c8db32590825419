"""Fixtures of several tests of one promise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.router.console.approvers import Border, a_border


@pytest.fixture
def border(database: Database, tmp_path: Path) -> Iterator[Border]:
    with a_border(database, tmp_path) as made:
        yield made
