"""Lists of cases and the whole of one: codes, ids and times, and what became of each deadline."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from router.model import DuplicateKey, NewCase
from router.store import casefile, cases
from router.store.engine import transaction
from router.vocabulary import Login, Reason
from tests.conftest import Database
from tests.makers import a_case, change, login, prepare

HOUR = timedelta(hours=1)
SAME, OTHER = "5" * 64, "6" * 64


def keep(database: Database, *new: NewCase) -> None:
    with login(database, Login.INTAKE) as intake, transaction(intake) as connection:
        cases.record(connection, new)


def whole(database: Database, reference: str) -> dict[str, Any]:
    with login(database, Login.CONSOLE) as console, transaction(console) as connection:
        found = casefile.whole(connection, reference)
    assert found is not None
    return found


def alike(ago: timedelta = timedelta(0), within: timedelta = HOUR, key: str = SAME) -> NewCase:
    """Return a case received so long ago that looks like others with the same key."""
    case = a_case(channels=())
    same = DuplicateKey(key=key, within_s=int(within.total_seconds()))
    return replace(
        case, received_at=case.received_at - ago, decision=case.decision.model_copy(update={"duplicates": (same,)})
    )


def test_a_list_says_the_route_why_and_who_has_it(database: Database) -> None:
    prepare(database)
    case = a_case()
    foreseen = replace(case, decision=case.decision.model_copy(update={"reason": Reason.NO_MATCH}))
    keep(database, foreseen)
    with login(database, Login.CONSOLE) as console, transaction(console) as connection:
        change(connection, "insert into people (handle) values ('anna')")
        change(connection, "update cases set claimed_by = 'anna', claimed_at = clock_timestamp()")
        [row] = casefile.newest(connection, 10)

    assert set(row) == {
        *("reference", "received_at", "state", "category", "severity", "site", "route", "claim_by"),
        *("reason", "claimed_by"),
    }
    assert (row["route"], row["reason"], row["claimed_by"], row["severity"]) == ("fallback", "no_match", "anna", "low")


def test_a_case_that_is_not_there_is_none(database: Database) -> None:
    with login(database, Login.CONSOLE) as console, transaction(console) as connection:
        assert casefile.whole(connection, "CR-0000-0000-0000") is None


def test_the_whole_of_a_case_holds_its_referrals_with_their_notices(database: Database) -> None:
    prepare(database)
    case = a_case(channels=("desk", "hr"))
    keep(database, case)

    found = whole(database, case.reference)

    assert (found["reference"], found["teams"], found["avoided"]) == (case.reference, ["security"], [])
    assert [row["channel"] for row in found["referrals"]] == ["desk", "hr"]
    assert {"revision", "notice", "awaited", "state", "due_at", "outcome"} < set(found["referrals"][0])
    assert found["duplicates"] == found["conflicts"] == []


@pytest.mark.parametrize(
    ("changed", "awaited", "stands"),
    [
        ("claim_by = now() + interval '1 h'", "claim", "running"),
        ("claim_by = now() - interval '1 h'", "claim", "passed"),
        ("claimed_by = 'anna', claimed_at = now()", "claim", "kept"),
        ("claimed_by = 'anna', claimed_at = now(), claim_by = now() - interval '1 h'", "claim", "late"),
        ("closed_at = now()", "claim", "kept"),
        ("closed_at = now(), decide_by = now() - interval '1 h'", "decide", "late"),
        ("acknowledge_by = now() + interval '1 h', acknowledged_at = now()", "acknowledge", "kept"),
        ("feedback_by = now() - interval '1 h'", "feedback", "passed"),
    ],
)
def test_each_deadline_says_what_became_of_it(database: Database, changed: str, awaited: str, stands: str) -> None:
    prepare(database)
    case = a_case()
    keep(database, case)
    with psycopg.connect(database.owner_dsn) as owner:
        owner.execute("insert into people (handle) values ('anna')")
        owner.execute(f"update cases set {changed}".encode())  # noqa: S608 - ours

    deadlines = {row["awaited"]: row for row in whole(database, case.reference)["deadlines"]}

    assert deadlines[awaited]["stands"] == stands
    assert isinstance(deadlines[awaited]["by"], datetime)
    assert (deadlines[awaited]["done_at"] is None) == (stands in {"running", "passed"})


def test_without_legal_clocks_there_are_two_deadlines(database: Database) -> None:
    prepare(database)
    case = a_case()
    keep(database, case)

    assert [row["awaited"] for row in whole(database, case.reference)["deadlines"]] == ["claim", "decide"]


def test_likely_duplicates_share_a_key_within_the_time_of_either(database: Database) -> None:
    prepare(database)
    case = alike()
    near, far = alike(HOUR / 2), alike(2 * HOUR)
    far_but_patient, different = alike(2 * HOUR, within=3 * HOUR), alike(key=OTHER)
    keep(database, case, near, far, far_but_patient, different)

    found = [row["reference"] for row in whole(database, case.reference)["duplicates"]]

    assert found == [far_but_patient.reference, near.reference]
    for other in (near, far_but_patient):
        assert case.reference in [row["reference"] for row in whole(database, other.reference)["duplicates"]]


def test_a_case_alike_in_two_ways_is_shown_once(database: Database) -> None:
    prepare(database)
    keys = tuple(DuplicateKey(key=key, within_s=60) for key in (SAME, OTHER))
    one, two = (replace(c, decision=c.decision.model_copy(update={"duplicates": keys})) for c in (a_case(), a_case()))
    keep(database, one, two)

    assert [row["reference"] for row in whole(database, one.reference)["duplicates"]] == [two.reference]
