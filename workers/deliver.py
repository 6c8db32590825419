"""One channel's turn: lease what is due, render, send, settle, until nothing is due or the time is up.

The ledger in the database is the truth; this holds at most one batch in memory. Sends run in a few
threads; the turn itself talks to the database in one transaction at a time, which settles what ended,
renews what is about to start and leases what comes next.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Final, Protocol

from sqlalchemy import Connection, Engine

from router import clock
from router.catalogue import ALWAYS_CARRIED, Channel
from router.errors import Declined, RouterError, StoreFailed, TryLater
from router.model import LeasedReferral, Payload, Proof, Referral
from router.store.engine import transaction
from router.store.referrals import Ended, give_back, lease, renew, settle
from router.telemetry import DELIVERIES, DELIVERY_SECONDS, DRILL_SECONDS, get_log
from router.vocabulary import Notice, Scope
from workers.channels import SENDERS
from workers.channels.base import Sender
from workers.retry import FEWEST_TRIES, GIVE_UP_S, MOST_TRIES, wait_before

TURN_S: Final = 30.0
"""A turn leases nothing new after this; calls under way may end."""
COLLECT_S: Final = 0.02
"""How long ended attempts are collected for one settling transaction."""
FRESH_S: Final = 0.5
"""A lease that the database confirmed this recently need not be renewed before the send."""
CALL_SHARE: Final = 3
"""A whole call may last a third of the lease, and must begin within a third of it."""
UNKNOWN_WAIT_S: Final = 300.0
"""A channel that no policy names: how long until it is looked for again."""
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


class Known(Protocol):
    """The channels by name, and whether what was said of them still holds."""

    def find(self, name: str) -> Channel | None:
        """Return the channel as it is now, or None when nobody knows it."""

    def holds(self, connection: Connection) -> bool:
        """Say whether the policy in force is the one that `find` looked at last."""


class Deliverer:
    """Delivers for one process: its connections, threads and senders, made once."""

    def __init__(
        self, engine: Engine, channels: Known, pace: Pace, *, state_dir: Path, stopping: Callable[[], bool]
    ) -> None:
        self.engine = engine
        self._channels = channels
        self._pace = pace
        self._state_dir = state_dir
        self._stopping = stopping
        self._senders: dict[str, tuple[Channel, Sender]] = {}
        self._threads = ThreadPoolExecutor(pace.sends_at_once, thread_name_prefix="send")

    def deliver(self, name: str) -> bool:
        """Take one turn for the channel `name`; return whether there may be more to send at once.

        Raises Unavailable or StoreFailed when the database is away; leases then run out by themselves.
        """
        channel = self._channels.find(name)
        if channel is None:
            return self._keep_for_later(name)
        return _Turn(
            self.engine,
            channel,
            self._sender(channel),
            self._pace,
            self._threads,
            self._stopping,
            self._channels.holds,
        ).take()

    def _sender(self, channel: Channel) -> Sender:
        """Return the channel's sender; a channel that was changed gets a new one."""
        made_for, sender = self._senders.get(channel.name, (None, None))
        if sender is None or made_for != channel:
            sender = SENDERS[channel.kind](channel.settings, state_dir=self._state_dir)
            self._senders[channel.name] = channel, sender
        return sender

    def _keep_for_later(self, name: str) -> bool:
        """A referral to a channel that nobody knows waits until the channel is back, for as long as any is tried."""
        with transaction(self.engine) as connection:
            held = lease(connection, name, limit=self._pace.lease_batch, lease_s=self._pace.lease_s)
            give_back(connection, [leased for leased in held if leased.age_s < GIVE_UP_S], wait_s=UNKNOWN_WAIT_S)
            overdue = [_unknown(leased) for leased in held if leased.age_s >= GIVE_UP_S]
            ours = settle(connection, overdue) if overdue else set()
        for ended in overdue:
            _tell(ended, ours=ended.referral.id in ours)
        if held:
            get_log().error("channel_unknown", count=len(held))
        return len(held) == self._pace.lease_batch


@dataclass(slots=True)
class _Turn:
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
    ended: list[Ended] = field(default_factory=list)
    done: "SimpleQueue[tuple[_Held, Ended | None]]" = field(default_factory=SimpleQueue)
    failures: int = 0
    """Attempts in a row that the channel could not take."""
    alone: bool = True
    """First come, one by one, referrals whose workers ended twice: one of them may be why."""
    written: float = 0.0
    """When (monotonic) the last write to the database began."""

    def take(self) -> bool:
        """Run the turn; return whether there may be more to send at once."""
        ends = monotonic() + TURN_S
        more = True
        with self._given_back():
            while True:
                going = monotonic() < ends and not (self.stopping() or self._hopeless() or self.outdated)
                wanted = going and more and not self.ready and not (self.alone and self.flying)
                leased = self._write(room=self.pace.lease_batch if wanted else 0)
                more = more if leased is None else leased
                if going:
                    self._launch()
                if not (self.flying or self.ended) and not (going and (self.ready or more)):
                    return (more or bool(self.ready)) and not self._hopeless()
                self._collect()

    def _hopeless(self) -> bool:
        """The channel takes nothing now: leave the rest for later instead of trying each in turn."""
        return self.failures >= 2 * self.pace.sends_at_once

    @contextmanager
    def _given_back(self) -> Iterator[None]:
        """Whatever ends the turn, return the leases that were not used."""
        try:
            yield
        finally:
            if self.ready:
                with suppress(RouterError), transaction(self.engine) as connection:
                    give_back(connection, [held.referral for held in self.ready])
                self.ready.clear()

    def _write(self, *, room: int) -> bool | None:
        """In one transaction settle, renew and lease; return whether anything was leased, None if not asked to.

        While the database is away, what ended is kept and tried again for as long as a call may last.
        If it refuses, each is tried apart, so that one does not keep the others from being settled.
        """
        stale = [held for held in self._next() if monotonic() - held.confirmed > FRESH_S]
        if not (self.ended or stale or room):
            return None
        patience = monotonic() + self.pace.call_s
        while True:
            try:
                return self._write_once(stale, room)
            except RouterError as error:
                if not (self.ended or self.flying) or monotonic() > patience:
                    raise
                get_log().warning("settle_failed", code=error.code, channel=self.channel.name, count=len(self.ended))
                if isinstance(error, StoreFailed):
                    self._settle_apart()
                sleep(AWAY_WAIT_S)

    def _settle_apart(self) -> None:
        """Settle each in a transaction of its own; drop what is refused even so: its lease runs out."""
        kept = []
        for ended in self.ended:
            try:
                with transaction(self.engine) as connection:
                    ours = settle(connection, [ended])
            except StoreFailed as error:
                about = {"channel": self.channel.name, "referral": ended.referral.id}
                get_log().error("settle_failed", code=error.code, **about)
            except RouterError:
                kept.append(ended)
            else:
                _tell(ended, ours=ended.referral.id in ours)
        self.ended[:] = kept

    def _next(self) -> list[_Held]:
        """Return those that would be started now."""
        free = 2 * self.pace.sends_at_once - self.flying
        return [self.ready[index] for index in range(min(max(free, 0), len(self.ready)))]

    def _write_once(self, stale: Sequence[_Held], room: int) -> bool | None:
        asked = monotonic()
        with transaction(self.engine) as connection:
            ours = settle(connection, self.ended) if self.ended else set()
            kept = renew(connection, [h.referral for h in stale], lease_s=self.pace.lease_s) if stale else set()
            new = self._lease(connection, room) if room else []
            if new and not self.holds(connection):
                # A policy is in force before anything is decided by it: looking after the lease, nothing that a
                # newer one decided is ever sent to where an older one said.
                give_back(connection, new)
                self.outdated = True
                new = []
        for ended in self.ended:
            _tell(ended, ours=ended.referral.id in ours)
        self.ended.clear()
        self._keep(stale, kept, asked)
        self.ready.extend(_Held(referral, asked) for referral in new)
        return (bool(new) or self.outdated) if room else None

    def _lease(self, connection: Connection, room: int) -> list[LeasedReferral]:
        if self.alone:
            new = lease(connection, self.channel.name, limit=1, lease_s=self.pace.lease_s, broke=True)
            if new:
                return new
            self.alone = False
        return lease(connection, self.channel.name, limit=room, lease_s=self.pace.lease_s, broke=False)

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
        while self.flying:
            try:
                held, ended = self.done.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                return
            if not self.ended:
                until = monotonic() + COLLECT_S
            self.flying -= 1
            if ended is None:
                self.ready.append(held)
            else:
                self.ended.append(ended)
                self.failures = self.failures + 1 if ended.state == "due" else 0

    def _attempt(self, held: _Held) -> None:
        """Make one attempt, in a thread of its own; always reports, never raises."""
        if monotonic() - held.confirmed > self.pace.lease_s / CALL_SHARE:
            self.done.put((held, None))
            return
        self.done.put((held, attempt(self.channel, self.sender, held.referral, deadline_s=self.pace.call_s)))


def attempt(channel: Channel, sender: Sender, leased: LeasedReferral, *, deadline_s: float) -> Ended:
    """Render and send one referral and return how that ended. An edge: raises nothing."""
    started = clock.now()
    if why_not := _why_not(channel, leased):
        return Ended(leased, "dead", why_not, started)
    leased = replace(leased, fields=_narrowed(channel, leased.fields))
    payload = _rendered(channel, leased)
    if payload is None:
        return Ended(leased, "dead", "unrenderable", started)
    try:
        proof = sender.send(leased, payload, deadline_s=deadline_s)
    except TryLater as later:
        return _later(leased, later.code, started, retry_after_s=later.retry_after_s)
    except Declined as declined:
        return Ended(leased, "dead", declined.code, started)
    except Exception:  # noqa: BLE001 - counted as `unforeseen`, and tried again
        get_log().exception("crashed", channel=channel.name, referral=leased.id)
        return _later(leased, "unforeseen", started)
    return Ended(leased, "sent", _outcome(proof), started, remote_id=proof.remote_id)


def _why_not(channel: Channel, leased: LeasedReferral) -> str | None:
    """Return the code of what forbids to send it at all."""
    if leased.attempts > MOST_TRIES:
        return "given_up"
    # The channel may have changed since the case was decided: only drafts are made for outside, and none for readers
    # who are in conflict.
    if channel.scope is Scope.EXTERNAL:
        return "not_approved"
    return None if set(leased.kept_from).isdisjoint(channel.readable_by) else "read_by_involved"


def _rendered(channel: Channel, leased: LeasedReferral) -> Payload | None:
    """Return the payload, or None when another try would fail as well."""
    if not leased.readable:
        return None
    try:
        return channel.render(leased.fields, key=leased.id)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is this referral's alone
        get_log().exception("crashed", channel=channel.name, referral=leased.id)
        return None


def _narrowed(channel: Channel, fields: Referral) -> Referral:
    """Return what the channel may still carry, if its list became shorter since the case was decided."""
    over = fields.model_fields_set - ALWAYS_CARRIED - set(channel.carries)
    return fields.model_copy(update=dict.fromkeys(over)) if over else fields


def _later(leased: LeasedReferral, code: str, started: datetime, *, retry_after_s: float = 0.0) -> Ended:
    """Return when to try again, or that it is over."""
    jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
    wait_s = wait_before(leased.attempts + 1, age_s=leased.age_s, jitter=jitter, retry_after_s=retry_after_s)
    if wait_s is None:
        return Ended(leased, "dead", code, started)
    return Ended(leased, "due", code, started, wait_s=wait_s)


def _unknown(leased: LeasedReferral) -> Ended:
    """Return how it ends when its channel stayed unknown to the last: then a person must look."""
    state = "dead" if leased.attempts > FEWEST_TRIES else "due"
    return Ended(leased, state, "channel_unknown", clock.now(), wait_s=UNKNOWN_WAIT_S)


def _outcome(proof: Proof) -> str:
    if proof.doubled:
        return "doubled"
    return "repeated" if proof.repeated else "sent"


def _tell(ended: Ended, *, ours: bool) -> None:
    """Log and count an attempt that was settled, or one whose lease somebody else had taken."""
    leased = ended.referral
    about = {"channel": leased.channel, "referral": leased.id, "code": ended.outcome, "attempt": leased.attempts}
    log = get_log()
    if not ours:
        log.warning("lease_lost", **about)
        return
    DELIVERIES.labels(leased.channel, ended.outcome).inc()
    if ended.state == "sent":
        waited = (clock.now() - leased.first_due_at).total_seconds()
        seconds = DRILL_SECONDS if leased.fields.notice is Notice.DRILL else DELIVERY_SECONDS
        seconds.labels(leased.channel).observe(max(0.0, waited))
        log.info("referral_sent", **about)
    elif ended.state == "dead":
        log.error("referral_dead", **about)
    else:
        log.warning("referral_postponed", **about)
