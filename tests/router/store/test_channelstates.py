"""All workers see one state of a channel: one of them probes it, and all together keep to its limits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from router.store.breaker import Heard
from router.store.channelstates import (
    Admitted,
    Rules,
    admit,
    claim,
    doubt,
    hold,
    lacks_probe,
    note,
    passed,
    release,
    spend,
)
from router.store.engine import transaction
from router.store.referrals import lease
from router.vocabulary import Breaker
from tests.conftest import Database
from tests.workers.rooms import Room, a_room

FREE = Rules()
DOWN = Heard("unreachable", worked=False)
FINE = Heard("sent", worked=True)
ONCE = Heard("sent", worked=True, probe=True)


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Iterator[Room]:
    with a_room(database, tmp_path) as made:
        yield made


def ask(room: Room, wanted: int = 64, rules: Rules = FREE, *, take: bool = True) -> Admitted:
    """Ask as a turn does, and say that all that was admitted was leased."""
    with transaction(room.engine) as connection:
        admitted = admit(connection, "desk", wanted, rules, lease_s=30)
        spend(connection, "desk", admitted, admitted.most if take else 0, probe_s=30)
    return admitted


def hear(room: Room, *heard: Heard) -> None:
    with transaction(room.engine) as connection:
        note(connection, "desk", heard)


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    said: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    yield said
    event.remove(engine, "before_cursor_execute", listen)


def test_a_healthy_channel_without_limits_costs_one_read_and_waits_for_nobody(room: Room) -> None:
    hear(room, FINE)
    with transaction(room.engine) as other:
        note(other, "desk", [DOWN])
        with statements(room.engine) as said:
            assert ask(room) == Admitted(64)

    assert len(said) == 1
    assert "for update" not in said[0]


def test_a_channel_that_nobody_ever_sent_to_is_open_to_all(room: Room) -> None:
    assert ask(room) == Admitted(64)


def test_while_it_is_shut_nothing_is_admitted_to_anybody(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    refused = ask(room)
    row = room.channel_state()

    assert (refused.most, refused.shut) == (0, True)
    assert refused.wait_s is not None
    assert 5 < refused.wait_s <= 15
    assert (row.breaker, row.failures, row.opened, row.code) == ("open", 5, 1, "unreachable")


def test_after_its_time_one_probe_is_admitted_and_no_other(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.let_it_be_tried()
    probe, other = ask(room), ask(room)

    assert (probe.most, probe.probe) == (1, True)
    assert (other.most, other.shut) == (0, True)
    assert room.channel_state().breaker == "half_open"


def test_a_probe_for_which_nothing_was_due_is_none(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.let_it_be_tried()

    assert ask(room, take=False).probe
    assert ask(room).probe


def test_a_probe_whose_worker_died_is_followed_by_another_when_its_time_is_over(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.let_it_be_tried()
    ask(room)
    room.let_it_be_tried()

    assert ask(room).probe


def test_a_probe_that_was_not_sent_leaves_its_place_at_once(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.let_it_be_tried()
    ask(room)
    with transaction(room.engine) as connection:
        release(connection, "desk")

    assert ask(room).probe


def test_of_many_workers_that_ask_at_once_one_probes(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.let_it_be_tried()
    admitted: list[Admitted] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait()
        admitted.append(ask(room))

    in_threads(work, 6)

    assert sorted(one.most for one in admitted) == [0, 0, 0, 0, 0, 1]


def test_a_probe_that_works_opens_it_to_all(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.let_it_be_tried()
    ask(room)
    hear(room, ONCE)
    row = room.channel_state()

    assert ask(room) == Admitted(64)
    assert (row.breaker, row.failures, row.opened, row.until, row.code) == ("closed", 0, 0, None, None)


def test_failures_count_over_all_workers_and_a_success_of_one_begins_anew(room: Room) -> None:
    hear(room, *[DOWN] * 4)
    clean = ask(room).clean
    hear(room, FINE)
    hear(room, *[DOWN] * 4)

    assert not clean
    assert room.channel_state().breaker == "closed"
    hear(room, DOWN)
    assert room.channel_state().breaker == "open"


@pytest.mark.parametrize("back", ["1 day", "20 minutes"])
def test_a_clock_that_is_set_back_does_not_keep_a_channel_shut(room: Room, back: str) -> None:
    hear(room, *[DOWN] * 5)
    room.run(
        "update channel_states set since = since + cast(:back as interval), until = until + cast(:back as interval)",
        back=back,
    )

    assert ask(room).probe


def test_an_end_further_off_than_any_pause_counts_as_past(room: Room) -> None:
    hear(room, *[DOWN] * 5)
    room.run("update channel_states set until = clock_timestamp() + interval '61 minutes'")

    assert ask(room).probe


def test_a_clock_that_is_set_back_does_not_keep_a_bucket_empty(room: Room) -> None:
    rules = Rules(at_most=1.0)
    ask(room, rules=rules)
    assert ask(room, rules=rules).most == 0
    room.run("update channel_states set tokens_at = tokens_at + interval '1 day'")

    assert ask(room, rules=rules).most == 5
    assert ask(room, rules=rules).most == 0


def test_all_workers_together_get_a_burst_and_then_the_rate(room: Room) -> None:
    rules = Rules(at_most=2.0)
    taken: list[int] = []
    in_threads(lambda: taken.append(ask(room, 4, rules).most), 6)

    assert sum(taken) in {10, 11}
    after = ask(room, 64, rules)
    assert after.most == 0
    assert after.wait_s is not None
    assert 0 < after.wait_s <= 0.5
    room.run("update channel_states set tokens_at = tokens_at - interval '2 s'")
    assert ask(room, 64, rules).most == 4


def test_what_was_not_leased_is_not_spent(room: Room) -> None:
    rules = Rules(at_most=2.0)
    ask(room, 64, rules, take=False)

    assert ask(room, 64, rules).most == 10


def test_no_more_are_under_way_than_may_be_at_once(room: Room) -> None:
    room.post(12)
    rules = Rules(at_once=4)
    taken: list[int] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait()
        with transaction(room.engine) as connection:
            admitted = admit(connection, "desk", 3, rules, lease_s=30)
            new = lease(connection, "desk", limit=admitted.most, lease_s=30) if admitted.most else []
            spend(connection, "desk", admitted, len(new), probe_s=30)
        taken.append(len(new))

    in_threads(work, 6)

    assert sorted(taken) == [0, 0, 0, 0, 1, 3]
    room.run("update referrals set lease_until = clock_timestamp() - interval '1 s' where state = 'leased'")
    assert ask(room, 64, rules).most == 4


def test_a_lease_further_off_than_leases_are_takes_no_place(room: Room) -> None:
    room.post(2)
    room.run("update referrals set state = 'leased', lease_until = clock_timestamp() + interval '1 day'")

    assert ask(room, 64, Rules(at_once=1)).most == 1


def test_settings_that_did_not_pass_their_check_admit_nothing(room: Room) -> None:
    new = ask(room, rules=Rules(digest="new"))
    with transaction(room.engine) as connection:
        passed(connection, "desk", "new")
    checked = ask(room, rules=Rules(digest="new"))

    assert (new.most, new.unchecked) == (0, True)
    assert checked.most == 64
    assert ask(room, rules=Rules(digest="newer")).unchecked


def test_what_its_check_found_shuts_a_channel_and_says_which_setting_is_meant(room: Room) -> None:
    with transaction(room.engine) as connection:
        hold(connection, "desk", Heard("field_missing", worked=False), named="Severity")
    row = room.channel_state()

    assert (row.breaker, row.code, row.named, row.opened) == ("open", "field_missing", "Severity", 1)
    assert ask(room, rules=Rules(digest="d")).shut


def test_while_it_is_held_one_worker_checks_it_again_when_it_may_be_tried(room: Room) -> None:
    room.post()
    with transaction(room.engine) as connection:
        hold(connection, "desk", Heard("field_missing", worked=False), named="Severity")
        assert not claim(connection, "desk", probe_s=30)
    room.let_it_be_tried()
    with transaction(room.engine) as connection:
        assert claim(connection, "desk", probe_s=30)
    with transaction(room.engine) as connection:
        assert not claim(connection, "desk", probe_s=30)
        passed(connection, "desk", "d")

    assert ask(room, rules=Rules(digest="d")).probe


def test_with_nothing_that_could_be_the_probe_the_check_brings_it_back(room: Room) -> None:
    with transaction(room.engine) as connection:
        hold(connection, "desk", Heard("field_missing", worked=False), named="Severity")
        assert lacks_probe(connection, "desk")
        assert passed(connection, "desk", "d")
        assert not passed(connection, "desk", "d")
    row = room.channel_state()

    assert (row.breaker, row.opened, row.code, row.named) == ("closed", 0, None, None)
    assert ask(room, rules=Rules(digest="d")).most == 64


def test_a_finding_that_stays_is_asked_about_less_and_less_often(room: Room) -> None:
    waits = []
    for _ in range(8):
        with transaction(room.engine) as connection:
            hold(connection, "desk", Heard("field_missing", worked=False), named="Severity")
        waits.append(room.channel_state().shut_s)

    assert 7 < waits[0] <= 15
    assert 295 < waits[-1] <= 600


def test_what_does_not_fit_checked_settings_has_them_checked_again(room: Room) -> None:
    with transaction(room.engine) as connection:
        passed(connection, "desk", "d")
        doubt(connection, "desk")

    assert ask(room, rules=Rules(digest="d")).unchecked


def test_a_failure_later_says_why_anew_and_no_longer_names_a_setting(room: Room) -> None:
    with transaction(room.engine) as connection:
        hold(connection, "desk", Heard("field_missing", worked=False), named="Severity")
    room.let_it_be_tried()
    ask(room)
    hear(room, Heard("no_answer", worked=False, probe=True))
    row = room.channel_state()

    assert (row.breaker, row.code, row.named, row.opened) == (Breaker.OPEN, "no_answer", None, 2)


def in_threads(work: Any, count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
