"""Past cases come back in the order they came in, each once, however small the batches are."""

import json
from dataclasses import replace
from datetime import timedelta

from router import clock
from router.model import Facts, NewCase
from router.store import cases, replay
from router.store.engine import transaction
from router.store.replay import PastCase
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import a_case, login, prepare

NOW = clock.now()


def aged(case: NewCase, days: int) -> NewCase:
    return replace(case, received_at=NOW - timedelta(days=days))


def recorded(database: Database, *new: NewCase) -> None:
    prepare(database)
    with login(database, Login.INTAKE) as engine, transaction(engine) as connection:
        cases.record(connection, new)


def all_past(database: Database, *, days: int, limit: int) -> list[PastCase]:
    found: list[PastCase] = []
    with login(database, Login.CONSOLE) as engine, transaction(engine) as connection:
        while batch := replay.past_cases(
            connection, since=NOW - timedelta(days=days), after=found[-1] if found else None, limit=limit
        ):
            found += batch
    return found


def test_cases_come_oldest_first_each_once_and_none_from_before(database: Database) -> None:
    new = [aged(a_case(), days) for days in (5, 1, 3, 3, 3, 9)]
    recorded(database, *new)
    wanted = sorted((case.received_at, case.reference) for case in new[:5])

    for limit in (1, 2, 100):
        assert [(past.received_at, past.reference) for past in all_past(database, days=5, limit=limit)] == wanted


def test_a_case_comes_back_with_its_facts_and_who_filed(database: Database) -> None:
    case = a_case(facts={"site": "plant"})
    recorded(database, case)

    (past,) = all_past(database, days=1, limit=10)

    assert (past.reference, past.received_at, past.by_client) == (case.reference, case.received_at, False)
    assert Facts.model_validate_json(json.dumps(past.facts)) == case.facts
