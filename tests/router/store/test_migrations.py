"""The migrations make what `tables.py` says, and undo it."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, inspect

from router.store.engine import connect, transaction
from router.store.upgrade import alembic_config
from tests.conftest import Database


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test")
    yield engine
    engine.dispose()


def test_the_schema_is_what_the_tables_say(owner: Engine) -> None:
    with transaction(owner) as connection:
        command.check(alembic_config(connection))


def test_down_and_up_again_leaves_the_same_schema(owner: Engine) -> None:
    with transaction(owner) as connection:
        before = set(inspect(connection).get_table_names())
        command.downgrade(alembic_config(connection), "base")
    with transaction(owner) as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        command.upgrade(alembic_config(connection), "head")
    with transaction(owner) as connection:
        command.check(alembic_config(connection))
        after = set(inspect(connection).get_table_names())

    assert after == before
