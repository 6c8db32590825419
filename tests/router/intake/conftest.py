"""The public part on a real database, with the shipped policy and real keys; no Redis behind it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from router.app import public_app
from router.firststart import begin
from router.model import Login
from router.settings import Settings
from tests.configs import shipped
from tests.conftest import Database

NOBODY_LISTENS = "redis://127.0.0.1:9/0"


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    config = shipped(tmp_path / "config")
    begin(database.dsn(Login.CONSOLE), secrets_dir=tmp_path / "secrets", config_dir=config, reviewer="first")
    return Settings(
        database_url_intake=SecretStr(database.dsn(Login.INTAKE)),
        database_url_console=SecretStr(database.dsn(Login.CONSOLE)),
        redis_url=SecretStr(NOBODY_LISTENS),
        state_dir=tmp_path,
        config_dir=config,
    )
