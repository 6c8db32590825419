"""The public part on a real database, with the shipped policy and real keys; no Redis behind it."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
import uvicorn
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router import telemetry
from router.app import public_app
from router.operating.firststart import begin
from router.settings import Settings
from router.store.clients import add_client
from router.store.engine import transaction
from router.vocabulary import Login
from router.web.deadlines import with_deadline
from tests.configs import shipped
from tests.conftest import Database
from tests.makers import login

NOBODY_LISTENS = "redis://127.0.0.1:9/0"
KEY = "123e4567-e89b-42d3-a456-426614174000"
LEAST = {"category": "harassment", "noticed_how": "told_by_someone"}
Start = Callable[..., TestClient]


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return settings_of(database, tmp_path)


def settings_of(database: Database, folder: Path) -> Settings:
    """Return settings of a public part that keeps its files in `folder`; its keys are made."""
    config = shipped(folder / "config")
    begin(database.dsn(Login.CONSOLE), secrets_dir=folder / "secrets", config_dir=config, reviewer="first", say=print)
    return Settings(
        database_url_intake=SecretStr(database.dsn(Login.INTAKE)),
        database_url_console=SecretStr(database.dsn(Login.CONSOLE)),
        redis_url=SecretStr(NOBODY_LISTENS),
        state_dir=folder,
        config_dir=config,
    )


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Return what starts a public part with some settings changed."""
    with ExitStack() as running:

        def started(**changed: Any) -> TestClient:
            app = public_app(settings.model_copy(update=changed))
            return running.enter_context(TestClient(app, client=("192.0.2.7", 4711)))

        yield started


@pytest.fixture
def public(start: Start) -> TestClient:
    return start()


@pytest.fixture
def console(database: Database) -> Iterator[Engine]:
    with login(database, Login.CONSOLE) as engine:
        yield engine


@pytest.fixture
def token(console: Engine) -> str:
    """The token of a client named `agent`."""
    return new_client(console, "agent")


def new_client(console: Engine, name: str, *, per_minute: int = 1000) -> str:
    token = "crt_" + sha256(name.encode()).hexdigest()[:43]
    with transaction(console) as connection:
        add_client(connection, name, token_digest=sha256(token.encode()).digest(), per_minute=per_minute)
    return token


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


def count(database: Database, table: str) -> int:
    with psycopg.connect(database.owner_dsn) as connection:
        row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
    assert row
    return int(row[0])


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    """The public part behind a real uvicorn with our protocol, in a thread; yields its address."""
    config = uvicorn.Config(
        public_app(settings), port=0, http=with_deadline(2), ws="none", lifespan="on", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """All logging of this process at DEBUG, as the product would write it; raises on unlisted keys."""
    written = StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook)
    monkeypatch.setattr(sys, "stderr", written)
    telemetry.configure("test", level="DEBUG", strict=True)
    yield written
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    telemetry._strict = False
    root.handlers[:], level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    root.setLevel(level)


def everything(database: Database) -> bytes:
    """Return every row of every table as text."""
    rows = []
    with psycopg.connect(database.owner_dsn) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = sql.SQL("select t::text from {} t").format(sql.Identifier(table))
            rows += [row[0].encode() for row in connection.execute(query)]
    return b"\n".join(rows)
