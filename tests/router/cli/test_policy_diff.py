"""`policy diff`: folders and stored policies, and past cases that would go elsewhere."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from router import clock
from router.cli import policycompare
from router.cli.policy import commands
from router.model import NewCase
from router.store import cases, policies, replay
from router.store.engine import connect, transaction
from router.triage.policy import policy_digest
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import a_case, login, prepare
from tests.oddities import DESK, PHONE, policy, route, routes

FRAUD, ALL = route("fraud", "{category: fraud}"), route("all")
WAYS = f"{DESK}\n{PHONE}\n"
OLD = policy(routes(FRAUD, ALL)).replace("theft", "other")
NEW = policy(routes(FRAUD, route("people", "{from: person}", to="[desk, phone]"), ALL)).replace("theft", "other")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["diff", *arguments])


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    for name, text_ in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(text_)
        (tmp_path / name / "channels.yaml").write_text(WAYS)
    return str(tmp_path / "old"), str(tmp_path / "new")


@pytest.fixture
def stored(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    """A database with both policies, the old one in force."""
    prepare(database)
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        for text_ in (NEW, OLD):
            policies.keep(connection, policy_digest(text_, WAYS), text_, WAYS)
        policies.activate(connection, policy_digest(OLD, WAYS))
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    monkeypatch.setenv("CONCERN_ROUTER_STATE_DIR", str(tmp_path))
    return database


def recorded(database: Database, *new: NewCase) -> None:
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        cases.record(connection, new)


def case(category: str, *, days: int = 1, asset_tag: str = "MARKED-7f3a") -> NewCase:
    made = a_case(facts={"asset_tag": asset_tag})
    return replace(
        made,
        facts=made.facts.model_copy(update={"category": category}),
        received_at=clock.now() - timedelta(days=days),
    )


def audited(database: Database) -> list[tuple[str, str]]:
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        rows = connection.execute(text("select action, detail from audit where action <> 'case_received'")).all()
    owner.dispose()
    return [(row.action, row.detail) for row in rows]


def test_two_folders_are_compared_without_a_database(folders: tuple[str, str]) -> None:
    result = run(*folders)

    assert (result.exit_code, result.stdout) == (0, "+ route people\n")


def test_the_same_is_said_to_be_the_same(folders: tuple[str, str]) -> None:
    assert run(folders[0], folders[0]).stdout == "both say the same\n"


def test_differences_as_json(folders: tuple[str, str]) -> None:
    shown = json.loads(run(*folders, "--json").stdout)

    assert shown == {
        "old": policy_digest(OLD, WAYS),
        "new": policy_digest(NEW, WAYS),
        "changes": [{"what": "added", "kind": "route", "name": "people", "details": []}],
    }


def test_stored_policies_are_named_by_digest_or_as_the_active_one(stored: Database, folders: tuple[str, str]) -> None:
    assert run("active", policy_digest(NEW, WAYS)[:8]).stdout == "+ route people\n"
    assert run(policy_digest(NEW, WAYS), folders[0]).stdout == "- route people\n"
    assert audited(stored) == []


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("name", "code"), [("0" * 12, "unknown_policy"), ("nowhere", "unknown_policy"), ("abc", "unknown_policy")]
)
def test_what_is_not_there_is_an_error(name: str, code: str) -> None:
    result = run("active", name)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"concern-router: {code}")


def test_a_digest_that_begins_like_another_is_an_error(stored: Database) -> None:
    with login(stored, Login.INTAKE) as engine, transaction(engine) as connection:
        for end in "01":
            policies.keep(connection, "f" * 63 + end, "", "")

    result = run("active", "ffffff")

    assert result.exit_code == 2
    assert result.stderr.startswith("concern-router: ambiguous_policy")


def test_a_folder_that_does_not_load_is_an_error(folders: tuple[str, str]) -> None:
    (Path(folders[1]) / "policy.yaml").write_text(NEW.replace("people", "People"))

    result = run(*folders)

    assert result.exit_code == 2
    assert f"{folders[1]}/policy.yaml:" in result.stdout


@pytest.mark.parametrize("span", ["90", "d", "soon", "0d"])
def test_an_odd_time_is_an_error(folders: tuple[str, str], span: str) -> None:
    result = run(*folders, "--replay", span)

    assert result.exit_code == 2
    assert result.stderr.startswith("concern-router: odd_time")


def test_past_cases_that_would_go_elsewhere_are_listed_with_a_summary(stored: Database) -> None:
    elsewhere, same, old = case("other"), case("fraud"), case("other", days=100)
    recorded(stored, elsewhere, same, old)

    result = run("active", policy_digest(NEW, WAYS)[:12], "--replay", "90d")

    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "+ route people"
    assert "2 cases, 1 of them elsewhere or otherwise" in lines[2]
    assert lines[3:] == [
        "       1  all -> people",
        elsewhere.reference,
        "    route: all -> people",
        "    told: desk -> desk, phone",
    ]


def test_a_replay_is_in_the_audit_before_it_reads(stored: Database) -> None:
    run("active", policy_digest(NEW, WAYS), "--replay", "90d")

    digests = f"{policy_digest(OLD, WAYS)[:12]}..{policy_digest(NEW, WAYS)[:12]}"
    assert audited(stored) == [("cases_replayed", f"{digests} 90d")]


def test_no_value_of_a_fact_is_printed(stored: Database) -> None:
    recorded(stored, case("other"))

    for arguments in ((), ("--json",)):
        result = run("active", policy_digest(NEW, WAYS), "--replay", "90d", *arguments)

        assert "CR-" in result.stdout
        assert "7f3a" not in result.output
        assert "helpdesk_repair" not in result.output


def test_a_replay_as_json(stored: Database) -> None:
    moved = case("other")
    recorded(stored, moved, case("fraud"))

    shown = json.loads(run("active", policy_digest(NEW, WAYS), "--replay", "90d", "--json").stdout)["replay"]

    assert (shown["cases"], shown["unreadable"]) == (2, [])
    assert shown["routes"] == [{"old": "all", "new": "people", "cases": 1}]
    assert shown["elsewhere"] == [
        {
            "reference": moved.reference,
            "fields": {"route": {"old": "all", "new": "people"}, "told": {"old": "desk", "new": "desk, phone"}},
        }
    ]


def test_facts_that_cannot_be_read_any_more_are_named_and_left_out(stored: Database) -> None:
    broken = case("other")
    recorded(stored, broken, case("fraud"))
    owner = connect(stored.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        connection.execute(
            text("""update cases set facts = '{"MARKED": 1}' where reference = :it"""), {"it": broken.reference}
        )
    owner.dispose()

    result = run("active", policy_digest(NEW, WAYS), "--replay", "90d")

    assert f"{broken.reference}: its stored facts cannot be read; not decided" in result.stdout
    assert "MARKED" not in result.output


def test_a_long_replay_goes_by_batches_and_says_how_far_it_is(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "BATCH", 2)
    monkeypatch.setattr(policycompare, "SAID_EVERY", 3)
    recorded(stored, *(case("other") for _ in range(7)))

    result = run("active", policy_digest(NEW, WAYS), "--replay", "90d")

    assert result.stderr == "3 cases decided\n6 cases decided\n"
    assert "7 cases, 7 of them elsewhere" in result.stdout
