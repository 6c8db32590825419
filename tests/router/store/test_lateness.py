"""How each channel does is read from what waits, not from all that was ever sent."""

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from router.store.engine import transaction
from router.store.lateness import standings
from router.vocabulary import Login, Notice
from tests.conftest import Database
from tests.makers import login, prepare

SENT = 60_000
POST = text("""
    insert into referrals (id, reference, channel, kind, policy, state, fields, first_due_at, settled_at, proof, notice,
                           about, outcome, look_at)
    select md5(:kind || n), 'NOTICE-' || :kind || n, :channel, 'webhook', 'p', :state, '{}',
           clock_timestamp() - interval '1 h', clock_timestamp(), 'visible', :notice, :about, :outcome,
           cast(:look_at as timestamptz)
    from generate_series(1, :n) as n""")


def post(connection: Connection, n: int, channel: str, state: str, **more: Any) -> None:
    values = {"notice": None, "about": None, "outcome": None, "look_at": None, **more}
    kind = f"{channel}{state}{more.get('outcome', '')}{more.get('notice', '')}"
    connection.execute(POST, {"n": n, "channel": channel, "state": state, "kind": kind, **values})


@pytest.fixture
def full(owner: Engine, database: Database) -> Database:
    """A ledger of many that were sent, and a few of each kind that count."""
    prepare(database)
    with transaction(owner) as connection:
        post(connection, SENT, "desk", "sent")
        post(connection, 1000, "desk", "due")
        post(connection, 30, "desk", "dead")
        post(connection, 2, "tickets", "sent", outcome="second_closed")
        post(connection, 1, "phone", "sent", notice="delivery_late", about="desk")
        connection.execute(text("update referrals set due_at = clock_timestamp() + interval '1 h'"))
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze referrals"))
    return database


def test_what_counts_is_counted(full: Database) -> None:
    with login(full, Login.INTAKE) as intake, transaction(intake) as connection:
        seen = standings(connection, list(Notice))

    assert (seen.of("desk").due, seen.of("desk").dead, seen.of("phone").due) == (1000, 30, 0)
    assert 3600 <= seen.of("desk").oldest_s < 4200
    assert seen.of("tickets").doubled == ("NOTICE-ticketssentsecond_closed1", "NOTICE-ticketssentsecond_closed2")
    assert [*seen.told] == [("desk", Notice.DELIVERY_LATE)]


def test_what_was_sent_long_ago_is_not_read(full: Database, owner: Engine) -> None:
    """Blocks, not seconds: they are the same on a busy machine."""
    read = "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables where relname = 'referrals'"
    flush = "select pg_stat_force_next_flush()"

    def rows_read() -> int:
        with transaction(owner) as connection:
            return int(connection.execute(text(read)).scalar_one())

    before = rows_read()
    with login(full, Login.INTAKE) as intake:
        with transaction(intake) as connection:
            standings(connection, list(Notice))
        with transaction(intake) as connection:
            connection.execute(text(flush))

    assert rows_read() - before < 5_000
