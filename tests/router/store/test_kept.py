"""Answers that wait between two pages, as the store keeps them."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine

from router.store import kept
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login

ROW, OTHER = b"1" * 32, b"2" * 32


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


def test_a_row_is_there_until_its_time_is_over_and_then_deleted(intake: Engine) -> None:
    with transaction(intake) as connection:
        kept.put(connection, ROW, b"first", lasts_s=60)
        kept.put(connection, ROW, b"second", lasts_s=60)
        kept.put(connection, OTHER, b"over", lasts_s=0)
    with transaction(intake) as connection:
        found = kept.look(connection, ROW), kept.take(connection, ROW), kept.look(connection, OTHER)
        gone = kept.drop_ended(connection), kept.drop_ended(connection)
        kept.drop(connection, ROW)
        after = kept.look(connection, ROW)

    assert found == (b"second", b"second", None)
    assert gone == (1, 0)
    assert after is None


def test_rows_are_in_no_log_of_the_server(database: Database) -> None:
    query = """
        select distinct relpersistence from pg_class
        where oid in (select indexrelid from pg_index where indrelid = 'kept_answers'::regclass)
           or 'kept_answers'::regclass in (oid, (select r.oid from pg_class r where r.reltoastrelid = pg_class.oid))"""
    with psycopg.connect(database.owner_dsn) as connection:
        kinds = connection.execute(query).fetchall()

    assert kinds == [("u",)]
