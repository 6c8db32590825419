"""What may be there already is looked for before anything is made; what was proven is written; what two made is seen.

A far side that shows things late ("search lag") must be seen to have nothing twice.
"""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from router import clock
from router.errors import NOT_SEEN
from router.model import LeasedReferral
from router.store import cases, referrals
from router.store.engine import transaction
from router.store.referrals import Ended
from router.vocabulary import Proven
from tests.makers import a_case, change

LEASE_S = 120.0
LOOKS = 2


@pytest.fixture
def desk(owner: Engine, worker: Engine) -> Engine:
    """One referral is due for the desk."""
    with transaction(owner) as connection:
        cases.record(connection, [a_case()])
    return worker


def lease(worker: Engine, *, looks_wanted: int = LOOKS) -> LeasedReferral:
    with transaction(worker) as connection:
        [leased] = referrals.lease(connection, "desk", limit=9, lease_s=LEASE_S, looks_wanted=looks_wanted)
    return leased


def settle(worker: Engine, *ended: Ended) -> set[str]:
    with transaction(worker) as connection:
        return referrals.settle(connection, ended)


def later(leased: LeasedReferral, code: str = "no_answer", *, ambiguous: bool = False, looks: int = LOOKS) -> Ended:
    return Ended(leased, "due", code, clock.now(), ambiguous=ambiguous, looks_wanted=looks)


def run_out(owner: Engine) -> None:
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = clock_timestamp() - interval '1 s'")


def row(owner: Engine, columns: str) -> tuple[object, ...]:
    with transaction(owner) as connection:
        return tuple(connection.execute(text(f"select {columns} from referrals")).one())  # noqa: S608 - ours


def test_an_end_without_an_answer_asks_for_two_looks_that_count_down(owner: Engine, desk: Engine) -> None:
    first = lease(desk)
    settle(desk, later(first, ambiguous=True))
    seen = []
    for _ in range(3):
        leased = lease(desk)
        seen.append(leased.unsure)
        settle(desk, later(leased, NOT_SEEN if leased.unsure else "http_429"))

    assert (first.unsure, seen) == (0, [2, 1, 0])
    assert row(owner, "unsure") == (0,)


def test_a_look_that_did_not_get_through_counts_for_nothing(desk: Engine) -> None:
    settle(desk, later(lease(desk), ambiguous=True))
    settle(desk, later(lease(desk), "unreachable"))

    assert lease(desk).unsure == 2


def test_another_doubtful_end_begins_the_looks_anew(desk: Engine) -> None:
    settle(desk, later(lease(desk), ambiguous=True))
    settle(desk, later(lease(desk), NOT_SEEN))
    settle(desk, later(lease(desk), ambiguous=True))

    assert lease(desk).unsure == 2


def test_where_things_show_at_once_nobody_waits(owner: Engine, desk: Engine) -> None:
    settle(desk, later(lease(desk, looks_wanted=0), ambiguous=True, looks=0))
    assert lease(desk, looks_wanted=0).unsure == 0
    run_out(owner)

    assert lease(desk, looks_wanted=0).unsure == 0


def test_a_worker_that_left_no_line_may_have_sent_it(owner: Engine, desk: Engine) -> None:
    lease(desk)
    run_out(owner)

    assert lease(desk).unsure == 2


def test_what_was_given_back_was_not_sent(desk: Engine) -> None:
    leased = lease(desk)
    with transaction(desk) as connection:
        referrals.give_back(connection, [leased])

    assert lease(desk).unsure == 0


def test_what_was_found_is_sure(owner: Engine, desk: Engine) -> None:
    settle(desk, later(lease(desk), ambiguous=True))
    settle(desk, Ended(lease(desk), "sent", "repeated", clock.now(), remote_id="7", proven=Proven.VISIBLE))

    assert row(owner, "state, unsure, proof, remote_id") == ("sent", 0, "visible", "7")


def test_doubt_outlives_giving_up(owner: Engine, desk: Engine) -> None:
    """A person who tries it again makes no second ticket."""
    leased = lease(desk)
    settle(desk, Ended(leased, "dead", "no_answer", clock.now(), ambiguous=True, looks_wanted=LOOKS))

    assert row(owner, "state, unsure") == ("dead", 2)


def test_a_lease_says_what_is_known_to_be_there(owner: Engine, desk: Engine) -> None:
    """A ticket that was made and could not be read back is not made again."""
    settle(desk, replace(later(lease(desk)), remote_id="7"))

    assert lease(desk).remote_id == "7"
    assert row(owner, "look_at") == (None,)


def test_each_line_says_how_long_the_worker_took(owner: Engine, desk: Engine) -> None:
    settle(desk, replace(later(lease(desk)), took_ms=250))

    with transaction(owner) as connection:
        lines = connection.execute(text("select attempt, took_ms, outcome from attempts")).all()
    assert list(map(tuple, lines)) == [(1, 250, "no_answer")]


@pytest.mark.parametrize(("state", "looked"), [("sent", True), ("due", False), ("dead", False)])
def test_what_was_sent_is_looked_at_again_and_nothing_else(
    owner: Engine, desk: Engine, state: str, *, looked: bool
) -> None:
    settle(desk, Ended(lease(desk), state, "said", clock.now(), look_after_s=300))

    [found] = row(owner, "extract(epoch from look_at - clock_timestamp())")
    assert (found is not None) is looked
    assert found is None or 290 < float(str(found)) <= 300


def test_a_second_maker_has_the_far_side_looked_at_and_changes_nothing_else(owner: Engine, desk: Engine) -> None:
    slow = lease(desk)
    run_out(owner)
    swift = lease(desk)
    settle(desk, Ended(swift, "sent", "sent", clock.now(), remote_id="8", proven=Proven.VISIBLE, look_after_s=300))
    columns = "state, outcome, remote_id, proof, attempts, lease_no, settled_at, due_at, unsure"
    before = row(owner, columns)

    assert settle(desk, Ended(slow, "sent", "sent", clock.now(), remote_id="7", look_after_s=300)) == set()

    assert row(owner, columns) == before
    assert row(owner, "look_at <= clock_timestamp()") == (True,)


def test_what_the_second_maker_left_is_looked_at_as_soon_as_the_first_is_settled(owner: Engine, desk: Engine) -> None:
    slow = lease(desk)
    run_out(owner)
    swift = lease(desk)
    settle(desk, Ended(slow, "sent", "sent", clock.now(), remote_id="7", look_after_s=300))
    settle(desk, Ended(swift, "sent", "sent", clock.now(), remote_id="8", look_after_s=300))

    assert row(owner, "state, look_at <= clock_timestamp()") == ("sent", True)


def test_two_ends_of_one_referral_in_one_batch_are_told_apart(owner: Engine, desk: Engine) -> None:
    """A process that slept past its own lease and took the referral anew."""
    slow = lease(desk)
    run_out(owner)
    swift = lease(desk)
    sent = [
        Ended(one, "sent", "sent", clock.now(), remote_id=str(one.lease_no), look_after_s=300) for one in (slow, swift)
    ]

    assert settle(desk, *sent) == {slow.id}

    assert row(owner, "state, remote_id, look_at <= clock_timestamp()") == ("sent", "2", True)
    with transaction(owner) as connection:
        lines = connection.execute(text("select outcome from attempts order by attempt")).scalars().all()
        told = connection.execute(text("select count(*) from audit where action = 'referral_sent'")).scalar_one()
    assert (lines, told) == (["sent_after_lease", "sent"], 1)


@pytest.mark.parametrize(("remote_id", "look_after_s"), [(None, 300.0), ("7", None)])
def test_who_made_nothing_or_shows_nothing_is_not_looked_at(
    owner: Engine, desk: Engine, remote_id: str | None, look_after_s: float | None
) -> None:
    slow = lease(desk)
    run_out(owner)
    swift = lease(desk)
    settle(desk, Ended(slow, "due", "no_answer", clock.now(), remote_id=remote_id, look_after_s=look_after_s))

    assert row(owner, "look_at") == (None,)
    assert settle(desk, later(swift)) == {swift.id}


def test_workers_that_left_no_line_are_counted_until_a_person_asks_anew(owner: Engine, desk: Engine) -> None:
    counted = []
    for _ in range(3):
        leased = lease(desk)
        counted.append((leased.broke, leased.tries, leased.attempts))
        run_out(owner)
    with transaction(owner) as connection:
        change(connection, "update referrals set state = 'due', retried_after = attempts, lease_until = null")
    leased = lease(desk)

    assert counted == [(0, 1, 1), (1, 2, 2), (2, 3, 3)]
    assert (leased.broke, leased.tries, leased.attempts) == (0, 1, 4)


def test_a_line_for_each_attempt_means_that_no_worker_ended(owner: Engine, desk: Engine) -> None:
    settle(desk, later(lease(desk)))
    lease(desk)
    run_out(owner)

    assert lease(desk).broke == 1


def test_lines_from_before_a_person_asked_anew_hide_no_worker_that_ended_since(owner: Engine, desk: Engine) -> None:
    for _ in range(3):
        settle(desk, later(lease(desk)))
    with transaction(owner) as connection:
        change(connection, "update referrals set retried_after = attempts")
    lease(desk)
    run_out(owner)

    assert lease(desk).broke == 1


def test_age_counts_from_when_a_person_last_asked(owner: Engine, desk: Engine) -> None:
    with transaction(owner) as connection:
        change(connection, "update referrals set first_due_at = first_due_at - interval '9 days'")
    settle(desk, later(lease(desk)))
    old = lease(desk)
    settle(desk, later(old))
    with transaction(owner) as connection:
        change(connection, "update referrals set retried_at = clock_timestamp() - interval '1 h'")
    retried = lease(desk)

    assert 9 * 86400 <= old.age_s < 9 * 86400 + 60
    assert 3600 <= retried.age_s < 3660
    assert retried.first_due_at == old.first_due_at
