"""A turn that lost its probe neither runs in circles nor keeps the channel shut, and one that is slow holds up none."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from router.errors import StoreFailed
from router.store.referrals import Ended, settle
from tests.servers import Answer, Sink
from tests.workers.rooms import Room
from workers import turn
from workers.deliver import Deliverer

A_FEW = 100
"""Rounds; in circles a turn makes thousands."""


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Hold a one for each round that any turn makes."""
    made: list[int] = []
    collect = turn.Turn._collect

    def counted(it: turn.Turn) -> None:
        made.append(1)
        collect(it)

    monkeypatch.setattr(turn.Turn, "_collect", counted)
    return made


def about_to_probe(room: Room, sink: Sink) -> Deliverer:
    """Return a deliverer whose `desk` was shut and is to be probed, with eight that are due."""
    room.post(8)
    sink.answer_always(Answer(401))
    deliverer = room.deliverer(room.catalogue(sink))
    deliverer.deliver("desk")
    room.let_it_be_tried()
    room.run("update referrals set due_at = clock_timestamp()")
    sink.answer_always(None)
    return deliverer


def test_a_probe_that_cannot_be_settled_is_heard_all_the_same(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch, rounds: list[int]
) -> None:
    deliverer = about_to_probe(room, sink)
    refused: list[str] = []

    def refusing(connection: Connection, ended: Sequence[Ended]) -> set[str]:
        refused.extend([] if refused else [ended[0].referral.id])
        if refused[0] in {one.referral.id for one in ended}:
            raise StoreFailed("database_refused_23503")
        return settle(connection, ended)

    monkeypatch.setattr(turn, "settle", refusing)
    deliverer.deliver("desk")

    assert room.states() == {"sent": 7, "leased": 1}
    assert room.channel_state().breaker == "closed"
    assert len(rounds) < A_FEW


def test_a_probe_whose_lease_was_lost_before_it_was_sent_ends_the_turn(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch, rounds: list[int]
) -> None:
    deliverer = about_to_probe(room, sink)

    def too_late(it: turn.Turn, held: turn._Held) -> None:
        room.run("update referrals set lease_no = lease_no + 1 where state = 'leased'")
        it.done.put((replace(held, confirmed=0.0), None))

    monkeypatch.setattr(turn.Turn, "_attempt", too_late)
    more = deliverer.deliver("desk")

    assert not more
    assert len(rounds) < A_FEW
