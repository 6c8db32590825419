"""`cases open` asks for what was left out at a terminal, and never takes a piped secret for an answer."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import prepare

OPEN = (sys.executable, "-m", "router.cli", "cases", "open", "CR-0000-0000-0000")


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    prepare(database)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CONCERN_ROUTER_")}
    own = {"STATE_DIR": str(tmp_path), "DATABASE_URL_CONSOLE": database.dsn(Login.CONSOLE)}
    return {**clean, **{f"CONCERN_ROUTER_{name}": value for name, value in own.items()}}


def reasons(database: Database) -> str:
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        rows = connection.execute(text("select actor, action, object, outcome, detail from audit")).all()
    owner.dispose()
    return str(rows)


@pytest.mark.parametrize("given", [(), ("--as", "reviewer"), ("--reason", "first look")])
def test_a_piped_passphrase_is_never_taken_for_a_reason(
    given: tuple[str, ...], database: Database, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [*OPEN, *given], env=environment, input="MARKED-7f3a\n", capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "option_missing" in done.stderr
    assert "MARKED" not in done.stderr + done.stdout + reasons(database)


def test_a_terminal_is_asked_who_why_and_for_the_passphrase_unseen(
    database: Database, environment: dict[str, str]
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        OPEN, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = ""
    for asked, answer in (("handle", "reviewer"), ("Reason", "first look"), ("Passphrase", "MARKED-7f3a")):
        while asked not in shown or not shown.endswith(": "):
            shown += os.read(ours, 1000).decode()
        os.write(ours, f"{answer}\n".encode())
    status = process.wait(timeout=30)
    shown += os.read(ours, 4000).decode()
    os.close(ours)

    assert status == 1
    assert "wrong_handle_or_passphrase" in shown
    assert "MARKED" not in shown
    assert "person:reviewer" in reasons(database)
