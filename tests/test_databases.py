"""A database that is used again is as new, and one that cannot be made so is not used again."""

from typing import Any

import psycopg
import pytest

from router.embedded.postgres import EmbeddedPostgres
from tests.conftest import Database, a_database

KEEP = "insert into policies (digest, policy, channels) values ('kept', '', '')"
ACTIVATE = "insert into policy_activations (digest) values ('kept') returning id"
ENABLED = "select count(*) from pg_trigger where tgenabled <> 'D' and not tgisinternal"


def said(database: Database, *statements: str) -> Any:
    """Run the statements as the superuser; return what the last one says."""
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        (found,) = cursor.fetchone() or (None,)
        return found


def oid(database: Database) -> int:
    return int(said(database, "select oid from pg_database where datname = current_database()"))


def test_the_next_test_finds_no_row_counts_from_one_and_is_not_reached_by_what_was_left_running(
    postgres: EmbeddedPostgres,
) -> None:
    with a_database(postgres) as first:
        was, triggers = oid(first), said(first, ENABLED)
        said(first, KEEP, ACTIVATE, "alter table audit disable trigger user", "select 1")

    with a_database(postgres) as second:
        assert oid(second) == was, "it is used again"
        assert said(second, "select count(*) from policies") == 0
        assert said(second, KEEP, ACTIVATE) == 1
        assert said(second, ENABLED) == triggers
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            oid(first)


@pytest.mark.parametrize(
    "change",
    [
        "create table more (n int)",
        "drop index cases_lapse_idx",
        "alter table policies alter policy drop not null",
        "grant select on sealed_contents to worker",
        "grant select (digest) on policies to worker",
        "alter function audit_is_append_only() security definer",
        "alter database {} set work_mem = '1GB'",
        "grant connect on database {} to public",
        "analyze policies",
        "insert into policies select n::text, repeat('x', 900), '' from generate_series(1, 1500) as n",
    ],
)
def test_one_that_differs_in_more_than_a_few_rows_is_not_used_again(postgres: EmbeddedPostgres, change: str) -> None:
    with a_database(postgres) as first:
        was = oid(first)
        said(first, KEEP, change.format(first.name), "select 1")

    with a_database(postgres) as second:
        assert oid(second) != was


def test_one_that_somebody_is_still_connected_to_is_cut_off_and_not_used_again(postgres: EmbeddedPostgres) -> None:
    with a_database(postgres) as first:
        was = oid(first)
        left = psycopg.connect(first.owner_dsn)

    with a_database(postgres) as second:
        assert oid(second) != was
        with pytest.raises(psycopg.OperationalError):
            left.execute("select 1")
    left.close()
