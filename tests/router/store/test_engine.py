"""Connections that died while they lay idle are replaced unseen."""

import time

import psycopg
import pytest
from sqlalchemy import text

from router.errors import Unavailable
from router.store import engine as store_engine
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database


def cut(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut-me'")


@pytest.mark.parametrize("idle_s", [0.0, 60.0])
def test_an_idle_connection_that_was_cut_is_replaced_and_a_fresh_one_is_a_code(
    database: Database, monkeypatch: pytest.MonkeyPatch, idle_s: float
) -> None:
    """Patched: a minute's idleness without waiting for it."""
    engine = connect(database.dsn(Login.WORKER), process="cut-me")
    with transaction(engine) as connection:
        connection.execute(text("select 1"))
    cut(database)
    later = time.monotonic() + idle_s
    monkeypatch.setattr(store_engine, "monotonic", lambda: later)

    try:
        if not idle_s:
            with pytest.raises(Unavailable), transaction(engine) as connection:
                connection.execute(text("select 1"))
        with transaction(engine) as connection:
            assert connection.execute(text("select 1")).scalar_one() == 1
    finally:
        engine.dispose()


def test_whoever_freezes_in_a_transaction_keeps_its_locks_for_a_minute_at_most(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: a fifth of a second for the minute."""
    monkeypatch.setattr(store_engine, "IDLE_TIMEOUT_MS", 200)
    frozen = connect(database.dsn(Login.WORKER), process="frozen")
    other = connect(database.dsn(Login.WORKER), process="other")
    take = text("insert into channel_states (channel) values ('desk') on conflict (channel) do update set failures = 1")

    def freeze_between() -> None:
        with transaction(frozen) as held:
            held.execute(take)
            with transaction(other) as connection:
                connection.execute(take)
            held.execute(text("select 1"))

    try:
        with pytest.raises(Unavailable):
            freeze_between()
        with transaction(other) as connection:
            assert connection.execute(text("select failures from channel_states")).scalar_one() == 0
    finally:
        frozen.dispose()
        other.dispose()
