"""The first start: its secrets are seen before keys are kept, so that none seals what nobody can open."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from router.console.signin.passwords import fits
from router.keymaking import add_person
from router.operating.firststart import begin
from router.store.accounts import find
from router.store.engine import connect, transaction
from router.store.keys import active_recipients, anybody
from router.vocabulary import Login
from tests.configs import shipped
from tests.conftest import Database
from tests.makers import login


@pytest.fixture
def console(database: Database) -> Iterator[Engine]:
    with login(database, Login.CONSOLE) as engine:
        yield engine


@pytest.fixture
def start(database: Database, tmp_path: Path) -> Callable[[Callable[[str], None]], None]:
    config = shipped(tmp_path / "config")

    def started(say: Callable[[str], None]) -> None:
        dsn = database.dsn(Login.CONSOLE)
        begin(dsn, secrets_dir=tmp_path / "secrets", config_dir=config, reviewer="ana", say=say)

    return started


def kept(console: Engine) -> bool:
    with transaction(console) as connection:
        return anybody(connection) or bool(active_recipients(connection))


def test_secrets_are_shown_before_keys_are_kept(
    console: Engine, start: Callable[[Callable[[str], None]], None]
) -> None:
    kept_when_said: list[bool] = []
    start(lambda _: kept_when_said.append(kept(console)))

    assert kept_when_said
    assert not any(kept_when_said)
    assert kept(console)


def test_a_start_that_ends_while_it_shows_them_keeps_nothing_and_the_next_shows_others(
    console: Engine, start: Callable[[Callable[[str], None]], None]
) -> None:
    def cut(line: str) -> None:
        if "recovery" in line:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        start(cut)
    assert not kept(console)
    said: list[str] = []
    start(said.append)
    passphrase = next(line.split()[-1] for line in said if "passphrase" in line)

    assert add_person(console, handle="ben", teams=["security"], by="ana", passphrase=passphrase)


def test_the_first_reviewer_gets_a_password_for_the_console(
    console: Engine, start: Callable[[Callable[[str], None]], None]
) -> None:
    said: list[str] = []
    start(said.append)

    password = next(line.split()[-1] for line in said if "sign-in password" in line)
    assert fits(kept_password(console), password)


def test_a_deployment_older_than_its_console_gets_one_later_and_only_once(
    console: Engine, start: Callable[[Callable[[str], None]], None], database: Database
) -> None:
    start(lambda _: None)
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        connection.execute(text("delete from accounts"))
    owner.dispose()

    later: list[str] = []
    start(later.append)
    again: list[str] = []
    start(again.append)

    password = next(line.split()[-1] for line in later if "sign-in password" in line)
    assert fits(kept_password(console), password)
    assert not [line for line in again if "password" in line]


def kept_password(console: Engine) -> str | None:
    with transaction(console) as connection:
        account = find(connection, "ana")
    assert account is not None
    return account.password
