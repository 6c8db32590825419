"""What people decide counts once, loses to nobody, and never makes a second of what may be there already."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from router import clock
from router.model import LeasedReferral
from router.store import referrals, retries, standby
from router.store.cases import record
from router.store.engine import transaction
from router.store.referrals import Ended
from router.store.retries import Moved
from router.store.shut import try_now
from router.vocabulary import Awaited, Login, ReferralState
from tests.conftest import Database
from tests.makers import a_case, change, login


@pytest.fixture
def console(database: Database) -> Iterator[Engine]:
    with login(database, Login.CONSOLE) as engine:
        yield engine


@pytest.fixture
def reference(owner: Engine, worker: Engine) -> str:
    """A case whose one referral is due for the desk."""
    assert worker
    case = a_case()
    with transaction(owner) as connection:
        record(connection, [case])
    return case.reference


def run(owner: Engine, statement: str, **values: object) -> None:
    with transaction(owner) as connection:
        change(connection, statement, **values)


def row(owner: Engine, columns: str, where: str = "revision = 1") -> tuple[object, ...]:
    with transaction(owner) as connection:
        return tuple(connection.execute(text(f"select {columns} from referrals where {where}")).one())  # noqa: S608 - ours


def lease(worker: Engine) -> list[LeasedReferral]:
    with transaction(worker) as connection:
        return referrals.lease(connection, "desk", limit=9, lease_s=60, looks_wanted=2)


def end(worker: Engine, leased: LeasedReferral, state: str, *, wait_s: float = 60, ambiguous: bool = False) -> None:
    ended = Ended(leased, state, "no_answer", clock.now(), wait_s=wait_s, ambiguous=ambiguous, looks_wanted=2)
    with transaction(worker) as connection:
        assert referrals.settle(connection, [ended])


def retry(console: Engine, reference: str) -> list[Moved]:
    with transaction(console) as connection:
        return retries.retry(connection, reference)


def give_up(console: Engine, reference: str) -> list[Moved]:
    with transaction(console) as connection:
        return retries.give_up(connection, reference, "desk")


def test_what_is_dead_has_its_time_and_its_tries_anew(
    owner: Engine, worker: Engine, console: Engine, reference: str
) -> None:
    run(owner, "update referrals set first_due_at = first_due_at - interval '9 days', attempts = 40")
    [old] = lease(worker)
    end(worker, old, "dead")

    assert retry(console, reference) == [Moved(reference, "desk", 1, "due", None)]

    [anew] = lease(worker)
    assert (old.tries, old.attempts, anew.tries, anew.attempts) == (41, 41, 1, 42)
    assert old.age_s > 9 * 86400 > 60 > anew.age_s
    assert anew.first_due_at == old.first_due_at


def test_what_waits_for_another_try_is_due_at_once(
    owner: Engine, worker: Engine, console: Engine, reference: str
) -> None:
    [leased] = lease(worker)
    end(worker, leased, "due")
    assert lease(worker) == []
    retry(console, reference)

    assert len(lease(worker)) == 1
    assert row(owner, "settled_at") == (None,)


def test_whoever_asks_again_and_again_gets_no_second_one(worker: Engine, console: Engine, reference: str) -> None:
    """It may be there and not show yet: asking does not make it show sooner."""
    [leased] = lease(worker)
    end(worker, leased, "due", ambiguous=True)
    for _ in range(3):
        [moved] = retry(console, reference)

    assert lease(worker) == []
    assert moved.waits_until is not None
    assert timedelta(seconds=50) < moved.waits_until - clock.now() < timedelta(seconds=60)


def test_doubt_outlives_death_and_retry(worker: Engine, console: Engine, reference: str) -> None:
    [leased] = lease(worker)
    end(worker, leased, "dead", ambiguous=True)
    retry(console, reference)

    assert [again.unsure for again in lease(worker)] == [2]


def test_a_clock_that_was_set_back_after_a_retry_holds_nothing_up(
    owner: Engine, worker: Engine, console: Engine, reference: str
) -> None:
    [leased] = lease(worker)
    end(worker, leased, "dead")
    retry(console, reference)
    run(owner, "update referrals set due_at = due_at + interval '1 day', retried_at = retried_at + interval '1 day'")

    assert len(lease(worker)) == 1


@pytest.mark.parametrize("state", sorted(set(ReferralState) - {ReferralState.DUE, ReferralState.DEAD}))
def test_nothing_else_is_tried_again(owner: Engine, console: Engine, reference: str, state: str) -> None:
    run(owner, "update referrals set state = :state, lease_until = now(), settled_at = now()", state=state)
    before = row(owner, "*")

    assert retry(console, reference) == []
    assert row(owner, "*") == before


def test_a_retry_beside_a_lease_is_one_or_the_other(worker: Engine, console: Engine, reference: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        leases = [pool.submit(lease, worker) for _ in range(6)]
        asked = [pool.submit(retry, console, reference) for _ in range(6)]

    held = [one for found in leases for one in found.result()]
    assert len(held) == 1
    assert all(not moved.result() or moved.result()[0].state == "due" for moved in asked)


def test_all_that_is_dead_is_tried_again_oldest_first_but_not_what_dies_meanwhile(
    owner: Engine, console: Engine, reference: str
) -> None:
    run(
        owner,
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, settled_at)
           select n::text, reference, channel, kind, n, policy, 'dead', fields, now() - (10 - n) * interval '1 min'
           from referrals, generate_series(2, 5) n""",
    )
    with transaction(console) as connection:
        until = retries.now(connection)
    run(owner, "update referrals set settled_at = clock_timestamp() where revision = 5")
    taken = []
    for _ in range(3):
        with transaction(console) as connection:
            taken.append([moved.revision for moved in retries.retry_dead(connection, "desk", until=until, limit=2)])

    assert taken == [[2, 3], [4], []]
    assert row(owner, "state", "revision = 5") == ("dead",)
    assert row(owner, "settled_at", f"reference = '{reference}' and revision = 2") == (None,)


def test_revisions_that_were_dead_go_out_in_their_order(
    owner: Engine, worker: Engine, console: Engine, reference: str
) -> None:
    run(
        owner,
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields)
           select 'second', reference, channel, kind, 2, policy, state, fields from referrals""",
    )
    run(owner, "update referrals set state = 'dead', settled_at = now()")
    retry(console, reference)
    [first] = lease(worker)
    assert first.id != "second"
    end(worker, first, "sent")

    assert [leased.id for leased in lease(worker)] == ["second"]


@pytest.mark.parametrize(
    ("though_asked", "tried", "left"),
    [(False, {"open"}, ["asked", "other", "probed"]), (True, {"asked", "open"}, ["other", "probed"])],
)
def test_a_channel_is_let_through_only_where_it_is_shut(
    owner: Engine, console: Engine, *, though_asked: bool, tried: set[str], left: list[str]
) -> None:
    run(
        owner,
        """insert into channel_states (channel, breaker, code, until)
           values ('open', 'open', 'no_answer', now() + interval '9 min'),
                  ('asked', 'open', 'http_429', now() + interval '9 min'),
                  ('probed', 'half_open', 'no_answer', now() + interval '9 min'), ('used', 'closed', null, null),
                  ('other', 'open', null, now() + interval '9 min')""",
    )
    with transaction(console) as connection:
        assert try_now(connection, ["open", "asked", "probed", "used"], though_asked=though_asked) == tried

    with transaction(owner) as connection:
        shut = "select channel from channel_states where until > clock_timestamp() order by channel"
        assert connection.execute(text(shut)).scalars().all() == left


@pytest.mark.parametrize("state", ["due", "dead"])
def test_what_is_given_up_is_withdrawn(owner: Engine, console: Engine, reference: str, state: str) -> None:
    run(owner, "update referrals set state = :state", state=state)

    assert give_up(console, reference) == [Moved(reference, "desk", 1, "recalled", None)]
    assert row(owner, "state, outcome, settled_at is not null") == ("recalled", "given_up", True)


@pytest.mark.parametrize("ended", ["due", "sent", "dead"])
def test_what_a_worker_has_when_it_is_given_up_ends_as_it_ends_or_not_at_all(
    owner: Engine, worker: Engine, console: Engine, reference: str, ended: str
) -> None:
    [leased] = lease(worker)
    assert [moved.state for moved in give_up(console, reference)] == ["leased"]
    assert give_up(console, reference) == []

    end(worker, leased, ended)

    stands = ("sent", "no_answer") if ended == "sent" else ("recalled", "given_up")
    assert row(owner, "state, outcome") == stands
    assert lease(worker) == []
    with transaction(console) as connection:
        assert retries.retry_dead(connection, "desk", until=retries.now(connection)) == []


def test_giving_a_case_back_does_not_undo_giving_up(
    owner: Engine, worker: Engine, console: Engine, reference: str
) -> None:
    run(owner, "update referrals set awaited = 'claim', notice = 'escalation'")
    [leased] = lease(worker)
    give_up(console, reference)
    with transaction(console) as connection:
        standby.stop(connection, reference, (Awaited.CLAIM,), "claimed")
        standby.restart(connection, reference, "claimed")

    end(worker, leased, "due")

    assert row(owner, "state, outcome") == ("recalled", "given_up")


def test_what_is_given_up_is_what_the_stand_in_need_not_tell(
    owner: Engine, worker: Engine, console: Engine, reference: str
) -> None:
    """Somebody has decided: nobody is told instead."""
    run(
        owner,
        """insert into referrals (id, reference, channel, kind, policy, state, fields, notice, awaited, instead_of,
                                  due_at)
           select 'phone', reference, 'phone', kind, policy, 'standby', fields, 'instead', 'delivery', 'desk',
                  now() - interval '1 s' from referrals""",
    )
    give_up(console, reference)

    with transaction(worker) as connection:
        assert [(one.channel, one.outcome) for one in standby.flip_standby(connection)] == [("phone", "not_needed")]
