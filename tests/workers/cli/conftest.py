"""Runs the commands `channels` with the console's login, on a database that has channels in force."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.cli import main
from router.embedded.redis import EmbeddedRedis
from router.vocabulary import Login
from tests.conftest import Database
from tests.servers import Sink
from tests.workers.cli.commandline import Run
from tests.workers.processes import Worker, a_worker
from tests.workers.rooms import Room, channels_text


@pytest.fixture(autouse=True)
def _commands(database: Database, redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give commands the console's login and Redis."""
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    monkeypatch.setenv("CONCERN_ROUTER_REDIS_URL", redis_server.url)


@pytest.fixture
def run(room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the command line: its exit status, and what it printed."""
    external = "police: {kind: folder, scope: external, carries: [], path: p}"
    text = f"{channels_text(room.folder, desk=sink.url)}\n{external}\n"
    room.put_in_force(text.replace("kind: folder, path: out", "kind: folder, path: out, drill_every: 7d"))

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "channels", *arguments])
        capsys.readouterr()  # what else was printed before
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        status = ended.value.code
        return (status if isinstance(status, int) else 0), printed.out, printed.err

    return ran


@pytest.fixture
def worker(database: Database, redis_server: EmbeddedRedis, tmp_path: Path) -> Iterator[Worker]:
    with a_worker(database, redis_server.url, tmp_path, lease_s=12, sweep_every_s=1) as running:
        yield running
