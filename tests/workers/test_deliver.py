"""A turn delivers what is due once, keeps what it cannot deliver, and loses nothing to its own end."""

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection

from router import clock
from router.errors import RouterError, StoreFailed, Unavailable
from router.model import LeasedReferral, Proof
from router.store.engine import transaction
from router.store.referrals import Ended, give_back, lease, renew, settle
from router.vocabulary import ReferralState
from tests.servers import Answer, Sink
from tests.workers.rooms import Room, references
from tests.workers.senders import Plain
from workers import deliver, turn
from workers.sweep import sweep


def test_delivers_all_that_is_due_once(room: Room, sink: Sink) -> None:
    cases = room.post(100)

    assert room.deliverer(room.catalogue(sink)).deliver("desk") is False
    assert room.states() == {"sent": 100}
    assert {r.json["data"]["reference"] for r in sink.taken.values()} == references(cases)
    assert not sink.repeats


def test_the_ledger_tells_of_each_attempt(room: Room, sink: Sink) -> None:
    room.post()
    sink.answer_next(Answer(503, headers={"Retry-After": "1000"}))
    deliverer = room.deliverer(room.catalogue(sink))
    deliverer.deliver("desk")
    [row] = room.rows("*, extract(epoch from due_at - clock_timestamp()) as wait_s")

    assert (row.state, row.outcome, row.attempts, row.settled_at) == ("due", "http_503", 1, None)
    assert 990 < row.wait_s <= 1000
    room.run("update referrals set due_at = clock_timestamp()")
    room.let_it_be_tried()
    deliverer.deliver("desk")
    [row] = room.rows()
    assert (row.state, row.outcome, row.attempts, row.remote_id) == ("sent", "sent", 2, row.id)


def test_a_refused_referral_stands_in_front_of_a_person(room: Room, sink: Sink) -> None:
    room.post()
    sink.answer_next(Answer(422))
    room.deliverer(room.catalogue(sink)).deliver("desk")
    [row] = room.rows()

    assert (row.state, row.outcome) == ("dead", "http_422")


def test_gives_up_after_three_days_and_five_tries(room: Room, sink: Sink) -> None:
    room.post(2)
    room.run("update referrals set first_due_at = first_due_at - interval '73 hours'")
    room.run("update referrals set attempts = 5 where id = (select min(id) from referrals)")
    sink.answer_always(Answer(503))
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"dead": 1, "due": 1}


def test_a_referral_that_came_off_standby_late_has_its_three_days(room: Room) -> None:
    room.post(state=ReferralState.STANDBY)
    room.run("update referrals set first_due_at = first_due_at - interval '90 days'")

    assert sweep(room.engine, lease_s=30) == ["desk"]
    [row] = room.rows("state, extract(epoch from clock_timestamp() - first_due_at) as age_s")
    assert row.state == "due"
    assert row.age_s < 60


def test_a_referral_nobody_can_read_is_dead_and_holds_up_nobody(room: Room, sink: Sink) -> None:
    room.post(3)
    room.run("""update referrals set fields = '{"reference": 1, "odd": "MARKED-7f3a"}'
             where id = (select min(id) from referrals)""")
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"dead": 1, "sent": 2}
    assert [row.outcome for row in room.rows(where="state = 'dead'")] == ["unrenderable"]


def test_a_reference_in_another_form_is_dead_and_holds_up_nobody(room: Room, sink: Sink) -> None:
    room.post(3)
    room.run("alter table referrals drop constraint referrals_reference_check")
    room.run("update referrals set reference = 'CASE-1' where id = (select min(id) from referrals)")
    room.run("update referrals set fields = fields || '{\"reference\": \"CASE-1\"}' where reference = 'CASE-1'")
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"dead": 1, "sent": 2}


def test_a_channel_that_nobody_knows_keeps_its_referrals(room: Room, sink: Sink) -> None:
    room.post(channels=("gone",))
    room.deliverer(room.catalogue(sink)).deliver("gone")
    [row] = room.rows("*, due_at > clock_timestamp() + interval '200 s' as later")

    assert (row.state, row.attempts, row.later) == ("due", 0, True)


def test_a_channel_unknown_for_three_days_leaves_its_referrals_to_a_person(room: Room, sink: Sink) -> None:
    room.post(channels=("gone",))
    room.run("update referrals set first_due_at = first_due_at - interval '73 hours'")
    deliverer = room.deliverer(room.catalogue(sink))
    for _ in range(5):
        deliverer.deliver("gone")
        [row] = room.rows()
        assert row.state == "due"
        room.run("update referrals set due_at = clock_timestamp()")
    deliverer.deliver("gone")
    [row] = room.rows()

    assert (row.state, row.outcome, row.attempts) == ("dead", "channel_unknown", 6)


def test_what_ended_its_workers_before_is_sent_alone(room: Room, sink: Sink) -> None:
    room.post(12)
    room.run("""update referrals set state = 'leased', attempts = 2, lease_until = clock_timestamp() - interval '1 s'
             where id in (select id from referrals limit 3)""")
    broke = {row.id for row in room.rows("id", "state = 'leased'")}
    sending: set[str] = set()
    beside: dict[str, set[str]] = {}

    class Watched(Plain):
        def send(self, leased: LeasedReferral, *_: object, **__: object) -> Proof:
            sending.add(leased.id)
            time.sleep(0.05)
            beside[leased.id] = sending - {leased.id}
            sending.discard(leased.id)
            return Proof(leased.id)

    catalogue = room.catalogue(sink)
    deliverer = room.deliverer(catalogue)
    deliverer._senders["desk"] = catalogue.channels["desk"], Watched()
    deliverer.deliver("desk")

    assert room.states() == {"sent": 12}
    assert all(not beside[one] for one in broke)
    assert not any(beside[one] & broke for one in beside)
    assert any(beside.values())


def test_one_that_the_database_refuses_keeps_no_other_from_being_settled(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.post(8)
    odd = room.rows()[3].id

    def refusing(connection: Connection, ended: Sequence[Ended]) -> set[str]:
        if odd in {one.referral.id for one in ended}:
            raise StoreFailed("database_refused_23503")
        return settle(connection, ended)

    monkeypatch.setattr(turn, "settle", refusing)
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"sent": 7, "leased": 1}
    assert not sink.repeats


def test_a_call_under_way_while_the_database_is_away_is_settled_later(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.post(1)
    away = threading.Event()
    leases: list[int] = []

    def failing(*arguments: Any, **more: Any) -> list[LeasedReferral]:
        leases.append(1)
        if away.is_set():
            away.clear()
            raise Unavailable("database_away_unreachable")
        return lease(*arguments, **more)

    def now_away(_request: object) -> None:
        away.set()
        time.sleep(1.5)

    sink.before_answer = now_away
    monkeypatch.setattr(turn, "lease", failing)
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert not away.is_set(), "the database was away during the call"
    assert room.states() == {"sent": 1}


def test_a_channel_that_takes_nothing_is_left_alone(room: Room, sink: Sink) -> None:
    room.post(50)
    sink.answer_always(Answer(503))
    more = room.deliverer(room.catalogue(sink)).deliver("desk")
    tried = [row for row in room.rows() if row.attempts]

    assert more is False
    assert 8 <= len(tried) <= 24
    assert room.states() == {"due": 50}


def test_an_unforeseen_error_is_counted_and_tried_again(room: Room, sink: Sink) -> None:
    class Odd(Plain):
        def send(self, *_: object, **__: object) -> Proof:
            raise KeyError("MARKED-7f3a")

    catalogue = room.catalogue(sink)
    deliverer = room.deliverer(catalogue)
    deliverer._senders["desk"] = catalogue.channels["desk"], Odd()
    room.post()
    deliverer.deliver("desk")
    [row] = room.rows()

    assert (row.state, row.outcome) == ("due", "unforeseen")


def test_told_to_stop_it_gives_back_what_it_did_not_send(room: Room, sink: Sink) -> None:
    room.post(16)
    stop = threading.Event()
    sink.before_answer = lambda _: stop.set()
    more = room.deliverer(room.catalogue(sink), stopping=stop.is_set).deliver("desk")
    rows = room.rows()
    waiting = [row for row in rows if row.state == "due"]

    assert more is True
    assert len(waiting) >= 4
    assert {row.attempts for row in waiting} == {0}
    assert {row.state for row in rows} == {"due", "sent"}


def test_ends_after_its_time_and_says_that_there_is_more(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "TURN_S", 0.2)
    sink.answer_always(Answer(hang_s=0.1))
    room.post(60)

    assert room.deliverer(room.catalogue(sink)).deliver("desk") is True
    assert set(room.states()) == {"due", "sent"}


def test_renews_leases_that_waited_before_it_sends(room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "FRESH_S", 0.05)
    renewed: list[str] = []

    def watched(connection: object, held: list[LeasedReferral], *, lease_s: float) -> set[str]:
        renewed.extend(h.id for h in held)
        return renew(connection, held, lease_s=lease_s)  # type: ignore[arg-type]

    monkeypatch.setattr(turn, "renew", watched)
    sink.answer_always(Answer(hang_s=0.1))
    room.post(16)
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"sent": 16}
    assert len(renewed) >= 8


def test_does_not_send_what_somebody_else_took_meanwhile(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "FRESH_S", 0.05)
    cases = room.post(16)
    sink.answer_always(Answer(hang_s=0.3))

    def steal(_: object) -> None:
        sink.before_answer = None
        room.run(
            "update referrals set lease_no = lease_no + 1 where state = 'leased' and id not in "
            "(select id from referrals order by due_at limit 8)"
        )

    sink.before_answer = steal
    room.deliverer(room.catalogue(sink)).deliver("desk")
    first = {row.reference for row in room.rows(where="state = 'sent'")}

    assert len(first) == 8
    assert {r.json["data"]["reference"] for r in sink.taken.values()} == first
    assert room.states() == {"sent": 8, "leased": 8}
    assert first < references(cases)


def test_a_lost_lease_settles_nothing_and_leaves_its_line(room: Room) -> None:
    room.post()
    with transaction(room.engine) as connection:
        [mine] = lease(connection, "desk", limit=1, lease_s=30)
    room.run("update referrals set lease_until = clock_timestamp() - interval '1 s'")
    with transaction(room.engine) as connection:
        [theirs] = lease(connection, "desk", limit=1, lease_s=30)
    with transaction(room.engine) as connection:
        assert settle(connection, [Ended(mine, "sent", "sent", clock.now(), "late")]) == set()
        assert renew(connection, [mine], lease_s=30) == set()
        give_back(connection, [mine])
    [row] = room.rows()

    assert (row.state, row.lease_no, row.remote_id, row.attempts) == ("leased", theirs.lease_no, None, 2)


def test_two_workers_leasing_at_once_share_the_work(room: Room, sink: Sink) -> None:
    room.post(200)
    deliverers = [room.deliverer(room.catalogue(sink)) for _ in range(2)]
    threads = [threading.Thread(target=d.deliver, args=("desk",)) for d in deliverers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert room.states() == {"sent": 200}
    assert len(sink.taken) == 200
    assert not sink.repeats


def test_a_lease_further_off_than_leases_are_counts_as_expired(room: Room, sink: Sink) -> None:
    room.post()
    room.run("update referrals set state = 'leased', lease_until = clock_timestamp() + interval '1 day'")
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"sent": 1}


def test_what_ended_while_the_database_was_away_is_settled_later(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.post(4)
    failing = iter([True, True])

    def away(connection: object, ended: list[Ended]) -> set[str]:
        if next(failing, False):
            raise RouterError("database_away")
        return settle(connection, ended)  # type: ignore[arg-type]

    monkeypatch.setattr(turn, "settle", away)
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"sent": 4}
    assert not sink.repeats


def test_writes_files_into_the_folder_channel(room: Room, sink: Sink) -> None:
    cases = room.post(5, channels=("file",))
    room.deliverer(room.catalogue(sink)).deliver("file")

    assert {file.name for file in (room.folder / "out").iterdir()} == {f"{c.reference}.1.json" for c in cases}


def test_a_later_revision_waits_for_the_earlier_one(room: Room, sink: Sink) -> None:
    room.post()
    room.run("""insert into referrals (id, reference, channel, kind, revision, policy, state, fields)
             select repeat('b', 32), reference, channel, kind, 2, policy, 'due', fields from referrals""")
    sink.answer_next(Answer(503))
    deliverer = room.deliverer(room.catalogue(sink))
    deliverer.deliver("desk")

    assert [row.attempts for row in room.rows("attempts", "revision = 2")] == [0]
    room.run("update referrals set due_at = clock_timestamp()")
    deliverer.deliver("desk")
    assert room.states() == {"sent": 2}
    assert [r.headers["webhook-id"] for r in sink.everything][-1] == "b" * 32
