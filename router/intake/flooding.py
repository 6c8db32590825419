"""Floods of concerns: whoever sends very many is never turned away; what they send is linked, and waits for a look.

Counts per network and over all, in memory and by digests that change every day. What is kept of a network is the
flood's name, made with a key that is gone a day later; so nobody can find out from where a flood came. Tells the
fallback's desk once of each flood.
"""

import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine

from router.clock import CROCKFORD
from router.intake.firstdesk import tell_first_desk
from router.intake.limits import HOUR_S, MINUTE_S, Quotas
from router.model import AuditEntry
from router.store import floods
from router.store.audit import note
from router.store.digests import now as moment
from router.store.engine import transaction
from router.store.notices import reference_about
from router.telemetry import FLOODS_WAITING, get_log
from router.triage.policy import Policy
from router.vocabulary import Notice

LOOK_EVERY_S: Final = 15.0
KEY_BYTES: Final = 32
EVERYWHERE: Final = "everywhere"
"""Stands for the network where a flood comes from many."""
_ACTOR: Final = "pager"
_GROUPS, _GROUP = 3, 4


class Floods:
    """Says which concerns belong to a flood, and tells people of it."""

    def __init__(
        self,
        quotas: Quotas,
        engine: Engine,
        in_force: Callable[[], Policy],
        *,
        per_hour: int,
        per_minute: int,
        ring: Callable[[Iterable[str]], None],
    ) -> None:
        """Prepare; `per_hour` from one network and `per_minute` from everywhere are no flood. `ring` wakes channels."""
        self._quotas = quotas
        self._engine = engine
        self._in_force = in_force
        self._per_hour = per_hour
        self._per_minute = per_minute
        self._ring = ring
        self._keys: Mapping[date, bytes] = {}
        self._own = os.urandom(KEY_BYTES)
        """Until the day's key was read, and while the database is away."""
        self._waiting = 0

    def flood(self, network: str, now: datetime) -> str | None:
        """Count a person's concern from `network`, a digest; return the flood that it belongs to, None for none."""
        if self._quotas.wait_s(network, most=self._per_hour, window_s=HOUR_S):
            return self._name(network, now)
        if self._quotas.wait_s(EVERYWHERE, most=self._per_minute, window_s=MINUTE_S):
            return self._name(EVERYWHERE, now)
        return None

    def _name(self, network: str, now: datetime) -> str:
        day = now.astimezone(UTC).date()
        digits = hmac.digest(self._keys.get(day, self._own), f"{day.isoformat()} {network}".encode(), "sha256")
        drawn = "".join(CROCKFORD[byte & 31] for byte in digits[: _GROUPS * _GROUP])
        return "-".join(["FLOOD", *(drawn[start : start + _GROUP] for start in range(0, len(drawn), _GROUP))])

    def look(self) -> None:
        """Read the keys of today and tomorrow, and tell the fallback's desk of floods that nobody was told of.

        Raises Unavailable or StoreFailed: it comes again.
        """
        with transaction(self._engine) as connection:
            today = moment(connection).date()
            days = {today, today + timedelta(days=1)}
            self._keys = floods.keys(connection, days, new_key=partial(os.urandom, KEY_BYTES))
        policy = self._in_force()
        with transaction(self._engine) as connection:
            waiting = floods.waiting(connection)
            told = [(one, _tell(connection, policy, one)) for one in waiting]
        self._waiting = sum(one.count for one in waiting)
        FLOODS_WAITING.set(self._waiting)
        rung = {desk for _, desk in told if desk is not None}
        if rung:
            self._ring(rung)
        for one, desk in told:
            if desk is not None:
                get_log().warning("concerns_parked", count=one.count)

    def degraded(self) -> list[str]:
        """Return codes of what is wrong and does not stop work."""
        return ["concerns_parked"] if self._waiting else []


def _tell(connection: Connection, policy: Policy, waits: floods.Waits) -> str | None:
    """Tell the fallback's desk of a flood; return the channel to ring, None when it was told before."""
    about = (waits.flood, str(waits.ends))
    desk = tell_first_desk(connection, policy, Notice.FLOOD, *about)
    if desk is not None:
        told = AuditEntry(
            _ACTOR, "flood_told", reference_about(Notice.FLOOD, *about), detail=f"{waits.flood} by {desk}"
        )
        note(connection, [told])
    return desk
