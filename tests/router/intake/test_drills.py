"""Drills by schedule: one when the last is too long ago, however many processes look."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from router.intake.drills import Drills
from router.store.drills import schedule_is_ours
from router.store.engine import connect, transaction
from router.triage.policy import Policy, parse_policy
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.policies import CHANNELS, POLICY

SCHEDULED = CHANNELS.replace("path: a", "path: a, drill_every: 7d").replace("path: b", "path: b, drill_every: 12h")


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test-owner")
    yield engine
    engine.dispose()


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


def rows(owner: Engine, query: str = "select channel, state, notice from referrals order by channel, id") -> list[Any]:
    with transaction(owner) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def policy(channels: str = SCHEDULED) -> Policy:
    return parse_policy(POLICY, channels)


def schedule(intake: Engine, rung: list[str], channels: str = SCHEDULED) -> Drills:
    return Drills(intake, lambda: policy(channels), ring=rung.extend)


def test_each_channel_that_asks_is_drilled_once_and_rung(intake: Engine, owner: Engine) -> None:
    rung: list[str] = []
    drills = schedule(intake, rung)
    drills.post_due()
    drills.post_due()

    assert rows(owner) == [("legal-desk", "due", "drill"), ("security-desk", "due", "drill")]
    assert sorted(rung) == ["legal-desk", "security-desk"]
    assert rows(owner, "select actor, action, detail from audit order by detail") == [
        ("schedule", "drill_asked", "legal-desk"),
        ("schedule", "drill_asked", "security-desk"),
    ]


def test_the_next_comes_when_the_last_is_too_long_ago_also_one_that_somebody_asked_for(
    intake: Engine, owner: Engine
) -> None:
    drills = schedule(intake, [])
    drills.post_due()
    with transaction(owner) as connection:
        connection.execute(
            text("update referrals set state = 'sent', first_due_at = first_due_at - interval '13 hours'")
        )
    drills.post_due()

    assert [channel for channel, _, _ in rows(owner)] == ["legal-desk", "legal-desk", "security-desk"]


def test_one_that_does_not_get_through_is_followed_by_no_other_until_it_is_given_up(
    intake: Engine, owner: Engine
) -> None:
    drills = schedule(intake, [])
    drills.post_due()
    posted = []
    for state in ("due", "dead"):
        with transaction(owner) as connection:
            values = {"state": state}
            connection.execute(
                text("update referrals set state = :state, first_due_at = first_due_at - interval '30 days'"), values
            )
        drills.post_due()
        posted.append(len(rows(owner)))

    assert posted == [2, 4]


def test_a_drill_of_the_future_does_not_put_off_the_next(intake: Engine, owner: Engine) -> None:
    drills = schedule(intake, [])
    drills.post_due()
    with transaction(owner) as connection:
        connection.execute(text("update referrals set state = 'sent', first_due_at = now() + interval '1 year'"))
    drills.post_due()

    assert len(rows(owner)) == 4


def test_channels_that_do_not_ask_are_left_alone(intake: Engine, owner: Engine) -> None:
    rung: list[str] = []
    schedule(intake, rung, CHANNELS).post_due()

    assert (rows(owner), rung) == ([], [])


def test_a_process_leaves_the_schedule_to_the_one_that_looks_at_it(intake: Engine, owner: Engine) -> None:
    with transaction(owner) as connection:
        assert schedule_is_ours(connection)
        schedule(intake, []).post_due()

    assert rows(owner) == []


def test_many_processes_at_once_post_one(intake: Engine, owner: Engine) -> None:
    together = threading.Barrier(6)

    def look() -> None:
        together.wait()
        schedule(intake, []).post_due()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rows(owner)) == 2
