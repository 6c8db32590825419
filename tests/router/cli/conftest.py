"""Fixtures of the tests of commands on cases and people."""

from collections.abc import Callable, Iterator

import pytest

from router.cli import main
from router.vocabulary import Login
from tests.conftest import Database
from tests.router.cli.desks import desk
from tests.router.console.deployments import Deployment, a_deployment

__all__ = ["desk"]  # a fixture

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def deployment(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A small deployment, on whose database commands run."""
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    with a_deployment(database) as made:
        yield made


@pytest.fixture
def run_cases(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `cases` with these words; return its status and what it printed."""

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "cases", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return typed
