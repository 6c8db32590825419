"""`deliveries list` shows where each referral stands, in the shape that others read, and notes who looked."""

import json
import re

import psycopg
import pytest
from sqlalchemy import text

from router.cli import main
from router.store.cases import record
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import a_case, prepare

KEYS = {"reference", "channel", "kind", "state", "attempts", "remote_id", "due_at", "settled_at", "outcome", "proof"}


@pytest.fixture
def reference(database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case with two referrals, one of them sent; the console's login in the environment."""
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    prepare(database)
    case = a_case(channels=("desk", "hr"))
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        record(connection, [case])
        connection.execute(
            text(
                "update referrals set state = 'sent', attempts = 1, remote_id = '7', outcome = 'sent',"
                " settled_at = clock_timestamp() where channel = 'hr'"
            )
        )
    owner.dispose()
    return case.reference


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["concern-router", "deliveries", "list", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


def test_json_has_exactly_the_agreed_keys(
    reference: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--json")
    rows = {row["channel"]: row for row in json.loads(capsys.readouterr().out)}

    assert all(set(row) == KEYS and row["reference"] == reference for row in rows.values())
    assert (rows["hr"]["state"], rows["hr"]["remote_id"], rows["hr"]["attempts"]) == ("sent", "7", 1)
    assert (rows["desk"]["state"], rows["desk"]["settled_at"]) == ("due", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", rows["desk"]["due_at"])


def test_people_get_a_line_each_with_columns_below_each_other(
    reference: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch)
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 2
    assert all(line.startswith(reference) for line in lines)
    assert sorted(line.split()[1] for line in lines) == ["due", "sent"]
    assert len({line.index(" tried") for line in lines}) == 1


def test_looking_is_noted(
    database: Database, reference: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--json")
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        actions = set(connection.execute(text("select action from audit")).scalars())
    owner.dispose()

    assert "deliveries_listed" in actions
    assert reference in capsys.readouterr().out


@pytest.mark.parametrize(("given", "count"), [((), 3), (("--waiting",), 5)])
def test_what_waits_or_was_withdrawn_untried_is_listed_when_asked_for(
    *,
    database: Database,
    reference: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    count: int,
) -> None:
    with psycopg.connect(database.owner_dsn) as owner:
        owner.execute(
            """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, lease_no)
               select revision_no::text, reference, channel, kind, revision_no, policy, become, fields, tried
               from referrals, (values ('standby', 2, 0), ('recalled', 3, 0), ('recalled', 4, 1))
                    as more (become, revision_no, tried) where channel = 'desk'"""
        )

    run(monkeypatch, "--json", *given)

    rows = json.loads(capsys.readouterr().out)
    assert {row["reference"] for row in rows} == {reference}
    assert len(rows) == count
