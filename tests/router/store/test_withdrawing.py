"""What was withdrawn while a worker had it: not sent again, and what it held up goes on."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from router import clock
from router.model import LeasedReferral
from router.store import backlog, conflicts, referrals, standby
from router.store.cases import record
from router.store.engine import transaction
from router.store.referrals import Ended
from router.vocabulary import Awaited, Login
from tests.conftest import Database
from tests.makers import a_case, change, login

LEASE_S = 120.0


@pytest.fixture
def console(database: Database) -> Iterator[Engine]:
    with login(database, Login.CONSOLE) as engine:
        yield engine


def lease(worker: Engine) -> list[LeasedReferral]:
    with transaction(worker) as connection:
        return referrals.lease(connection, "desk", limit=9, lease_s=LEASE_S)


@pytest.fixture
def held(owner: Engine, worker: Engine) -> LeasedReferral:
    """One escalation that a worker has, for a case that nobody had claimed."""
    with transaction(owner) as connection:
        record(connection, [a_case()])
        change(connection, "update referrals set awaited = 'claim', notice = 'escalation'")
    [leased] = lease(worker)
    return leased


def claimed(console: Engine, held: LeasedReferral) -> int:
    with transaction(console) as connection:
        return standby.stop(connection, held.fields.reference, (Awaited.CLAIM,), "claimed")


def in_conflict(console: Engine, held: LeasedReferral) -> int:
    with transaction(console) as connection:
        return conflicts.stop(connection, held.fields.reference, ["desk"])


def given_back(console: Engine, held: LeasedReferral) -> None:
    with transaction(console) as connection:
        standby.restart(connection, held.fields.reference, "claimed")


def settle(worker: Engine, held: LeasedReferral, state: str) -> None:
    with transaction(worker) as connection:
        assert referrals.settle(connection, [Ended(held, state, "http_503", clock.now())])


def run_out(owner: Engine) -> None:
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = clock_timestamp() - interval '1 s'")


def row(owner: Engine) -> tuple[str, str | None, bool, int]:
    query = "select state, outcome, settled_at is not null, attempts from referrals"
    with transaction(owner) as connection:
        return tuple(connection.execute(text(query)).one())


@pytest.mark.parametrize("stop", [claimed, in_conflict])
@pytest.mark.parametrize("state", ["due", "dead"])
def test_what_did_not_get_through_is_not_tried_again_nor_dead(
    owner: Engine,
    worker: Engine,
    console: Engine,
    held: LeasedReferral,
    *,
    stop: Callable[[Engine, LeasedReferral], int],
    state: str,
) -> None:
    outcome = "claimed" if stop is claimed else "conflict"
    assert stop(console, held) == 0

    settle(worker, held, state)

    assert row(owner) == ("recalled", outcome, True, 1)
    assert lease(worker) == []


def test_what_was_under_way_and_got_through_is_sent(
    owner: Engine, worker: Engine, console: Engine, held: LeasedReferral
) -> None:
    claimed(console, held)

    settle(worker, held, "sent")

    assert row(owner) == ("sent", "http_503", True, 1)


def test_what_was_not_begun_is_not_begun(owner: Engine, worker: Engine, console: Engine, held: LeasedReferral) -> None:
    claimed(console, held)

    with transaction(worker) as connection:
        assert referrals.renew(connection, [held], lease_s=LEASE_S) == set()
        referrals.give_back(connection, [held])
    assert row(owner) == ("recalled", "claimed", True, 0)


def test_what_its_worker_left_behind_is_withdrawn_and_holds_nothing_up(
    owner: Engine, worker: Engine, console: Engine, held: LeasedReferral
) -> None:
    in_conflict(console, held)
    with transaction(owner) as connection:
        change(
            connection,
            """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
               select 'recall', reference, channel, kind, 2, policy, 'due', fields, 'recalled' from referrals""",
        )
    assert lease(worker) == []
    run_out(owner)
    with transaction(worker) as connection:
        assert backlog.due_channels(connection, longest_s=LEASE_S) == ["desk"]

    leased = [one.id for _ in range(2) for one in lease(worker)]

    assert leased == ["recall"]
    with transaction(owner) as connection:
        query = "select state, outcome, attempts from referrals where revision = 1"
        assert connection.execute(text(query)).one() == ("recalled", "conflict", 1)


@pytest.mark.parametrize(("ended", "again"), [("sent", True), ("due", False)])
def test_what_came_after_it_was_recalled_is_recalled_once_more(
    owner: Engine, worker: Engine, console: Engine, held: LeasedReferral, *, ended: str, again: bool
) -> None:
    """Its worker was frozen between its look and its write, and woke when all was over."""
    in_conflict(console, held)
    with transaction(owner) as connection:
        change(
            connection,
            """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
               select 'recall', reference, channel, kind, 2, policy, 'due', fields, 'recalled' from referrals""",
        )
    run_out(owner)
    [recall] = [one for _ in range(2) for one in lease(worker)]
    settle(worker, recall, "sent")

    with transaction(worker) as connection:
        assert referrals.settle(connection, [Ended(held, ended, "http_503", clock.now())]) == set()

    assert [one.id for one in lease(worker)] == ["recall"] * again


def test_what_is_waited_for_again_is_tried_again(
    owner: Engine, worker: Engine, console: Engine, held: LeasedReferral
) -> None:
    claimed(console, held)
    given_back(console, held)

    assert row(owner) == ("leased", None, False, 1)
    settle(worker, held, "due")
    assert [again.attempts for again in lease(worker)] == [2]


def test_what_was_not_tried_again_is_due_when_it_is_waited_for_again(
    owner: Engine, worker: Engine, console: Engine, held: LeasedReferral
) -> None:
    claimed(console, held)
    settle(worker, held, "due")
    given_back(console, held)

    assert [again.attempts for again in lease(worker)] == [2]
    assert row(owner)[:2] == ("leased", None)


def test_giving_the_case_back_does_not_undo_what_a_conflict_withdrew(
    owner: Engine, worker: Engine, console: Engine, held: LeasedReferral
) -> None:
    in_conflict(console, held)
    claimed(console, held)
    given_back(console, held)

    settle(worker, held, "due")

    assert row(owner) == ("recalled", "conflict", True, 1)
