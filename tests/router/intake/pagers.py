"""A pager on a real database: channels that page each other, cases in any state, and what was posted."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from router.intake.pager import Pager
from router.store.cases import record
from router.store.engine import connect, transaction
from router.triage.policy import parse_policy
from router.vocabulary import Login, ReferralState
from tests.conftest import Database
from tests.makers import a_case, login, prepare
from tests.policies import CHANNELS, POLICY

MORE = """\
phone: {kind: folder, scope: internal, carries: [], readable_by: [security], path: e, page: other-phone}
other-phone: {kind: folder, scope: internal, carries: [], readable_by: [legal], path: f, page: phone}
"""
WAYS = CHANNELS.replace("path: a", "path: a, page: phone, late_after: 5m") + MORE
TICKETS = """\
security-desk: {kind: rt, scope: internal, carries: [category, severity], readable_by: [security], page: phone,
  url: "https://rt.example.org", token: "env:T", queue: Q, custom_fields: {reference: R}, proof: PROOF}
"""
DESK = "security-desk"


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    prepare(database)
    engine = connect(database.owner_dsn, process="test-owner")
    yield engine
    engine.dispose()


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def pager(intake: Engine, rung: list[str]) -> Pager:
    return a_pager(intake, rung)


def a_pager(intake: Engine, rung: list[str], ways: str = WAYS, rules: str = POLICY) -> Pager:
    known = parse_policy(rules, ways)
    return Pager(intake, lambda: known, ring=rung.extend)


def tickets(proof: str) -> str:
    return "\n".join([TICKETS.replace("PROOF", proof), *WAYS.splitlines()[1:]])


def run(owner: Engine, statement: str, **values: Any) -> None:
    with transaction(owner) as connection:
        connection.execute(text(statement), values)


def case(owner: Engine, channel: str = DESK, *, ago: str = "6 min", **columns: Any) -> str:
    """Record a case whose referral to `channel` is as `columns` say, first due so long ago."""
    new = a_case(channels=(channel,), state=ReferralState.DUE)
    with transaction(owner) as connection:
        record(connection, [new])
    sets = "".join(f", {name} = {value}" for name, value in columns.items())
    run(
        owner,
        f"update referrals set first_due_at = clock_timestamp() - cast(:ago as interval){sets} where reference = :r",  # noqa: S608 - ours
        ago=ago,
        r=new.reference,
    )
    return new.reference


def pages(owner: Engine) -> list[tuple[str, str, str]]:
    """Return notice, what it is about and where it was posted, in order."""
    query = "select notice, about, channel from referrals where about is not null order by first_due_at, about, notice"
    with transaction(owner) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def some_time_later(owner: Engine, span: str = "61 min") -> None:
    """Let all that was posted be so much older; the deliveries that are late stay so."""
    run(
        owner,
        "update referrals set first_due_at = first_due_at - cast(:s as interval),"
        " settled_at = settled_at - cast(:s as interval)",
        s=span,
    )


def sent(owner: Engine) -> None:
    """Let every notice be delivered, so that none of them is late in turn."""
    run(owner, "update referrals set state = 'sent', settled_at = clock_timestamp() where about is not null")
