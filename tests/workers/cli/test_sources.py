"""`sources list|check|poll`, as an operator runs them: against the public part behind a real server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import Engine

from router.cli import main
from router.settings import Settings
from tests.conftest import Database
from tests.loopback import Answer, Loopback
from tests.publicpart import console, count, new_client, served, settings
from tests.workers.cli.commandline import Run, found

__all__ = ["console", "served", "settings"]  # fixtures

RECIPE = Path(__file__).parents[3] / "config/recipes/sources/redmine.yaml"
RECORDED = Path(__file__).parents[2] / "router/sources/recorded/redmine.json"
TICKET = json.loads(RECORDED.read_text())
SPOILT = {**TICKET, "id": 4712, "custom_fields": [{"id": 7, "value": "MARKED-7f3a"}]}


class Redmine(Loopback):
    """Lists what a test put there, to whoever has the key."""

    issues: tuple[Any, ...] = ()

    def reply(self, request: Any) -> Answer:
        if request.headers.get("x-redmine-api-key") != "marked-key":
            return Answer(401)
        return Answer(200, json.dumps({"issues": self.issues}).encode())


class Door(Loopback):
    """Takes whatever comes."""

    def reply(self, request: Any) -> Answer:  # noqa: ARG002 - the contract
        return Answer(201)


@pytest.fixture
def redmine() -> Iterator[Redmine]:
    with Redmine() as running:
        running.issues = (TICKET,)
        yield running


@pytest.fixture
def run(
    settings: Settings,
    console: Engine,
    redmine: Redmine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return what runs the command line, with the recipe for Redmine in force."""
    sources = yaml.safe_load(RECIPE.read_text())
    sources["redmine-helpdesk"]["poll"]["url"] = redmine.url
    (settings.config_dir / "sources.yaml").write_text(yaml.safe_dump(sources))
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(settings.config_dir))
    monkeypatch.setenv("CONCERN_ROUTER_STATE_DIR", str(settings.state_dir))
    monkeypatch.setenv("REDMINE_HELPDESK_KEY", "marked-key")
    monkeypatch.setenv("REDMINE_HELPDESK_TOKEN", new_client(console, "redmine-helpdesk"))

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "sources", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        status = ended.value.code
        return (status if isinstance(status, int) else 0), printed.out, printed.err

    return ran


def poll(run: Run, served: str) -> Any:
    status, out, _ = run("poll", "redmine-helpdesk", "--to", served, "--json")
    assert status == 0
    return json.loads(out.splitlines()[-1])  # the server in this process logs there as well


def test_a_marked_ticket_is_filed_once(run: Run, served: str, database: Database) -> None:
    first, again = poll(run, served), poll(run, served)

    assert (first["filed"], again["filed"], again["known"]) == (1, 0, 1)
    with psycopg.connect(database.owner_dsn) as connection:
        ((facts, client),) = connection.execute("select facts, client from cases").fetchall()
    assert (facts["source_ticket"], facts["asset_tag"], client) == ("4711", "NB-0815", "redmine-helpdesk")


def test_a_ticket_that_was_filed_is_not_filed_again_when_the_doors_memory_is_over(
    run: Run, served: str, database: Database
) -> None:
    poll(run, served)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("delete from idempotency")
    poll(run, served)

    assert count(database, "cases") == 1


def test_one_ticket_that_does_not_fit_stops_no_other_and_is_told_by_pointer(
    run: Run, redmine: Redmine, served: str
) -> None:
    redmine.issues = (SPOILT, TICKET)
    told = poll(run, served)

    assert told["filed"] == 1
    assert told["refused"] == ["/custom_fields/7/value unknown_value"]


def test_nothing_of_a_ticket_but_its_facts_reaches_the_door_or_stays(run: Run, settings: Settings) -> None:
    with Door() as door:
        poll(run, door.url)

    (sent,) = [request.body for request in door.everything]
    assert b"MARKED" not in sent
    assert b"4711" in sent
    assert b"4711" not in (settings.state_dir / "sources/redmine-helpdesk.json").read_bytes()


def test_a_system_that_does_not_let_us_in_is_said_by_code(
    run: Run, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDMINE_HELPDESK_KEY", "other")
    status, _, err = run("poll", "redmine-helpdesk", "--to", served)

    assert status == 1
    assert "not_authorised" in err


def test_check_says_what_is_wrong_at_its_line(run: Run, settings: Settings) -> None:
    file = settings.config_dir / "sources.yaml"
    file.write_text(RECIPE.read_text().replace("csam_suspected", "csam_suspectd") + "  note_back: nowhere\n")
    status, _, err = run("check")

    assert status == 1
    assert "did you mean 'csam_suspected'" in err
    assert "unknown channel 'nowhere'" in err
    assert "sources.yaml:" in err


def test_check_says_which_secret_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDMINE_HELPDESK_KEY")

    assert run("check") == (1, "redmine-helpdesk  poll.secret: secret_missing\n", "")


def test_check_shows_what_would_be_taken_of_a_message_and_files_nothing(run: Run, database: Database) -> None:
    status, out, _ = run("check", "redmine-helpdesk", "--message", str(RECORDED))

    assert status == 0
    assert json.loads(out)["category"] == "csam_suspected"
    assert "MARKED" not in out
    assert count(database, "cases") == 0


def test_list_says_who_files_as_whom(run: Run) -> None:
    (row,) = found(run, "list")

    assert (row["name"], row["client"], row["by"], row["polled"]) == (
        "redmine-helpdesk",
        "redmine-helpdesk",
        "token",
        True,
    )
