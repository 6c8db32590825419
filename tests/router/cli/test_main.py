"""The command line's edge: help everywhere, one line on failure, and never what an error says."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from router import cli
from router.errors import RouterError


def commands(group: typer.core.TyperGroup | object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from commands(command, (*path, name))


EVERY_COMMAND = sorted(commands(typer.main.get_command(cli.program())))


def run(*arguments: str, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CONCERN_ROUTER_")}
    return subprocess.run(
        [sys.executable, "-m", "router.cli", *arguments],
        env={**clean, **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_promised_commands_are_there() -> None:
    promised = {
        ("up",),
        ("serve",),
        ("doctor",),
        ("db", "upgrade"),
        ("clients", "add"),
        ("keys", "init"),
        ("people", "add"),
        ("cases", "list"),
        ("cases", "open"),
        ("deliveries", "list"),
        ("policy", "check"),
        ("policy", "explain"),
        ("audit", "verify"),
    }

    assert promised <= set(EVERY_COMMAND)


@pytest.mark.parametrize("path", EVERY_COMMAND, ids=" ".join)
def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli.program(), [*path, "--help"])

    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()[2].strip()) > 10


def test_without_a_database_one_line_says_what_to_set(tmp_path: Path) -> None:
    done = run("cases", "list", env={"CONCERN_ROUTER_STATE_DIR": str(tmp_path)}, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "CONCERN_ROUTER_DATABASE_URL_CONSOLE" in done.stderr


def test_a_wrong_setting_is_named_and_not_repeated(tmp_path: Path) -> None:
    done = run("doctor", env={"CONCERN_ROUTER_LOG_LEVEL": "MARKED-7f3a"}, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "CONCERN_ROUTER_LOG_LEVEL" in done.stderr
    assert "MARKED" not in done.stderr + done.stdout


def test_an_unreachable_database_is_a_code_without_its_address(tmp_path: Path) -> None:
    env = {
        "CONCERN_ROUTER_STATE_DIR": str(tmp_path),
        "CONCERN_ROUTER_DATABASE_URL_CONSOLE": "postgresql://console:MARKED-7f3a@127.0.0.1:1/none",
    }

    done = run("cases", "list", env=env, cwd=tmp_path)

    assert done.returncode == 1
    assert "database_away" in done.stderr
    assert "the database does not answer" in done.stderr
    assert "MARKED" not in done.stderr + done.stdout


def test_an_unforeseen_error_shows_its_place_and_not_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash() -> None:
        raise LookupError("MARKED-7f3a")

    monkeypatch.setattr(cli, "program", lambda: crash)
    before = os.umask(0o022)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        os.umask(before)

    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "LookupError at " in said.err
    assert "test_main.py:" in said.err
    assert "MARKED" not in said.err + said.out


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("database_refused_42501", "this login may not do that"),
        ("database_refused_42p01", "`concern-router db upgrade`"),
        ("unknown_case", "`concern-router cases list`"),
    ],
)
def test_a_code_comes_with_what_helps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str, hint: str
) -> None:
    def refuse() -> None:
        raise RouterError(code)

    monkeypatch.setattr(cli, "program", lambda: refuse)
    before = os.umask(0o022)
    try:
        with pytest.raises(SystemExit):
            cli.main()
    finally:
        os.umask(before)

    said = capsys.readouterr().err
    assert said.startswith(f"concern-router: {code}: ")
    assert hint in said


def test_serve_refuses_a_part_that_does_not_exist(tmp_path: Path) -> None:
    done = run("serve", "--part", "none", env={}, cwd=tmp_path)

    assert done.returncode != 0
    assert "--part" in done.stderr
