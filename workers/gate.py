"""What one turn may lease of its channel, and what it tells the channel's breaker.

Asks and tells in the turn's own transactions; what it remembers between them is a hint, the database is the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

from sqlalchemy import Connection

from router.catalogue import Channel
from router.store.channelstates import Admitted, Noted, Rules, admit, doubt, lacks_probe, note, release, spend
from router.telemetry import get_log
from router.vocabulary import Breaker
from workers.attempt import Tried

SHORT_WAIT_S: Final = 1.0
"""A turn waits this long for its channel's next token; for longer ones the sweep rings again."""
DOUBTFUL: Final = frozenset({"field_dropped", "comment_dropped", "wrong_queue"})
"""Ends that do not fit settings which passed their check: they are checked anew."""


@dataclass(slots=True)
class Gate:
    """One turn's."""

    channel: Channel
    lease_s: int
    shut: bool = False
    """The breaker lets nothing through: what is leased goes back, and nothing more is."""
    unchecked: bool = False
    """The channel must pass its check: before anything is leased, or for want of anything to probe with."""
    starved: bool = False
    """The limits leave nothing for now, and it is not worth waiting for more than what is under way."""
    probe: str | None = None
    """The referral that was leased to see whether the channel is back."""
    not_before: float = 0.0
    """When (monotonic) to ask for more."""
    rules: Rules = field(init=False)
    _clean: bool = False
    _probeless: bool = False

    def __post_init__(self) -> None:
        self.rules = Rules(self.channel.at_most, self.channel.at_once, self.channel.settings_digest)

    @property
    def closed(self) -> bool:
        """Whether nothing may be sent or leased in this turn any more."""
        return self.shut or self.unchecked

    @property
    def waits(self) -> bool:
        """Whether nothing more can be asked for until something under way ends."""
        return self.starved or self.probe is not None

    def asks(self, *, freed: bool = False) -> bool:
        """Say whether there is a point in asking for more now; with `freed`, in the transaction that settles some."""
        waits = self.probe is not None or (self.starved and not freed)
        return not (self.closed or waits) and monotonic() >= self.not_before

    def hear(self, connection: Connection, tried: Sequence[Tried]) -> Noted | None:
        """Tell the breaker how attempts ended; None when it has nothing to learn from them."""
        if any(one.heard.code in DOUBTFUL for one in tried):
            doubt(connection, self.channel.name)
        if not tried or (self._clean and not any(one.heard.worked is False for one in tried)):
            return None
        heard = [replace(one.heard, probe=one.ended.referral.id == self.probe) for one in tried]
        return note(connection, self.channel.name, heard)

    def heard(self, tried: Sequence[Tried], noted: Noted | None) -> None:
        """Remember, after the commit, what became of it."""
        if any(one.ended.referral.id == self.probe for one in tried):
            self.probe = None
        if tried:
            self.starved = False
        if noted is None:
            return
        self._clean = False
        # A probe that said nothing of the channel leaves it open for the next one at once.
        self.shut = noted.breaker is not Breaker.CLOSED and noted.shut_s != 0 and self.probe is None
        tell(self.channel.name, noted)

    def admit(self, connection: Connection, wanted: int) -> Admitted:
        """Ask how many of `wanted` may be leased now."""
        return admit(connection, self.channel.name, wanted, self.rules, lease_s=self.lease_s)

    def spend(self, connection: Connection, admitted: Admitted, taken: int) -> None:
        """Note in the same transaction how many were leased."""
        spend(connection, self.channel.name, admitted, taken, probe_s=self.lease_s)
        self._probeless = admitted.probe and not taken and lacks_probe(connection, self.channel.name)

    def admitted(self, admitted: Admitted, taken: Sequence[str]) -> None:
        """Remember, after the commit, what was said and which referrals were `taken`."""
        self._clean = admitted.clean
        self.shut = admitted.shut
        self.unchecked = admitted.unchecked or self._probeless
        if admitted.probe and taken:
            self.probe = taken[0]
        if admitted.most or self.closed:
            return
        if admitted.wait_s is not None and admitted.wait_s <= SHORT_WAIT_S:
            self.not_before = monotonic() + admitted.wait_s
        else:
            self.starved = True

    def give_back(self, connection: Connection, ids: Sequence[str]) -> None:
        """Let another probe go at once, if ours is among the leases that were not used."""
        if self.probe in ids:
            release(connection, self.channel.name)


def tell(channel: str, noted: Noted) -> None:
    """Log that a channel's breaker opened or closed."""
    if noted.breaker is Breaker.CLOSED and noted.changed:
        get_log().info("channel_back", channel=channel)
    elif noted.shut_s:
        get_log().warning("channel_shut", channel=channel, code=noted.code, ms=round(1000 * noted.shut_s))
