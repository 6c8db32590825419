"""What workers note of reports that are filed in steps, and how they retract those that nobody wants any more.

Each note is a transaction of its own: committed before the next step is taken over there.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from sqlalchemy import Connection, Engine

from router import clock
from router.catalogue import Channel
from router.errors import Declined, StoreFailed, TryLater, Unavailable
from router.model import LeasedReferral, Payload
from router.store import filings
from router.store.engine import transaction
from router.store.filings import Changed, Unwanted
from router.store.referrals import Ended
from router.telemetry import get_log
from workers.channels.base import Filer, Sender
from workers.preserving import keep_sent

LEASE_LOST: Final = "lease_lost"
NOT_NOTED: Final = "not_noted"
NOT_RETRACTED: Final = "not_retracted"
MOST_RETRACTED: Final = 8
"""In one turn; what is left is the next one's."""


class StoredFilings:
    """Keeps them in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def opened(self, leased: LeasedReferral, *, test: bool) -> str | None:
        """Return the id of the report that was opened for the referral, and neither retracted nor gone."""
        with self._noting() as connection:
            if not filings.ours(connection, leased.id, leased.lease_no):
                raise TryLater(LEASE_LOST)
            if filings.opened_before(connection, leased.id, test=test):
                raise TryLater(NOT_RETRACTED)
            return filings.opened(connection, leased.id, test=test)

    def asks(self, leased: LeasedReferral, *, test: bool) -> None:
        """Write that a report is about to be opened."""
        with self._noting() as connection:
            if not filings.ours(connection, leased.id, leased.lease_no):
                raise TryLater(LEASE_LOST)
            lost = filings.ask(connection, leased.id, leased.lease_no, test=test)
        tell(lost)

    def unopened(self, leased: LeasedReferral) -> None:
        """Write that what was asked for was not opened."""
        with self._noting() as connection:
            filings.unopened(connection, leased.id, leased.lease_no)

    def opens(self, leased: LeasedReferral, report_id: str) -> None:
        """Write which report was opened, whoever has the lease; raises `lease_lost` after that if it is not ours."""
        with self._noting() as connection:
            changed = filings.note_opened(connection, leased.id, leased.lease_no, report_id)
            ours = filings.ours(connection, leased.id, leased.lease_no)
        tell(changed)
        if not ours:
            raise TryLater(LEASE_LOST)

    def gone(self, leased: LeasedReferral, report_id: str, code: int) -> None:
        """Write that the report does not exist any more over there."""
        with self._noting() as connection:
            changed = filings.end(connection, leased.id, report_id, "gone", code)
        tell(changed)

    def finished(self, leased: LeasedReferral, report_id: str, code: int, *, sent: Payload, receipt: bytes) -> None:
        """Write that the report is filed, and keep the receipt: what settles it may come to nothing."""
        with self._noting() as connection:
            changed = filings.end(connection, leased.id, report_id, "finished", code)
            keep_sent(connection, [Ended(leased, "sent", "sent", clock.now(), document=sent, receipt=receipt)])
        tell(changed)

    @contextmanager
    def _noting(self) -> Iterator[Connection]:
        try:
            with transaction(self._engine) as connection:
                yield connection
        except (Unavailable, StoreFailed):
            raise TryLater(NOT_NOTED) from None


def withdraw(engine: Engine, channel: Channel, sender: Sender, *, deadline_s: float) -> None:
    """Retract the channel's reports that are open and not wanted any more; raises Unavailable or StoreFailed.

    All end within `deadline_s`. What could not be retracted now is tried again, until it has expired over there.
    """
    if not isinstance(sender, Filer):
        return
    until = monotonic() + deadline_s
    with transaction(engine) as connection:
        taken = filings.take_unwanted(connection, channel.name, test=sender.test, limit=MOST_RETRACTED)
    for unwanted in taken:
        ended = _retracted(channel, sender, unwanted, deadline_s=until - monotonic())
        if ended is not None:
            with transaction(engine) as connection:
                changed = filings.end(connection, unwanted.referral, unwanted.report_id, *ended)
                if ended[0] == "finished":
                    filings.note_sent(connection)
            tell(changed)


def _retracted(channel: Channel, sender: Filer, unwanted: Unwanted, *, deadline_s: float) -> tuple[str, int] | None:
    """Return how the report ended, None if that cannot be said now. An edge: raises nothing."""
    about = {"channel": channel.name, "referral": unwanted.referral}
    try:
        return sender.retract(unwanted.report_id, unwanted.referral, deadline_s=deadline_s)
    except (TryLater, Declined) as error:
        get_log().warning("filing_failed", code=error.code, **about)
    except Exception:  # noqa: BLE001 - it is tried again
        get_log().exception("crashed", **about)
    return None


def tell(changed: Iterable[Changed]) -> None:
    """Log what became of reports, after the commit."""
    for one in changed:
        get_log().info("filing", channel=one.channel, referral=one.referral, code=one.state)
