"""What waits three days for a channel that is gone is dead and in front of a person; nothing else is."""

from typing import Any

import pytest
from sqlalchemy import Engine

from router.store.cases import record
from router.store.engine import transaction
from router.store.overdue import CODE, FEWEST_OPENINGS, GivenUp, give_up
from router.vocabulary import ReferralState
from tests.makers import a_case, change

DAYS_S = 72 * 3600.0


def run(owner: Engine, statement: str, **values: object) -> None:
    with transaction(owner) as connection:
        change(connection, statement, **values)


def a_shut_channel(owner: Engine, *, channel: str = "desk", breaker: str = "open", opened: int = 400) -> None:
    until = "null" if breaker == "closed" else "clock_timestamp()"
    made = f"insert into channel_states (channel, breaker, opened, until) values (:c, :b, :o, {until})"  # noqa: S608 - ours
    run(owner, made, c=channel, b=breaker, o=opened)


def given_up(worker: Engine, **more: int) -> list[GivenUp]:
    with transaction(worker) as connection:
        return give_up(connection, give_up_s=DAYS_S, **more)


def post(owner: Engine, *channels: str, age: str = "73 hours", state: ReferralState = ReferralState.DUE) -> str:
    case = a_case(channels=channels or ("desk",), state=state)
    with transaction(owner) as connection:
        record(connection, [case])
    run(
        owner,
        "update referrals set first_due_at = first_due_at - cast(:age as interval) where reference = :r",
        age=age,
        r=case.reference,
    )
    return case.reference


def states(owner: Engine) -> dict[str, str]:
    with transaction(owner) as connection:
        rows = connection.exec_driver_sql("select channel, state from referrals")
        return {row.channel: row.state for row in rows}


def test_what_waited_three_days_for_a_channel_that_is_gone_is_dead_and_noted(owner: Engine, worker: Engine) -> None:
    a_shut_channel(owner)
    reference = post(owner)
    [gone] = given_up(worker)
    with transaction(owner) as connection:
        [row] = connection.exec_driver_sql("select state, outcome, settled_at from referrals")
        told = "select actor, action, object, outcome, detail from audit where actor = 'clock'"
        [entry] = connection.exec_driver_sql(told)

    assert (gone.reference, gone.channel) == (reference, "desk")
    assert (row.state, row.outcome) == ("dead", CODE)
    assert row.settled_at is not None
    assert tuple(entry) == ("clock", "referral_dead", reference, CODE, "desk")


@pytest.mark.parametrize(
    "changed",
    [
        {"breaker": "closed", "opened": 400},
        {"opened": FEWEST_OPENINGS - 1},
        {"channel": "hr"},
    ],
    ids=["open again", "tried too seldom", "another channel"],
)
def test_as_long_as_the_channel_may_come_back_it_waits(owner: Engine, worker: Engine, changed: dict[str, Any]) -> None:
    a_shut_channel(owner, **changed)
    post(owner)

    assert given_up(worker) == []


def test_what_is_younger_or_was_asked_for_anew_waits(owner: Engine, worker: Engine) -> None:
    a_shut_channel(owner)
    post(owner, age="71 hours")
    post(owner)
    run(owner, "update referrals set retried_at = clock_timestamp() - interval '1 h'")

    assert given_up(worker) == []


def test_drafts_and_what_waits_for_its_time_are_not_given_up(owner: Engine, worker: Engine) -> None:
    a_shut_channel(owner)
    post(owner, state=ReferralState.DRAFT)
    post(owner, state=ReferralState.STANDBY)

    assert given_up(worker) == []


def test_a_batch_at_a_time(owner: Engine, worker: Engine) -> None:
    a_shut_channel(owner)
    for _ in range(5):
        post(owner)

    assert [len(given_up(worker, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_what_the_case_has_waiting_for_the_delivery_comes_at_once(owner: Engine, worker: Engine) -> None:
    a_shut_channel(owner)
    post(owner, "desk", "hr")
    run(
        owner,
        "update referrals set state = 'standby', awaited = 'delivery', notice = 'escalation', "
        "due_at = clock_timestamp() + interval '1 h' where channel = 'hr'",
    )
    given_up(worker)
    with transaction(owner) as connection:
        [(come,)] = connection.exec_driver_sql("select due_at <= clock_timestamp() from referrals where channel = 'hr'")

    assert come
    assert states(owner) == {"desk": "dead", "hr": "standby"}
