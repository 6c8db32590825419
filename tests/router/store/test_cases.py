"""Recording: all or nothing, and the same key gets the same answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Engine, text

from router.errors import StoreFailed, Unavailable
from router.model import DuplicateKey, NewCase, PlannedReferral, Referral
from router.store import cases
from router.store.cases import Repeated
from router.store.engine import connect, transaction
from router.vocabulary import Awaited, Login, Notice, ReferralState
from tests.conftest import Database
from tests.makers import a_case, login, prepare


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    prepare(database)
    with login(database, Login.INTAKE) as engine:
        yield engine


def record(engine: Engine, *new: NewCase) -> list[Repeated | None]:
    with transaction(engine) as connection:
        return cases.record(connection, new)


def count(engine: Engine) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(text("select count(reference) from cases")).scalar_one())


def test_a_case_without_key_is_always_new(intake: Engine) -> None:
    assert record(intake, a_case(), a_case()) == [None, None]
    assert count(intake) == 2


def test_a_key_used_before_gets_what_was_stored_then(intake: Engine) -> None:
    first = a_case(key=b"k" * 32, body=b"one")
    assert record(intake, first) == [None]

    again = record(intake, a_case(), a_case(key=b"k" * 32, body=b"two"), a_case(key=b"other"))

    assert first.idempotent is not None
    assert again == [None, Repeated(b"one", first.idempotent.answer), None]
    assert count(intake) == 3


def test_a_key_twice_in_one_commit_counts_once(intake: Engine) -> None:
    first, second = a_case(key=b"k"), a_case(key=b"k")

    answers = record(intake, first, second)

    assert first.idempotent is not None
    assert answers == [None, Repeated(first.idempotent.body, first.idempotent.answer)]
    assert count(intake) == 1


def test_the_same_key_in_fifty_transactions_at_once_makes_one_case(intake: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: record(intake, a_case(key=b"k"))[0], range(50)))

    assert answers.count(None) == 1
    assert len({answer.answer for answer in answers if answer}) == 1
    assert count(intake) == 1


def test_one_poison_case_leaves_nothing_of_its_commit(intake: Engine) -> None:
    twice = a_case()

    with pytest.raises(StoreFailed, match=r"^database_refused_23505$"):
        record(intake, a_case(key=b"k"), twice, twice)

    assert count(intake) == 0
    assert record(intake, a_case(key=b"k")) == [None]


def test_an_unreachable_database_is_a_code(database: Database) -> None:
    dsn = database.dsn(Login.INTAKE).rsplit("@", 1)[0] + "@127.0.0.1:1/none"
    engine = connect(dsn, process="test")

    with pytest.raises(Unavailable, match=r"^database_away_unreachable$") as caught, transaction(engine):
        pass

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_waits_is_kept_with_its_time_and_what_is_due_takes_the_databases(intake: Engine) -> None:
    case = a_case()
    later = case.received_at + timedelta(days=3)
    fields = Referral(reference=case.reference, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
    state = ReferralState.STANDBY
    waits = PlannedReferral(
        channel="desk", kind="webhook", state=state, fields=fields, due_at=later, awaited=Awaited.CLAIM
    )
    planned = (*case.decision.referrals, waits)
    record(intake, replace(case, decision=case.decision.model_copy(update={"referrals": planned})))

    with transaction(intake) as connection:
        query = "select state, notice, due_at from referrals order by due_at"
        rows = connection.execute(text(query)).all()

    assert [(row.state, row.notice) for row in rows] == [("due", None), ("standby", "reminder")]
    assert rows[1].due_at == later
    assert abs(rows[0].due_at - case.received_at) < timedelta(minutes=1)


def test_keys_of_likely_duplicates_are_kept_as_bytes(intake: Engine, database: Database) -> None:
    case = a_case()
    same = DuplicateKey(key="5a" * 32, within_s=60)
    record(intake, replace(case, decision=case.decision.model_copy(update={"duplicates": (same,)})))

    with psycopg.connect(database.owner_dsn) as owner:
        rows = owner.execute("select key, reference, within_s, received_at from case_duplicate_keys").fetchall()

    assert rows == [(b"Z" * 32, case.reference, 60, case.received_at)]
