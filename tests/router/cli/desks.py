"""A case with two referrals, and `deliveries` as somebody runs it, for the tests of its commands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from redis import Redis

from router.bell import QUEUE
from router.cli import main
from router.embedded.redis import EmbeddedRedis
from router.store.cases import record
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import a_case, prepare


@dataclass
class Desk:
    """A case with two referrals, `hr` sent and `desk` as a test wants it, and what the command says."""

    reference: str
    dsn: str
    run: Callable[..., str]
    """Run `deliveries` with these arguments and return what it prints."""
    fails: Callable[..., str]
    """Run it, see that it fails, and return its one line on standard error."""

    def change(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.dsn) as owner:
            owner.execute(statement.encode(), values)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as owner:
            return owner.execute(query.encode()).fetchall()

    def stands(self, channel: str = "desk") -> tuple[Any, ...]:
        with psycopg.connect(self.dsn) as owner:
            [row] = owner.execute("select state, outcome from referrals where channel = %s", [channel])
        return row

    def audited(self, action: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as owner:
            query = "select object, outcome, detail from audit where action = %s and actor like 'login:%%' order by id"
            return owner.execute(query, [action]).fetchall()


@pytest.fixture
def desk(
    database: Database,
    redis_server: EmbeddedRedis,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    monkeypatch.setenv("CONCERN_ROUTER_REDIS_URL", redis_server.url)
    prepare(database)
    case = a_case(channels=("desk", "hr"))
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        record(connection, [case])
    owner.dispose()

    def run(*arguments: str) -> str:
        assert not end(*arguments)
        return capsys.readouterr().out

    def fails(*arguments: str) -> str:
        assert end(*arguments) not in {0, None}
        said = capsys.readouterr()
        assert not said.out
        assert said.err.startswith("concern-router: ")
        assert said.err.count("\n") == 1
        return said.err

    def end(*arguments: str) -> object:
        monkeypatch.setattr("sys.argv", ["concern-router", "deliveries", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    made = Desk(case.reference, database.owner_dsn, run, fails)
    made.change(
        "update referrals set state = 'sent', attempts = 1, remote_id = '7', outcome = 'sent', proof = 'visible',"
        " settled_at = clock_timestamp() where channel = 'hr'"
    )
    yield made
    with Redis.from_url(redis_server.url) as redis:
        redis.delete(QUEUE)
