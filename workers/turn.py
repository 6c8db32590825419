"""One channel's turn: lease what is due, send, settle, until nothing is due or the time is up.

Holds at most one batch in memory. Sends run in a few threads; the turn itself talks to the database in one
transaction at a time, which settles what ended, tells the channel's breaker, renews what is about to start and leases
what comes next.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Final

from sqlalchemy import Connection, Engine

from router import clock
from router.catalogue import Channel
from router.errors import RouterError, StoreFailed
from router.failpoints import FailPoint, reach
from router.model import LeasedReferral
from router.store.channelstates import Admitted
from router.store.engine import transaction
from router.store.referrals import Ended, give_back, lease, renew, settle
from router.telemetry import DELIVERIES, DELIVERY_SECONDS, DRILL_SECONDS, get_log
from router.vocabulary import Notice
from workers.attempt import Tried, attempt, looks_wanted
from workers.channels.base import Sender
from workers.gate import Gate
from workers.preserving import keep_sent

TURN_S: Final = 30.0
"""A turn leases and starts nothing new after this; calls under way may end."""
COLLECT_S: Final = 0.02
"""How long ended attempts are collected for one settling transaction."""
FRESH_S: Final = 0.5
"""A lease that the database confirmed this recently need not be renewed before the send."""
CALL_SHARE: Final = 3
"""A whole call may last a third of the lease, and must begin within a third of it."""
AWAY_WAIT_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once; see the settings of the same names."""

    lease_s: int
    lease_batch: int
    sends_at_once: int

    @property
    def call_s(self) -> float:
        """Seconds that one whole call may last."""
        return self.lease_s / CALL_SHARE


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease of ours, and the moment (monotonic) before which the database last confirmed it."""

    referral: LeasedReferral
    confirmed: float


@dataclass(slots=True)
class Turn:
    """One channel's, in one process."""

    engine: Engine
    channel: Channel
    sender: Sender
    pace: Pace
    threads: ThreadPoolExecutor
    stopping: Callable[[], bool]
    holds: Callable[[Connection], bool]
    outdated: bool = False
    """Another policy is in force than the one that this turn's channel is from."""
    ready: deque[_Held] = field(default_factory=deque)
    flying: int = 0
    ended: list[Tried] = field(default_factory=list)
    done: "SimpleQueue[tuple[_Held, Tried | None]]" = field(default_factory=SimpleQueue)
    more: bool = True
    """There may be more to lease."""
    alone: bool = True
    """First come, one by one, referrals whose workers ended twice: one of them may be why."""
    written: float = 0.0
    """When (monotonic) the last write to the database began."""
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(self.channel, self.pace.lease_s)

    def take(self, ends: float) -> bool:
        """Run the turn until `ends` (monotonic) at most; return whether there may be more to send at once."""
        with self._given_back():
            while True:
                self._write(room=self._room() if self._going(ends) else 0)
                going = self._going(ends)
                if going:
                    self._launch()
                waits = self.more and not self.gate.waits
                if not (self.flying or self.ended) and not (going and (self.ready or waits)):
                    return (self.more or bool(self.ready)) and not (self.gate.closed or self.gate.waits)
                self._collect()

    def _going(self, ends: float) -> bool:
        return monotonic() < ends and not (self.stopping() or self.gate.closed or self.outdated)

    def _room(self) -> int:
        """Return how many more are wanted."""
        wanted = self.more and not self.ready and not (self.alone and self.flying)
        wanted = wanted and self.gate.asks(freed=bool(self.ended))
        return self.pace.lease_batch if wanted else 0

    @contextmanager
    def _given_back(self) -> Iterator[None]:
        """Whatever ends the turn, return the leases that were not used."""
        try:
            yield
        finally:
            if self.ready:
                with suppress(RouterError), transaction(self.engine) as connection:
                    give_back(connection, [held.referral for held in self.ready])
                    self.gate.give_back(connection, [held.referral.id for held in self.ready])
                self.ready.clear()

    def _write(self, *, room: int) -> None:
        """In one transaction settle, renew and lease.

        While the database is away, what ended is kept and tried again for as long as a call may last.
        If it refuses, each is tried apart, so that one does not keep the others from being settled.
        """
        stale = [held for held in self._next() if monotonic() - held.confirmed > FRESH_S]
        if not (self.ended or stale or room):
            return
        patience = monotonic() + self.pace.call_s
        while True:
            try:
                self._write_once(stale, room)
            except RouterError as error:
                if not (self.ended or self.flying) or monotonic() > patience:
                    raise
                get_log().warning("settle_failed", code=error.code, channel=self.channel.name, count=len(self.ended))
                if isinstance(error, StoreFailed):
                    self._settle_apart()
                sleep(AWAY_WAIT_S)
            else:
                return

    def _settle_apart(self) -> None:
        """Settle each in a transaction of its own; drop what is refused even so: its lease runs out.

        Of the channel it says what it says, settled or not.
        """
        kept: list[Tried] = []
        for tried in self.ended:
            ended = tried.ended
            try:
                with transaction(self.engine) as connection:
                    ours = settle(connection, [ended])
                    keep_sent(connection, [ended])
            except StoreFailed as error:
                about = {"channel": self.channel.name, "referral": ended.referral.id}
                get_log().error("settle_failed", code=error.code, **about)
            except RouterError:
                kept.append(tried)
            else:
                tell(ended, ours=ended.referral.id in ours)
        gone = [tried for tried in self.ended if tried not in kept]
        self.ended[:] = kept
        noted = None
        if gone:
            with suppress(RouterError), transaction(self.engine) as connection:
                noted = self.gate.hear(connection, gone)
        self.gate.heard(gone, noted)

    def _next(self) -> list[_Held]:
        """Return those that would be started now."""
        free = 2 * self.pace.sends_at_once - self.flying
        return [self.ready[index] for index in range(min(max(free, 0), len(self.ready)))]

    def _write_once(self, stale: Sequence[_Held], room: int) -> None:
        asked = monotonic()
        _reach_if(FailPoint.BEFORE_SETTLE, self.ended)
        reach(FailPoint.BEFORE_LEASE)
        with transaction(self.engine) as connection:
            ours = settle(connection, [tried.ended for tried in self.ended]) if self.ended else set()
            keep_sent(connection, [tried.ended for tried in self.ended])
            kept = renew(connection, [h.referral for h in stale], lease_s=self.pace.lease_s) if stale else set()
            noted = self.gate.hear(connection, self.ended)
            admitted, new = self._lease(connection, room) if room else (None, [])
            reach(FailPoint.IN_LEASE)
        _reach_if(FailPoint.AFTER_SETTLE, self.ended)
        _reach_if(FailPoint.AFTER_LEASE, new)
        for tried in self.ended:
            tell(tried.ended, ours=tried.ended.referral.id in ours)
        self.gate.heard(self.ended, noted)
        if admitted is not None:
            self.gate.admitted(admitted, [referral.id for referral in new])
            self.more = bool(new) or self.outdated or not admitted.most
        self.ended.clear()
        self._keep(stale, kept, asked)
        self.ready.extend(_Held(referral, asked) for referral in new)

    def _lease(self, connection: Connection, room: int) -> tuple[Admitted, list[LeasedReferral]]:
        """Lease what the channel's breaker and limits leave of `room`."""
        admitted = self.gate.admit(connection, room)
        new = self._leased(connection, admitted) if admitted.most else []
        if new and not self.holds(connection):
            # A policy is in force before anything is decided by it: looking after the lease, nothing that a
            # newer one decided is ever sent to where an older one said.
            give_back(connection, new)
            self.outdated = True
            new = []
        self.gate.spend(connection, admitted, len(new))
        return admitted, new

    def _leased(self, connection: Connection, admitted: Admitted) -> list[LeasedReferral]:
        """Lease what is due: first, and alone, what broke its workers; as a probe, last."""
        take = partial(
            lease,
            connection,
            self.channel.name,
            lease_s=self.pace.lease_s,
            looks_wanted=looks_wanted(self.channel),
        )
        if admitted.probe:
            return take(limit=1, broke=False) or take(limit=1, broke=True)
        if self.alone and (new := take(limit=1, broke=True)):
            return new
        self.alone = False
        return take(limit=admitted.most, broke=False)

    def _keep(self, stale: Sequence[_Held], kept: AbstractSet[str], asked: float) -> None:
        """Note which of the `stale` leases were renewed, and drop those that are not ours any more."""
        for held in stale:
            self.ready.remove(held)
            if held.referral.id not in kept:
                get_log().warning("lease_lost", channel=self.channel.name, referral=held.referral.id)
        renewed = [_Held(held.referral, asked) for held in stale if held.referral.id in kept]
        self.ready.extendleft(reversed(renewed))
        self.written = asked

    def _launch(self) -> None:
        """Keep the threads busy: one send each, and one each waiting behind it. All were confirmed just now."""
        while self.ready and self.flying < 2 * self.pace.sends_at_once:
            held = self.ready[0]
            if held.confirmed < self.written and monotonic() - held.confirmed > FRESH_S:
                return
            self.flying += 1
            self.threads.submit(self._attempt, self.ready.popleft())

    def _collect(self) -> None:
        """Wait for an attempt to end, and then a moment for others."""
        until = monotonic() + AWAY_WAIT_S
        if self.gate.not_before > monotonic():
            until = min(until, self.gate.not_before)
            if not self.flying:
                sleep(max(0.0, until - monotonic()))
        while self.flying:
            try:
                held, tried = self.done.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                return
            if not self.ended:
                until = monotonic() + COLLECT_S
            self.flying -= 1
            if tried is None:
                self.ready.append(held)
            else:
                self.ended.append(tried)

    def _attempt(self, held: _Held) -> None:
        """Make one attempt, in a thread of its own; always reports, never raises."""
        if monotonic() - held.confirmed > self.pace.lease_s / CALL_SHARE:
            self.done.put((held, None))
            return
        self.done.put((held, attempt(self.channel, self.sender, held.referral, deadline_s=self.pace.call_s)))


def _reach_if(point: FailPoint, there: object) -> None:
    if there:
        reach(point)


def tell(ended: Ended, *, ours: bool) -> None:
    """Log and count an attempt that was settled, or one whose lease somebody else had taken."""
    leased = ended.referral
    about = {"channel": leased.channel, "referral": leased.id, "code": ended.outcome, "attempt": leased.attempts}
    log = get_log()
    if not ours:
        log.warning("lease_lost", **about)
        return
    # So few leave the organisation that a counter which moves would tell whoever may see it.
    if not leased.drafted:
        DELIVERIES.labels(leased.channel, ended.outcome).inc()
    if ended.state == "sent":
        waited = (clock.now() - leased.first_due_at).total_seconds()
        seconds = DRILL_SECONDS if leased.fields.notice is Notice.DRILL else DELIVERY_SECONDS
        if not leased.drafted:
            seconds.labels(leased.channel).observe(max(0.0, waited))
        log.info("referral_sent", **about)
    elif ended.state == "in_hand":
        log.info("referral_in_hand", **about)
    elif ended.state == "dead":
        log.error("referral_dead", **about)
    else:
        log.warning("referral_postponed", **about)
