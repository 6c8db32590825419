"""A channel that is down is left alone, without an attempt burnt; one that must be gone easy on is; one probe brings
it back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Payload, Proof
from tests.servers import Answer, Received, Sink
from tests.workers.rooms import PACE, Room
from tests.workers.senders import Plain
from workers.deliver import Deliverer
from workers.turn import Pace

ONE_BY_ONE = Pace(lease_s=30, lease_batch=16, sends_at_once=1)


@dataclass
class Checked(Plain):
    """A sender whose check says what it is told to, and whose sends can be refused."""

    found: list[tuple[Finding, ...] | TryLater] = field(default_factory=list)
    refuse: Callable[[], None] = lambda: None
    checks: int = 0
    sent: list[str] = field(default_factory=list)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        assert deadline_s
        self.checks += 1
        said = self.found.pop(0) if self.found else ()
        if isinstance(said, TryLater):
            raise said
        return said

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        assert payload.body
        assert deadline_s
        self.refuse()
        self.sent.append(leased.id)
        return Proof(leased.id)


def with_sender(room: Room, sink: Sink, sender: Plain, *, pace: Pace = PACE, **more: str) -> Deliverer:
    """Return a deliverer whose `desk` has this sender."""
    catalogue = room.catalogue(sink, **more)
    deliverer = room.deliverer(catalogue, pace=pace)
    deliverer._senders["desk"] = catalogue.channels["desk"], sender  # type: ignore[assignment]
    return deliverer


def attempts(room: Room) -> int:
    return sum(row.attempts for row in room.rows())


def test_after_five_failures_no_worker_tries_and_no_attempt_is_burnt(room: Room, sink: Sink) -> None:
    room.post(30)
    sink.answer_always(Answer(503))
    room.deliverer(room.catalogue(sink), pace=ONE_BY_ONE).deliver("desk")
    tried = attempts(room)
    more = room.deliverer(room.catalogue(sink)).deliver("desk")
    row = room.channel_state()

    assert 5 <= tried <= 7
    assert attempts(room) == tried
    assert more is False
    assert room.states() == {"due": 30}
    assert (row.breaker, row.code) == ("open", "http_503")


def test_one_probe_finds_out_that_it_is_back_and_all_the_rest_follows_at_once(room: Room, sink: Sink) -> None:
    room.post(30)
    sink.answer_always(Answer(503))
    deliverer = room.deliverer(room.catalogue(sink))
    deliverer.deliver("desk")
    room.let_it_be_tried()
    room.run("update referrals set due_at = clock_timestamp()")
    sink.answer_always(None)
    before, together = len(sink.everything), []

    def probing(_: Received) -> None:
        together.append((len(sink.everything) - before, room.channel_state().breaker))

    sink.before_answer = probing
    deliverer.deliver("desk")

    assert together[0] == (1, "half_open")
    assert room.states() == {"sent": 30}
    assert room.channel_state().breaker == "closed"


def test_a_probe_that_fails_costs_one_attempt_and_a_longer_wait(room: Room, sink: Sink) -> None:
    room.post(30)
    sink.answer_always(Answer(503))
    deliverer = room.deliverer(room.catalogue(sink))
    deliverer.deliver("desk")
    tried = attempts(room)
    room.let_it_be_tried()
    deliverer.deliver("desk")
    row = room.channel_state()

    assert attempts(room) == tried + 1
    assert (row.breaker, row.opened) == ("open", 2)
    assert 14 < row.shut_s <= 30


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_one_answer_asks_for_is_kept_for_all(room: Room, sink: Sink, status: int) -> None:
    room.post(30)
    sink.answer_next(Answer(status, headers={"Retry-After": "900"}))
    room.deliverer(room.catalogue(sink), pace=ONE_BY_ONE).deliver("desk")
    row = room.channel_state()

    assert attempts(room) <= 3
    assert row.code == f"http_{status}"
    assert 890 < row.shut_s <= 900


def test_a_wrong_secret_costs_one_attempt_and_not_one_for_each_referral(room: Room, sink: Sink) -> None:
    room.post(30)
    sink.answer_always(Answer(401))
    room.deliverer(room.catalogue(sink), pace=ONE_BY_ONE).deliver("desk")

    assert attempts(room) <= 3
    assert room.channel_state().code == "not_authorised"


def test_a_no_to_each_referral_leaves_the_channel_open(room: Room, sink: Sink) -> None:
    room.post(12)
    sink.answer_always(Answer(422))
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"dead": 12}
    assert room.channel_state().breaker == "closed"


def test_referrals_that_no_try_can_help_do_not_bring_a_channel_back(room: Room, sink: Sink) -> None:
    room.post(8)
    room.run("update referrals set fields = '{\"odd\": 1}'")
    room.run("update referrals set due_at = due_at - interval '1 h'")
    sink.answer_always(Answer(503))
    room.post(6)
    deliverer = room.deliverer(room.catalogue(sink), pace=ONE_BY_ONE)
    deliverer.deliver("desk")

    assert room.channel_state().breaker == "open"
    assert room.states() == {"dead": 8, "due": 6}


def test_a_channel_whose_check_finds_something_sends_nothing_and_says_what(room: Room, sink: Sink) -> None:
    room.post(3)
    sender = Checked(found=[(Finding("field_missing", "Severity"),)])
    deliverer = with_sender(room, sink, sender)
    more = [deliverer.deliver("desk") for _ in range(3)]
    row = room.channel_state()

    assert more == [False] * 3
    assert (sender.checks, sender.sent, attempts(room)) == (1, [], 0)
    assert (row.breaker, row.code, row.named) == ("open", "field_missing", "Severity")


def test_it_is_checked_again_when_it_may_be_tried_and_then_all_is_sent(room: Room, sink: Sink) -> None:
    room.post(3)
    sender = Checked(found=[(Finding("field_missing", "Severity"),)])
    deliverer = with_sender(room, sink, sender)
    deliverer.deliver("desk")
    room.let_it_be_tried()
    deliverer.deliver("desk")
    row = room.channel_state()

    assert sender.checks == 2
    assert room.states() == {"sent": 3}
    assert (row.breaker, row.code, row.named) == ("closed", None, None)


def test_a_channel_that_is_shut_with_nothing_left_to_probe_with_is_used_again_when_it_passes_its_check(
    room: Room, sink: Sink
) -> None:
    finding = (Finding("field_missing", "Severity"),)
    sender = Checked([finding, finding, ()])
    deliverer = with_sender(room, sink, sender)
    room.post()
    deliverer.deliver("desk")
    room.run("update referrals set state = 'recalled', settled_at = clock_timestamp(), outcome = 'given_up'")
    room.let_it_be_tried()
    deliverer.deliver("desk")
    still = room.channel_state()
    deliverer.deliver("desk")
    checks = sender.checks
    room.let_it_be_tried()
    deliverer.deliver("desk")

    assert (still.breaker, still.opened, still.named) == ("open", 2, "Severity")
    assert (checks, sender.checks) == (2, 3)
    assert room.channel_state().breaker == "closed"


def test_settings_are_checked_once_and_changed_ones_again(room: Room, sink: Sink) -> None:
    sender = Checked()
    for _ in range(2):
        room.post()
        with_sender(room, sink, sender).deliver("desk")
    once = sender.checks
    room.post()
    catalogue = room.catalogue(sink, desk="secret: env:ANOTHER")
    deliverer = room.deliverer(catalogue)
    deliverer._senders["desk"] = catalogue.channels["desk"], sender
    deliverer.deliver("desk")

    assert (once, sender.checks) == (1, 2)
    assert room.states() == {"sent": 3}


def test_a_check_that_cannot_be_made_now_shuts_the_channel_for_its_cool_down(room: Room, sink: Sink) -> None:
    room.post(3)
    sender = Checked(found=[TryLater("unreachable")])
    deliverer = with_sender(room, sink, sender)
    deliverer.deliver("desk")
    row = room.channel_state()

    assert (row.breaker, row.code, row.checked) == ("open", "unreachable", None)
    assert attempts(room) == 0
    room.let_it_be_tried()
    deliverer.deliver("desk")
    assert room.states() == {"sent": 3}


def test_a_check_that_breaks_keeps_the_others_of_the_worker_going(room: Room, sink: Sink) -> None:
    class Odd(Checked):
        def check(self, *, deadline_s: float) -> tuple[Finding, ...]:  # noqa: ARG002 - the contract
            raise KeyError("MARKED-7f3a")

    room.post(1, channels=("desk", "hr"))
    deliverer = with_sender(room, sink, Odd())
    deliverer.deliver("desk")
    deliverer.deliver("hr")

    assert room.channel_state().code == "unforeseen"
    assert room.states() == {"due": 1, "sent": 1}


def test_a_field_that_was_dropped_has_the_channel_checked_before_the_next_is_sent(room: Room, sink: Sink) -> None:
    room.post(4)
    first = iter([True])

    def dropped() -> None:
        if next(first, False):
            raise Declined("field_dropped")

    sender = Checked(found=[(), (Finding("field_missing", "Severity"),)], refuse=dropped)
    deliverer = with_sender(room, sink, sender, pace=Pace(lease_s=30, lease_batch=1, sends_at_once=1))
    rung_again = deliverer.deliver("desk")
    deliverer.deliver("desk")

    assert rung_again is True
    assert sender.checks == 2
    assert sender.sent == []
    assert room.states() == {"dead": 1, "due": 3}
    assert room.channel_state().code == "field_missing"


def test_with_a_rate_the_turn_waits_for_the_next_token_and_goes_on(room: Room, sink: Sink) -> None:
    room.post(7)
    room.deliverer(room.catalogue(sink, desk="at_most: 120/min")).deliver("desk")
    room.post(6)
    room.deliverer(room.catalogue(sink, desk="at_most: 120/min")).deliver("desk")

    assert room.states() == {"sent": 13}
    assert room.channel_state().tokens < 1


def test_with_a_slow_rate_the_rest_stays_due_and_nobody_is_rung_for_it_at_once(room: Room, sink: Sink) -> None:
    room.post(3)
    more = room.deliverer(room.catalogue(sink, desk="at_most: 1/min")).deliver("desk")

    assert more is False
    assert room.states() == {"sent": 1, "due": 2}
    assert attempts(room) == 1


def test_workers_together_never_have_more_under_way_than_may_be_at_once(room: Room, sink: Sink) -> None:
    room.post(40)
    lock, under_way, most = threading.Lock(), 0, 0

    class Counted(Checked):
        def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            done.wait(0.01)
            with lock:
                under_way -= 1
            return super().send(leased, payload, deadline_s=deadline_s)

    done = threading.Event()
    deliverers = [with_sender(room, sink, Counted(), desk="at_once: 3") for _ in range(3)]
    threads = [threading.Thread(target=d.deliver, args=("desk",)) for d in deliverers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most <= 3
    assert room.states() == {"sent": 40}


def test_a_worker_that_is_told_to_stop_gives_its_probe_back(room: Room, sink: Sink) -> None:
    room.post(8)
    sink.answer_always(Answer(503))
    room.deliverer(room.catalogue(sink)).deliver("desk")
    room.let_it_be_tried()
    room.run("update referrals set due_at = clock_timestamp()")
    said = iter([False])
    room.deliverer(room.catalogue(sink), stopping=lambda: next(said, True)).deliver("desk")
    sink.answer_always(None)
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"sent": 8}
