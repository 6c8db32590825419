"""Who is told that something which goes outside needs a person: whoever is on duty for it, and may know of its case.

Inside the organisation always, and never at a desk that somebody reads who must not know of the case. What is posted
belongs to no case and says nothing of one. Sends nothing; never commits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from router.catalogue import Channel
from router.clock import new_reference
from router.console.policies import Policies
from router.errors import RouterError
from router.model import AuditEntry
from router.store import outsidewaits
from router.store.audit import note
from router.store.notices import post_notice
from router.store.outsidewaits import Waits
from router.telemetry import NOBODY_TO_PAGE, get_log
from router.triage.onduty import on_duty
from router.vocabulary import Notice

APART: Final = timedelta(minutes=15)
"""Between two notices of one kind about one outside channel at one desk, however much comes in."""
PAGED: Final = "paged"
CLOCK: Final = "clock"


def remind(connection: Connection, policies: Policies, notice: Notice, waits: Sequence[Waits]) -> frozenset[str]:
    """Tell whoever is on duty of what `waits`, unless they know; return the channels to ring after the commit.

    However many processes ask at once, one posts: one notice for all that waits for an outside channel, at once for
    what is new, and again after each one's time.
    """
    if not waits or not outsidewaits.watch_is_ours(connection):
        return frozenset()
    telling = _Telling(connection, policies, notice)
    for one in waits:
        telling.tell(one)
    return frozenset(telling.rung)


def tell_of_ends(connection: Connection, policies: Policies, notice: Notice, ended: Sequence[Waits]) -> frozenset[str]:
    """Tell whoever is on duty of what `ended`, in one notice for each outside channel; return as `remind` does.

    For the transaction that ends them: they are told of once because they end once.
    """
    if not ended:
        return frozenset()
    telling = _Telling(connection, policies, notice, told_before=False)
    for one in ended:
        telling.tell(one)
    return frozenset(telling.rung)


class _Telling:
    """Notices of one kind in one transaction."""

    def __init__(self, connection: Connection, policies: Policies, notice: Notice, *, told_before: bool = True) -> None:
        self._connection = connection
        self._policies = policies
        self._in_force = policies.in_force()
        self._notice = notice
        self._seen = outsidewaits.lately(connection, notice)
        self._told = dict(self._seen.told) if told_before else {}
        self.rung: set[str] = set()

    def tell(self, one: Waits) -> None:
        """Tell whoever is on duty of it and may know, unless they were told."""
        desk = self._desk(one)
        if desk is None:
            NOBODY_TO_PAGE.inc()
            get_log().critical("nobody_to_page", channel=one.about, code=self._notice.value)
        elif self._is_due(one, self._told.get((desk.name, one.about))):
            self._post(desk, one.about)
            self._told[desk.name, one.about] = self._seen.now
            self.rung.add(desk.name)

    def _desk(self, one: Waits) -> Channel | None:
        """Return the first of those who may know and can be reached, else the first who may know: it waits there."""
        may = [desk for desk in on_duty(self._in_force, one.about) if not self._reads(desk, one)]
        return next((desk for desk in may if desk.name not in self._seen.failing), may[0] if may else None)

    def _reads(self, desk: Channel, one: Waits) -> bool:
        """Say whether somebody who must not know of it reads that desk, as it is now or as the case's policy had it."""
        try:
            then = self._policies.of(one.policy).channels.get(desk.name)
        except RouterError:
            then = None
        readers = {*desk.readable_by, *(then.readable_by if then else ())}
        return not readers.isdisjoint(one.kept_from)

    def _is_due(self, one: Waits, told_at: datetime | None) -> bool:
        """Say whether somebody who was last told then is told now: of what is new, or again."""
        if told_at is None:
            return True
        return self._seen.now - told_at >= (APART if one.ripe_at > told_at else one.again_after)

    def _post(self, desk: Channel, about: str) -> None:
        reference = new_reference("NOTICE")
        post_notice(
            self._connection,
            reference=reference,
            channel=desk.name,
            kind=desk.kind,
            policy=self._in_force.digest,
            notice=self._notice,
            about=about,
        )
        note(
            self._connection,
            [AuditEntry(CLOCK, PAGED, reference, detail=f"{self._notice} {about} by {desk.name}")],
        )
