"""Bring a database to the newest schema and give each login its rights, as the owner."""

from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from router.store.engine import connect, transaction
from router.store.grants import apply
from router.vocabulary import Login


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for our migrations on `connection`; no file, no environment."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(owner_dsn: str, logins: Mapping[Login, str]) -> None:
    """Migrate to the newest revision and apply the grants to `logins` (role names), all or nothing.

    Raises StoreFailed when a role is missing or the owner lacks a right, Unavailable when the
    database cannot be reached.
    """
    # A table of millions is rewritten in minutes.
    engine = connect(owner_dsn, process="db-upgrade", pool_size=1, patient=True)
    try:
        with transaction(engine) as connection:
            command.upgrade(alembic_config(connection), "head")
            apply(connection, logins)
    finally:
        engine.dispose()
