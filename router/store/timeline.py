"""What happened with one case, newest first, a page at a time: lines of the audit, and tries to send something.

Codes, ids and times only. Functions take a connection and change nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

PAGE: Final = 50


class Place(NamedTuple):
    """Where a page begins: behind this entry."""

    at: datetime
    source: str
    id: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    at: datetime
    source: str
    """`audit` or `attempt`."""
    id: int
    actor: str
    action: str
    """Of an attempt: `sent` or `tried`."""
    outcome: str
    detail: str
    """Of an attempt: channel and revision."""

    @property
    def place(self) -> Place:
        """Where the page behind this one begins."""
        return Place(self.at, self.source, self.id)

    @property
    def refused(self) -> bool:
        """Whether somebody was not let."""
        return self.outcome.startswith(("refused_", "failed_"))


# The try that got through, or was the last, has a line in the audit, and is not told twice.
_EVENTS = text("""
    select at, source, id, actor, action, outcome, detail from (
        select at, 'audit' as source, id, actor, action, outcome, detail from audit
        where object = :reference and not (action = any(:but) and outcome = 'ok')
        union all
        select a.ended_at, 'attempt', a.id, 'worker', 'attempt', a.outcome, r.channel || ' ' || r.revision
        from referrals r join attempts a on a.referral = r.id
        where r.reference = :reference
          and not (a.attempt = r.attempts and r.state in ('sent', 'acknowledged', 'dead'))
    ) events
    where cast(:at as timestamptz) is null or (at, source, id) < (cast(:at as timestamptz), :source, :id)
    order by at desc, source desc, id desc limit :limit""")


def events(
    connection: Connection, reference: str, *, but: Collection[str] = (), after: Place | None = None, limit: int
) -> list[Event]:
    """Return up to `limit` events behind `after`, the newest first; none whose action is in `but` and went well."""
    where = after._asdict() if after else {"at": None, "source": "", "id": 0}
    values = {"reference": reference, "but": sorted(but), "limit": limit, **where}
    return [Event(*row) for row in connection.execute(_EVENTS, values)]


def since(connection: Connection, reference: str, mark: int, *, but: Collection[str] = (), limit: int) -> list[Event]:
    """Return up to `limit` lines of the audit about the case after the one with the id `mark`, the newest first."""
    query = text("""
        select at, 'audit', id, actor, action, outcome, detail from audit
        where object = :reference and id > :mark and not action = any(:but) and outcome not like 'refused%'
        order by id desc limit :limit""")
    values = {"reference": reference, "mark": mark, "but": sorted(but), "limit": limit}
    return [Event(*row) for row in connection.execute(query, values)]
