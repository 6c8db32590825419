"""Who is rung and when somebody should worry: by channel, from the index, and not while a channel is left alone."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from router.store import backlog, cases, referrals
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import a_case, change, login

LEASE_S = 120.0


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


def post(owner: Engine, *channels: str) -> None:
    with transaction(owner) as connection:
        cases.record(connection, [a_case(channels=channels)])


def run(owner: Engine, statement: str, **values: object) -> None:
    with transaction(owner) as connection:
        change(connection, statement, **values)


def due(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return backlog.due_channels(connection, longest_s=LEASE_S)


def overdue(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return backlog.overdue(connection, stall_s=60)


def at_work(engine: Engine, *channels: str) -> bool:
    with transaction(engine) as connection:
        return backlog.at_work(connection, channels, stall_s=60)


def lease(worker: Engine, channel: str = "desk") -> None:
    with transaction(worker) as connection:
        assert referrals.lease(connection, channel, limit=9, lease_s=LEASE_S)


SHUT = """
    insert into channel_states (channel, breaker, since, until)
    values ('desk', :state, now() + cast(:since as interval), now() + cast(:until as interval))"""


@pytest.mark.usefixtures("worker")
def test_each_channel_with_something_due_is_rung_once_and_in_order(owner: Engine, intake: Engine) -> None:
    for _ in range(3):
        post(owner, "hr", "desk", "phone")
    run(owner, "update referrals set state = 'sent' where channel = 'hr'")

    assert due(intake) == ["desk", "phone"]


def test_what_is_leased_or_waits_rings_nobody_until_it_is_time(owner: Engine, worker: Engine, intake: Engine) -> None:
    post(owner, "desk", "hr")
    lease(worker)
    run(owner, "update referrals set due_at = due_at + interval '1 h', leased_at = now() where channel = 'hr'")
    assert due(intake) == []
    run(owner, "update referrals set lease_until = now() - interval '1 s' where channel = 'desk'")
    assert due(intake) == ["desk"]
    run(owner, "update referrals set due_at = now() where channel = 'hr'")

    assert due(intake) == ["desk", "hr"]


@pytest.mark.parametrize(
    ("stands", "rung"),
    [
        (("open", "-1 min", "1 min"), []),
        (("half_open", "-1 min", "1 min"), []),
        (("open", "-2 min", "-1 min"), ["desk"]),
        (("open", "1 h", "2 h"), ["desk"]),  # before the clock was set back
    ],
)
def test_a_channel_that_is_left_alone_is_not_rung_and_worries_nobody(
    owner: Engine, worker: Engine, intake: Engine, stands: tuple[str, str, str], rung: list[str]
) -> None:
    post(owner, "desk")
    run(owner, "update referrals set due_at = due_at - interval '1 day'")
    run(owner, SHUT, **dict(zip(("state", "since", "until"), stands, strict=True)))

    assert due(intake) == rung
    assert overdue(worker) == rung


@pytest.mark.usefixtures("worker")
def test_what_should_be_looked_at_rings_its_channel(owner: Engine, intake: Engine) -> None:
    post(owner, "desk", "hr", "phone", "yard")
    run(owner, "update referrals set state = 'sent', look_at = now() - interval '1 s' where channel in ('desk', 'hr')")
    run(owner, "update referrals set state = 'acknowledged' where channel = 'hr'")
    run(owner, "update referrals set state = 'sent', look_at = now() + interval '1 h' where channel = 'phone'")
    # One from before the clock was set back.
    post(owner, "attic")
    run(owner, "update referrals set state = 'sent', look_at = now() + interval '1 year' where channel = 'attic'")
    # A row that is not sent yet: the look waits for that.
    run(owner, "update referrals set state = 'dead', look_at = now() where channel = 'yard'")

    assert due(intake) == ["attic", "desk", "hr"]


@pytest.mark.usefixtures("worker")
def test_a_channel_that_is_shut_and_has_nothing_to_do_is_rung_to_find_out_whether_it_is_back(
    owner: Engine, intake: Engine
) -> None:
    run(owner, SHUT, state="open", since="-2 min", until="1 min")
    assert due(intake) == []
    run(owner, "update channel_states set until = now()")
    assert due(intake) == ["desk"]
    run(owner, "update channel_states set opened = 1000")
    assert due(intake) == []

    # A probe will tell, when it is due.
    run(owner, "update channel_states set opened = 1")
    post(owner, "desk")
    run(owner, "update referrals set due_at = now() + interval '1 h', leased_at = now()")
    assert due(intake) == []


def test_overdue_is_what_could_have_been_sent_for_long(owner: Engine, worker: Engine) -> None:
    post(owner, "desk", "hr")
    assert overdue(worker) == []

    run(owner, "update referrals set due_at = due_at - interval '2 min' where channel = 'desk'")

    assert overdue(worker) == ["desk"]


def test_a_lease_or_an_end_in_the_last_minute_is_work_and_an_older_one_is_not(owner: Engine, worker: Engine) -> None:
    post(owner, "desk", "hr")
    assert not at_work(worker, "desk", "hr")
    lease(worker)
    assert at_work(worker, "desk", "hr")
    assert not at_work(worker, "hr")
    run(owner, "update referrals set leased_at = leased_at - interval '2 min'")
    assert not at_work(worker, "desk")
    ended = "insert into attempts (referral, attempt, started_at, outcome) select id, 1, now(), 'sent' from referrals"
    run(owner, f"{ended} where channel = 'desk'")
    assert at_work(worker, "desk")
    assert not at_work(worker, "hr")
    run(owner, "update attempts set ended_at = ended_at - interval '2 min'")

    assert not at_work(worker, "desk")


def test_a_channel_that_could_not_be_tried_until_lately_is_not_overdue(owner: Engine, worker: Engine) -> None:
    """Its cool-down may be longer than a stall, and those who could try it are busy for a moment."""
    post(owner, "desk")
    run(owner, "update referrals set due_at = due_at - interval '1 day'")
    run(owner, SHUT, state="open", since="-10 min", until="-30 s")
    assert overdue(worker) == []
    run(owner, "update channel_states set until = now() - interval '61 s'")

    assert overdue(worker) == ["desk"]


def test_a_lease_that_ran_out_long_ago_is_overdue_as_well(owner: Engine, worker: Engine) -> None:
    post(owner, "desk")
    lease(worker)
    run(owner, "update referrals set due_at = due_at - interval '1 day', lease_until = now() - interval '30 s'")
    assert overdue(worker) == []
    run(owner, "update referrals set lease_until = now() - interval '61 s'")

    assert overdue(worker) == ["desk"]


def test_a_hundred_thousand_rows_are_not_read_to_find_their_channels(owner: Engine, worker: Engine) -> None:
    """The least of all is enough: each channel costs a few steps over an index, whatever waits there."""
    post(owner, "desk", "hr")
    run(
        owner,
        """insert into referrals (id, reference, channel, kind, policy, state, fields, due_at)
           select n::text, 'DRILL-' || n, channel, kind, policy, 'due', fields, now() - n * interval '1 ms'
           from referrals, generate_series(1, 20000) n where channel = 'desk' and fields ->> 'reference' like 'CR-%'""",
    )
    run(owner, "analyze referrals")
    read = {}
    with transaction(worker) as connection:
        for name, query in (("due", backlog._DUE), ("overdue", backlog._OVERDUE)):
            explained = text(f"explain (analyze, costs off, timing off) {query.text}")
            lines = list(connection.execute(explained, {"longest_s": LEASE_S, "s": 60.0}).scalars())
            rows = [re.search(r"referrals.*actual rows=([\d.]+) loops=(\d+)", line) for line in lines]
            skipped = [re.search(r"Rows Removed by Filter: (\d+)", line) for line in lines]
            read[name] = sum(float(found[1]) * int(found[2]) for found in rows if found)
            read[name] += sum(int(found[1]) for found in skipped if found)
            assert not any("Seq Scan on referrals" in line for line in lines), lines

    assert 0 < read["due"] < 20
    assert 0 < read["overdue"] < 20
