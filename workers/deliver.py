"""Delivers for one process: finds the channel and its sender, and takes the channel's turns.

The ledger in the database is the truth. What is due for a channel that nobody knows waits for it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

from sqlalchemy import Connection, Engine

from router import clock
from router.catalogue import Channel
from router.channels import KINDS
from router.errors import TryLater
from router.model import LeasedReferral
from router.store.breaker import Heard
from router.store.channelstates import Noted, claim, hold, passed
from router.store.engine import transaction
from router.store.referrals import Ended, give_back, lease, settle
from router.telemetry import get_log
from router.vocabulary import DEFAULT_POOL, Breaker, Proven
from workers.channels import SENDERS
from workers.channels.base import Sender, Surroundings
from workers.checking import checked
from workers.filings import StoredFilings, withdraw
from workers.gate import tell as tell_shut
from workers.hearing import forget_channel, hear
from workers.looking import look
from workers.retry import FEWEST_TRIES, GIVE_UP_S
from workers.turn import TURN_S, Pace, Turn, tell

UNKNOWN_WAIT_S: Final = 300.0
"""A channel that no policy names: how long until it is looked for again."""


class Known(Protocol):
    """The channels by name, and whether what was said of them still holds."""

    def find(self, name: str) -> Channel | None:
        """Return the channel as it is now, or None when nobody knows it."""

    def holds(self, connection: Connection) -> bool:
        """Say whether the policy in force is the one that `find` looked at last."""


class Deliverer:
    """Delivers for one process: its connections, threads and senders, made once."""

    def __init__(
        self,
        engine: Engine,
        channels: Known,
        pace: Pace,
        *,
        state_dir: Path,
        stopping: Callable[[], bool],
        production: bool = False,
    ) -> None:
        """`production`: reports may be filed for good where a body has a test system as well."""
        self.engine = engine
        self._channels = channels
        self._pace = pace
        self._state_dir = state_dir
        self._production = production
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
        sender = self._sender(channel)
        ends = monotonic() + TURN_S

        def over() -> bool:
            return self._stopping() or monotonic() >= ends

        turn = self._turn(channel, sender)
        more = turn.take(ends)
        if turn.gate.unchecked:
            if over() or not self._check(channel, sender):
                return over()
            turn = self._turn(channel, sender)
            # What was sent may have shown that the check must be made again.
            more = turn.take(ends) or turn.gate.unchecked
        if turn.gate.closed or over():
            return more
        withdraw(self.engine, channel, sender, deadline_s=self._pace.call_s)
        if KINDS[channel.kind].PROVES is not Proven.ACKNOWLEDGED:
            return more
        hear(self.engine, channel, sender, deadline_s=self._pace.call_s)
        return look(self.engine, channel, sender, deadline_s=self._pace.call_s, stopping=over) or more

    def pool(self, name: str) -> str:
        """Return the queue whose workers send to the channel `name`; raises Unavailable or StoreFailed."""
        channel = self._channels.find(name)
        return channel.pool if channel is not None else DEFAULT_POOL

    def _turn(self, channel: Channel, sender: Sender) -> Turn:
        return Turn(self.engine, channel, sender, self._pace, self._threads, self._stopping, self._channels.holds)

    def _check(self, channel: Channel, sender: Sender) -> bool:
        """Check the channel before anything is sent there; return whether it passed.

        What is found, or that it could not be asked, shuts the channel; it is checked again when it may be tried.
        """
        with transaction(self.engine) as connection:
            if not claim(connection, channel.name, probe_s=self._pace.lease_s):
                return False
        try:
            findings = checked(channel, sender, deadline_s=self._pace.call_s)
        except TryLater as later:
            shut: Heard | None = Heard(later.code, worked=False, asked_s=later.retry_after_s)
            named = ""
        else:
            shut = Heard(findings[0].code, worked=False) if findings else None
            named = findings[0].named if findings else ""
        with transaction(self.engine) as connection:
            if shut is None:
                back = passed(connection, channel.name, channel.settings_digest)
                noted = Noted(Breaker.CLOSED, changed=back)
            else:
                noted = hold(connection, channel.name, shut, named=named)
        tell_shut(channel.name, noted)
        return shut is None

    def _sender(self, channel: Channel) -> Sender:
        """Return the channel's sender; a channel that was changed gets a new one."""
        made_for, sender = self._senders.get(channel.name, (None, None))
        if sender is None or made_for != channel:
            surroundings = Surroundings(
                self._state_dir, channel.scope, filings=StoredFilings(self.engine), production=self._production
            )
            sender = SENDERS[channel.kind](channel.settings, surroundings)
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
            tell(ended, ours=ended.referral.id in ours)
        forget_channel(self.engine, name)
        if held:
            get_log().error("channel_unknown", count=len(held))
        return len(held) == self._pace.lease_batch


def _unknown(leased: LeasedReferral) -> Ended:
    """Return how it ends when its channel stayed unknown to the last: then a person must look."""
    state = "dead" if leased.attempts > FEWEST_TRIES else "due"
    return Ended(leased, state, "channel_unknown", clock.now(), wait_s=UNKNOWN_WAIT_S)
