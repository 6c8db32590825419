"""A flood is accepted, linked and parked: nobody is turned away, one notice is sent, and no one learns from where."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from router.intake.flooding import Floods
from router.intake.limits import Quotas
from router.store import floods
from router.store.engine import connect, transaction
from router.store.standby import flip_standby
from router.triage.policy import parse_policy
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.policies import CHANNELS, POLICY
from tests.publicpart import LEAST, Start, everything
from tests.router.intake.test_api import CONCERNS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CRITICAL = {**LEAST, "category": "livestreamed_abuse_suspected"}


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test-owner")
    yield engine
    engine.dispose()


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


def rows(owner: Engine, query: str) -> list[Any]:
    with transaction(owner) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def make(intake: Engine, rung: list[str] | None = None, *, per_hour: int = 2, per_minute: int = 100) -> Floods:
    ring = (rung if rung is not None else []).extend
    policy = parse_policy(POLICY, CHANNELS)
    return Floods(Quotas(), intake, lambda: policy, per_hour=per_hour, per_minute=per_minute, ring=ring)


def test_a_full_office_is_told_of_at_once_and_a_flood_is_kept_and_waits_but_for_what_is_critical(
    start: Start, owner: Engine
) -> None:
    public = start(anonymous_per_hour=3)
    sent = [LEAST] * 5 + [CRITICAL]
    answers = [public.post(CONCERNS, json=one) for one in sent]
    references = [answer.json()["reference"] for answer in answers]
    states = [
        rows(owner, f"select distinct state from referrals where reference = '{one}' and notice is null order by 1")  # noqa: S608 - ours
        for one in references
    ]

    assert {answer.status_code for answer in answers} == {201}
    assert len({frozenset(answer.json()) for answer in answers[:5]}) == 1, "a flood is told no more than an office"
    assert [("due",) in found for found in states] == [True] * 3 + [False] * 2 + [True]
    assert [("standby",) in found for found in states] == [False] * 3 + [True] * 2 + [False]
    linked = rows(owner, "select reference, flood, waits_until is null from flood_links")
    assert {(reference, at_once) for reference, _, at_once in linked} == {
        *((reference, False) for reference in references[3:5]),
        (references[5], True),
    }
    assert len({flood for _, flood, _ in linked}) == 1
    noted = rows(
        owner, "select object, action, detail from audit where action like 'case_%flood' or action = 'case_parked'"
    )
    assert {(reference, action) for reference, action, _ in noted} == {
        *((reference, "case_parked") for reference in references[3:5]),
        (references[5], "case_linked_to_flood"),
    }


def test_when_its_time_has_come_a_parked_concern_is_told_of_once_and_the_audit_says_so(
    start: Start, owner: Engine
) -> None:
    public = start(anonymous_per_hour=1)
    references = [public.post(CONCERNS, json=LEAST).json()["reference"] for _ in range(2)]
    with transaction(owner) as connection:
        connection.execute(
            text("update referrals set due_at = clock_timestamp() where state = 'standby' and awaited is null")
        )
        flipped = [flip_standby(connection), flip_standby(connection)]

    assert {row.reference for row in flipped[0]} == {references[1]}
    assert flipped[1] == []
    assert rows(owner, f"select state from referrals where reference = '{references[1]}' and awaited is null") == [  # noqa: S608 - ours
        ("due",) for _ in flipped[0]
    ]
    said = rows(owner, f"select actor, action from audit where object = '{references[1]}' and action = 'case_let_go'")  # noqa: S608 - ours
    assert said == [("clock", "case_let_go") for _ in flipped[0]]


def test_the_fallbacks_desk_is_told_once_of_a_flood_and_again_of_what_comes_after_it_was_ended(
    start: Start, intake: Engine, owner: Engine
) -> None:
    public = start(anonymous_per_hour=1)
    for _ in range(4):
        public.post(CONCERNS, json=LEAST)
    rung: list[str] = []
    one, other = make(intake, rung), make(intake, rung)
    notices = "select channel, state from referrals where notice = 'flood'"
    one.look()
    other.look()
    first = rows(owner, notices)
    with transaction(owner) as connection:
        connection.execute(text("update flood_links set ended_at = now(), ended_by = 'person:a', ended = 'closed'"))
    one.look()
    quiet = one.degraded()
    public.post(CONCERNS, json=LEAST)
    one.look()

    assert first == [("legal-desk", "due")]
    assert other.degraded() == one.degraded() == ["concerns_parked"]
    assert quiet == []
    assert rows(owner, notices) == [("legal-desk", "due")] * 2
    assert rung == ["legal-desk"] * 2
    assert "192.0.2" not in str(rows(owner, "select * from audit"))


def test_a_flood_from_many_networks_is_one_and_waits_too(intake: Engine) -> None:
    made = make(intake, per_hour=100, per_minute=5)
    found = [made.flood(f"network {n}", NOON) for n in range(9)]

    assert found[:5] == [None] * 5
    assert len(set(found[5:])) == 1
    assert found[5]


def test_processes_name_a_flood_alike_for_a_day_and_then_nobody_can_any_more(intake: Engine, owner: Engine) -> None:
    one, other = make(intake, per_hour=1), make(intake, per_hour=1)
    one.look()
    other.look()
    today = rows(owner, "select min(day) from flood_keys")[0][0]
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    for made in (one, other):
        for network in ("a", "b"):
            made.flood(network, now)
    names = [made.flood("a", now) for made in (one, other)]
    tomorrow = one.flood("a", now + timedelta(days=1))
    with transaction(intake) as connection:
        floods.keys(connection, {today + timedelta(days=2), today + timedelta(days=3)}, new_key=lambda: b"k" * 32)

    assert names[0] == names[1] != one.flood("b", now)
    assert tomorrow not in {None, names[0]}
    assert rows(owner, "select min(day) from flood_keys") == [(today + timedelta(days=2),)]
    assert rows(owner, "select relpersistence from pg_class where relname = 'flood_keys'") == [("u",)]


def test_no_network_address_of_a_flood_is_kept_anywhere(start: Start, database: Database, intake: Engine) -> None:
    public = start(anonymous_per_hour=1)
    for _ in range(3):
        assert public.post(CONCERNS, json=LEAST).status_code == 201
    make(intake).look()

    kept = everything(database)

    assert b"FLOOD-" in kept
    assert b"192.0.2.7" not in kept
    assert b"c0000207" not in kept.lower()
