"""The migrations make what `tables.py` says, and undo it."""

from alembic import command
from sqlalchemy import inspect

from router.store.engine import connect, transaction
from router.store.upgrade import alembic_config
from tests.conftest import Database


def test_the_schema_is_what_the_tables_say(database: Database) -> None:
    with transaction(connect(database.owner_dsn, process="test")) as connection:
        command.check(alembic_config(connection))


def test_down_and_up_again_leaves_the_same_schema(database: Database) -> None:
    engine = connect(database.owner_dsn, process="test")
    with transaction(engine) as connection:
        before = set(inspect(connection).get_table_names())
        command.downgrade(alembic_config(connection), "base")
    with transaction(engine) as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        command.upgrade(alembic_config(connection), "head")
    with transaction(engine) as connection:
        after = set(inspect(connection).get_table_names())
        command.check(alembic_config(connection))

    assert after == before
