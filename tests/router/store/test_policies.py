"""Keeping policies, and which of them is in force."""

import pytest

from router.errors import StoreFailed
from router.store import policies
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login

ONE, TWO = "1" * 64, "2" * 64


def test_nothing_is_in_force_at_first(database: Database) -> None:
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        assert policies.active(connection) is None


def test_what_was_activated_last_is_in_force_word_for_word(database: Database) -> None:
    with login(database, Login.INTAKE) as engine:
        with transaction(engine) as connection:
            policies.keep(connection, ONE, "one: é\n", "channels")
            policies.keep(connection, TWO, "two", "")
            assert policies.activate(connection, TWO)
            assert policies.activate(connection, ONE)

        with transaction(engine) as connection:
            assert policies.active(connection) == policies.Stored(ONE, "one: é\n", "channels")


def test_keeping_again_changes_nothing(database: Database) -> None:
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        policies.keep(connection, ONE, "first", "first")
        policies.keep(connection, ONE, "second", "second")
        policies.activate(connection, ONE)

        assert policies.active(connection) == policies.Stored(ONE, "first", "first")


def test_activating_what_is_in_force_adds_no_row(database: Database) -> None:
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        policies.keep(connection, ONE, "", "")

        assert policies.activate(connection, ONE)
        assert not policies.activate(connection, ONE)


def test_what_was_never_kept_cannot_be_put_in_force(database: Database) -> None:
    with login(database, Login.INTAKE) as engine:
        with pytest.raises(StoreFailed), transaction(engine) as connection:
            policies.activate(connection, ONE)

        with transaction(engine) as connection:
            assert policies.active(connection) is None


def test_the_console_may_read_it(database: Database) -> None:
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        policies.keep(connection, ONE, "a", "b")
        policies.activate(connection, ONE)

    with login(database, Login.CONSOLE) as engine, transaction(engine) as connection:
        assert policies.active(connection) == policies.Stored(ONE, "a", "b")


def test_a_kept_policy_is_found_by_the_beginning_of_its_digest(database: Database) -> None:
    other = "1" * 10 + "2" * 54
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        for digest in (ONE, TWO, other):
            policies.keep(connection, digest, digest, "")

    with login(database, Login.CONSOLE) as engine, transaction(engine) as connection:
        assert [stored.digest for stored in policies.kept(connection, "222222")] == [TWO]
        assert [stored.digest for stored in policies.kept(connection, "111111")] == [ONE, other]
        assert policies.kept(connection, "333333") == []
