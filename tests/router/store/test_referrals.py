"""Leases and settlements: one owner at a time, and who lost the lease changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from router import clock
from router.model import LeasedReferral
from router.store import backlog, cases, ledger, referrals
from router.store.engine import transaction
from router.store.referrals import Ended
from router.store.standby import flip_standby
from router.vocabulary import Login, ReferralState
from tests.conftest import Database
from tests.makers import a_case, change, login

LEASE_S = 120.0


def post(owner: Engine, count: int = 1, state: ReferralState = ReferralState.DUE) -> None:
    with transaction(owner) as connection:
        cases.record(connection, [a_case(state=state) for _ in range(count)])


def lease(worker: Engine, limit: int = 100) -> list[LeasedReferral]:
    with transaction(worker) as connection:
        return referrals.lease(connection, "desk", limit=limit, lease_s=LEASE_S)


def settle(worker: Engine, *ended: Ended) -> set[str]:
    with transaction(worker) as connection:
        return referrals.settle(connection, ended)


def sent(referral: LeasedReferral) -> Ended:
    return Ended(referral, "sent", "sent", clock.now(), remote_id="7")


def states(owner: Engine) -> list[str]:
    with transaction(owner) as connection:
        return list(connection.execute(text("select state from referrals order by id")).scalars())


def test_two_workers_never_hold_the_same_referral(owner: Engine, worker: Engine) -> None:
    post(owner, 60)

    with ThreadPoolExecutor(4) as pool:
        held = [r.id for batch in pool.map(lambda _: lease(worker, 10), range(12)) for r in batch]

    assert len(held) == len(set(held)) == 60


def test_counts_the_attempt_when_leasing(owner: Engine, worker: Engine) -> None:
    post(owner)
    [first] = lease(worker)
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = clock_timestamp() - interval '1 s'")

    [second] = lease(worker)

    assert (first.attempts, second.attempts) == (1, 2)
    assert second.lease_no == first.lease_no + 1


def test_a_lease_longer_than_leases_are_counts_as_expired(owner: Engine, worker: Engine) -> None:
    post(owner)
    lease(worker)
    assert lease(worker) == []
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = clock_timestamp() + interval '1 day'")

    assert len(lease(worker)) == 1


def test_who_lost_the_lease_neither_renews_nor_settles_but_leaves_a_line(owner: Engine, worker: Engine) -> None:
    post(owner)
    [lost] = lease(worker)
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = clock_timestamp() - interval '1 s'")
    [held] = lease(worker)

    with transaction(worker) as connection:
        assert referrals.renew(connection, [lost, held], lease_s=LEASE_S) == {held.id}
    assert settle(worker, sent(lost)) == set()
    assert states(owner) == ["leased"]
    assert settle(worker, sent(held)) == {held.id}
    assert states(owner) == ["sent"]
    with transaction(owner) as connection:
        lines = connection.execute(text("select outcome from attempts order by id")).scalars().all()
    assert lines == ["sent_after_lease", "sent"]


def test_an_expired_lease_is_not_renewed(owner: Engine, worker: Engine) -> None:
    post(owner)
    [held] = lease(worker)
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = clock_timestamp() - interval '1 s'")

    with transaction(worker) as connection:
        assert referrals.renew(connection, [held], lease_s=LEASE_S) == set()


def test_given_back_is_due_again_and_not_counted(owner: Engine, worker: Engine) -> None:
    post(owner)
    held = lease(worker)
    with transaction(worker) as connection:
        referrals.give_back(connection, held)

    [again] = lease(worker)

    assert again.attempts == 1


def test_postponed_is_not_leased_before_its_time(owner: Engine, worker: Engine) -> None:
    post(owner)
    [held] = lease(worker)
    settle(worker, Ended(held, "due", "http_503", clock.now(), wait_s=60))
    assert lease(worker) == []
    with transaction(owner) as connection:
        change(connection, "update referrals set due_at = due_at - interval '61 s'")

    assert len(lease(worker)) == 1


def test_what_was_sent_still_shows_when_it_was_due(owner: Engine, worker: Engine) -> None:
    post(owner)
    [held] = lease(worker)

    settle(worker, sent(held))

    with transaction(owner) as connection:
        [row] = ledger.newest(connection, 10)
    assert abs(row["due_at"] - held.first_due_at) < timedelta(milliseconds=100)
    assert row["due_at"] < row["settled_at"]


def test_a_later_revision_waits_for_an_earlier_one(owner: Engine, worker: Engine) -> None:
    post(owner)
    with transaction(owner) as connection:
        change(
            connection,
            """insert into referrals (id, reference, channel, kind, revision, policy, state, fields)
               select 'second', reference, channel, kind, 2, policy, 'due', fields from referrals""",
        )
    [first] = lease(worker)
    assert first.id != "second"
    settle(worker, sent(first))

    assert [r.id for r in lease(worker)] == ["second"]


@pytest.mark.parametrize("earlier", ["standby", "draft", "recalled", "dead"])
def test_a_later_revision_waits_for_none_that_is_not_being_sent(owner: Engine, worker: Engine, earlier: str) -> None:
    """A recall is due now, and the reminders before it in weeks, or never."""
    post(owner)
    with transaction(owner) as connection:
        change(connection, "update referrals set state = :earlier", earlier=earlier)
        change(
            connection,
            """insert into referrals (id, reference, channel, kind, revision, policy, state, fields)
               select 'second', reference, channel, kind, 2, policy, 'due', fields from referrals""",
        )

    assert [r.id for r in lease(worker)] == ["second"]


@pytest.mark.parametrize("state", [ReferralState.DRAFT, ReferralState.STANDBY, ReferralState.DEAD])
def test_only_what_is_due_is_leased(owner: Engine, worker: Engine, state: ReferralState) -> None:
    post(owner, state=state)

    assert lease(worker) == []


def test_a_clock_that_was_set_back_holds_nothing_up(owner: Engine, worker: Engine, database: Database) -> None:
    post(owner, 4)
    with transaction(owner) as connection:
        ids = list(connection.execute(text("select id from referrals order by id")).scalars())
        later = "clock_timestamp() + interval '1 day'"
        for change_to, of in zip(
            (
                f"due_at = {later}, first_due_at = {later}",  # recorded while the clock was ahead
                f"due_at = {later}, leased_at = {later}, attempts = 1",  # tried then
                f"due_at = {later}",  # waits as it was told
                f"state = 'leased', leased_at = {later}, lease_until = {later}",
            ),
            ids,
            strict=True,
        ):
            change(connection, f"update referrals set {change_to} where id = :of", of=of)  # noqa: S608 - ours
    with login(database, Login.INTAKE) as intake, transaction(intake) as connection:
        assert backlog.due_channels(connection, longest_s=LEASE_S) == ["desk"]

    assert {leased.id for leased in lease(worker)} == {ids[0], ids[1], ids[3]}


def test_what_ended_its_workers_is_leased_apart(owner: Engine, worker: Engine) -> None:
    post(owner, 5)
    with transaction(owner) as connection:
        change(
            connection,
            """update referrals set state = 'leased', attempts = 2, lease_until = clock_timestamp() - interval '1 s'
            where id in (select id from referrals order by id limit 2)""",
        )
        change(
            connection,
            """insert into attempts (referral, attempt, started_at, outcome)
            select max(id), 1, clock_timestamp(), 'http_503' from referrals where state = 'leased'""",
        )
        [broke] = connection.execute(text("select min(id) from referrals where state = 'leased'")).scalars()
    with transaction(worker) as connection:
        others = referrals.lease(connection, "desk", limit=9, lease_s=LEASE_S, broke=False)
        apart = referrals.lease(connection, "desk", limit=9, lease_s=LEASE_S, broke=True)

    assert len(others) == 4
    assert [leased.id for leased in apart] == [broke]


def test_standby_becomes_due_when_its_time_has_come_and_not_before(owner: Engine, worker: Engine) -> None:
    post(owner, 2, ReferralState.STANDBY)
    with transaction(owner) as connection:
        change(
            connection,
            "update referrals set due_at = clock_timestamp() + interval '1 h' "
            "where id = (select id from referrals limit 1)",
        )

    with transaction(worker) as connection:
        assert len(flip_standby(connection)) == 1

    assert sorted(states(owner)) == ["due", "standby"]
