"""`clients add|list|revoke`, as an operator runs them."""

import json
from hashlib import sha256

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from router.cli.clients import commands
from router.errors import Broken
from router.store.clients import Client, active_clients
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.publicpart import everything


@pytest.fixture(autouse=True)
def _console(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", SecretStr(database.dsn(Login.CONSOLE)).get_secret_value())


def run(*arguments: str) -> str:
    return CliRunner().invoke(commands, arguments, catch_exceptions=False).stdout.strip()


def known(database: Database) -> dict[bytes, Client]:
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        return active_clients(connection)


def test_a_token_is_shown_once_and_stored_as_its_digest(database: Database) -> None:
    token = run("add", "agent", "--per-minute", "7")

    assert len(token) == 47
    assert known(database) == {sha256(token.encode()).digest(): Client("agent", 7)}
    assert token.encode() not in everything(database)
    assert token not in run("list") + run("list", "--json")


def test_lists_and_revokes(database: Database) -> None:
    run("add", "agent")
    run("revoke", "agent")

    listed = json.loads(run("list", "--json"))
    assert [(row["name"], row["revoked_at"] is not None) for row in listed] == [("agent", True)]
    assert set(listed[0]) == {"name", "per_minute", "created_at", "revoked_at"}
    assert known(database) == {}


def test_a_name_is_used_once_and_well_formed() -> None:
    run("add", "agent")
    run("revoke", "agent")
    for arguments, code in (
        (("add", "agent"), "client_exists"),
        (("add", "Agent 1"), "client_name"),
        (("revoke", "agent"), "no_such_client"),
    ):
        with pytest.raises(Broken) as broken:
            run(*arguments)
        assert broken.value.code == code


def test_every_change_is_in_the_audit(database: Database) -> None:
    run("add", "agent")
    run("revoke", "agent")

    rows = everything(database)
    assert b"client_added" in rows
    assert b"client_revoked" in rows
