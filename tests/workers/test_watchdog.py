"""The watchdog ends a worker that could deliver and does not, and no other."""

from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Engine, event

from router import clock
from router.store.backlog import at_work, overdue
from router.store.breaker import Heard
from router.store.channelstates import hold
from router.store.engine import connect, transaction
from router.store.referrals import Ended, lease, settle
from tests.workers.processes import wait_until
from tests.workers.rooms import Room
from workers.watchdog import EXIT, Watchdog

Start = Callable[..., None]


def is_stalled(room: Room) -> bool:
    with transaction(room.engine) as connection:
        late = overdue(connection, stall_s=60)
        return bool(late) and not at_work(connection, late, stall_s=60)


def let_it_wait(room: Room, seconds: int = 100) -> None:
    room.run("update referrals set due_at = due_at - make_interval(secs => :s)", s=seconds)


@pytest.fixture
def watching() -> Iterator[Start]:
    """Start a watchdog; it stops with the test, and does not look at a database of the next one."""
    started: list[Watchdog] = []

    def start(engine: Engine, **how: Any) -> None:
        started.append(Watchdog(engine, **how))
        started[-1].start()

    yield start
    for watchdog in started:
        watchdog.stop()


def test_due_for_long_and_nobody_takes_it_is_a_stall(room: Room) -> None:
    room.post()
    assert not is_stalled(room)

    let_it_wait(room)
    assert is_stalled(room)


def test_as_long_as_something_is_leased_there_is_none(room: Room) -> None:
    room.post(2)
    let_it_wait(room)
    with transaction(room.engine) as connection:
        lease(connection, "desk", limit=1, lease_s=30)

    assert not is_stalled(room)
    room.run("update referrals set leased_at = leased_at - interval '100 s' where state = 'leased'")
    assert is_stalled(room)


def test_what_waits_for_an_earlier_revision_is_none(room: Room) -> None:
    room.post()
    room.run("""insert into referrals (id, reference, channel, kind, revision, policy, state, fields)
             select repeat('b', 32), reference, channel, kind, 2, policy, 'due', fields from referrals""")
    room.run("update referrals set due_at = due_at + interval '1 day' where revision = 1")
    let_it_wait(room)

    assert not is_stalled(room)


def test_another_channel_s_work_does_not_hide_a_stall(room: Room) -> None:
    room.post(channels=("desk", "hr"))
    let_it_wait(room)
    with transaction(room.engine) as connection:
        [leased] = lease(connection, "hr", limit=1, lease_s=30)
        settle(connection, [Ended(leased, "sent", "sent", clock.now())])
        assert overdue(connection, stall_s=60) == ["desk"]
        assert at_work(connection, ["hr"], stall_s=60)
        assert not at_work(connection, ["desk"], stall_s=60)


def test_a_channel_that_is_left_alone_on_purpose_is_no_stall(room: Room) -> None:
    room.post()
    let_it_wait(room)
    with transaction(room.engine) as connection:
        hold(connection, "desk", Heard("field_missing", worked=False))

    assert not is_stalled(room)
    room.let_it_be_tried()
    assert not is_stalled(room)
    room.run("update channel_states set until = until - interval '100 s'")
    assert is_stalled(room)


def test_does_not_judge_the_channels_of_other_pools(room: Room, watching: Start) -> None:
    room.post(channels=("night",))
    let_it_wait(room)
    asked: list[str] = []
    ended: list[int] = []

    def ours(channel: str) -> None:
        asked.append(channel)

    watching(room.engine, stall_s=0.1, look_every_s=0.05, ours=ours, end=ended.append)

    assert wait_until(lambda: len(asked) > 3, 10)
    assert set(asked) == {"night"}
    assert not ended


def test_a_channel_with_a_rate_is_judged_by_its_rate(room: Room) -> None:
    room.post(2)
    let_it_wait(room)
    with transaction(room.engine) as connection:
        [leased] = lease(connection, "desk", limit=1, lease_s=30)
        settle(connection, [Ended(leased, "sent", "sent", clock.now())])
    room.run("update attempts set ended_at = ended_at - interval '50 min'")

    assert not Watchdog(room.engine, stall_s=0.0, ours=lambda _: 3600.0)._sees_a_stall()
    assert Watchdog(room.engine, stall_s=0.0, ours=lambda _: 60.0)._sees_a_stall()


def test_ends_the_worker_with_a_status_of_its_own(room: Room, watching: Start) -> None:
    room.post()
    let_it_wait(room)
    ended: list[int] = []
    watching(room.engine, stall_s=0.1, look_every_s=0.05, end=ended.append)

    assert wait_until(lambda: ended == [EXIT], 10)


def test_what_was_due_before_it_could_be_seen_ends_nobody_who_sends_it_now(room: Room, watching: Start) -> None:
    """As when a case is given back after days: its reminder is due at once, and bears an old time."""
    room.post()
    let_it_wait(room)
    ended: list[int] = []
    looks: list[int] = []

    @event.listens_for(room.engine, "commit")
    def _send(_: object) -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            room.run("update referrals set state = 'sent'")

    watching(room.engine, stall_s=0.1, look_every_s=0.2, end=ended.append)

    assert wait_until(lambda: len(looks) > 3, 10)
    assert not ended


def test_gives_a_new_worker_its_time(room: Room, watching: Start) -> None:
    room.post()
    let_it_wait(room)
    ended: list[int] = []
    watching(room.engine, stall_s=60, look_every_s=0.05, end=ended.append)
    sleep(0.5)

    assert not ended


def test_a_database_that_is_away_ends_nobody(watching: Start) -> None:
    nowhere = connect("postgresql://worker:x@127.0.0.1:1/none", process="test")
    ended: list[int] = []
    watching(nowhere, stall_s=0.01, look_every_s=0.05, end=ended.append)
    sleep(0.5)

    assert not ended
