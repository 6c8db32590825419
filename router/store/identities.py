"""Who asked to learn who reported a case, and what a custodian said. All times are PostgreSQL's.

Functions take a connection and never commit; who may ask or decide is not asked here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.store.roles import holders
from router.vocabulary import Role, Severity

ASKED_DAYS: Final = 14
"""How long a request waits for a custodian."""
GRANTED_DAYS: Final = 7
"""How long what was granted holds."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and its case."""

    id: int
    reference: str
    asked_by: str
    asked_at: datetime
    reason: str
    expires_at: datetime
    """When it lapses undecided; once granted, until when that holds."""
    decided_by: str | None
    decided_at: datetime | None
    verdict: str | None
    decided_reason: str | None
    category: str
    severity: Severity
    policy: str
    now: datetime

    @property
    def stands(self) -> str:
        """`waiting`, `granted`, `refused`, `expired` (nobody decided) or `over` (what was granted)."""
        if self.verdict is None:
            return "waiting" if self.expires_at > self.now else "expired"
        return "over" if self.verdict == "granted" and self.expires_at <= self.now else self.verdict


_REQUESTS: Final = """
    select i.id, i.reference, i.asked_by, i.asked_at, i.reason, i.expires_at, i.decided_by, i.decided_at, i.verdict,
           i.decided_reason, c.category, c.severity, c.policy, clock_timestamp() as now
    from identity_requests i join cases c on c.reference = i.reference
"""


def has_custodians(connection: Connection) -> bool:
    """Say whether anybody is there who decides; without, contacts are not kept apart."""
    return bool(holders(connection, Role.CUSTODIAN))


def custodians_are_there(connection: Connection) -> bool:
    """Say whether anybody is custodian, to the public part, which may know no more of staff."""
    return bool(connection.execute(text("select custodians_are_there()")).scalar_one())


def may_see_contact(connection: Connection, reference: str, handle: str) -> bool:
    """Say whether somebody who may open the case may also see who reported it.

    They may when a custodian granted it to them, for as long as that holds; and where nobody is custodian.
    """
    query = text("""
        select exists (select from identity_requests
                       where reference = :reference and asked_by = :handle and verdict = 'granted'
                         and expires_at > clock_timestamp())""")
    granted = connection.execute(query, {"reference": reference, "handle": handle}).scalar_one()
    return bool(granted) or not has_custodians(connection)


def ask(connection: Connection, reference: str, handle: str, reason: str) -> int | None:
    """Write that somebody asks; return the request, None if they asked before and nobody has decided."""
    insert = text("""
        insert into identity_requests (reference, asked_by, reason, expires_at)
        values (:reference, :handle, :reason, clock_timestamp() + make_interval(days => :days))
        on conflict do nothing returning id""")
    values = {"reference": reference, "handle": handle, "reason": reason, "days": ASKED_DAYS}
    made: int | None = connection.execute(insert, values).scalar_one_or_none()
    return made


def find(connection: Connection, request: int, *, lock: bool = False) -> Request | None:
    """Return the request, None if there is none; with `lock` nobody else decides until the transaction ends."""
    if lock:
        connection.execute(text("select from identity_requests where id = :id for update"), {"id": request})
    rows = _read(connection, "where i.id = :id", id=request)
    return rows[0] if rows else None


def waiting(connection: Connection, *, limit: int = 200) -> list[Request]:
    """Return the requests that wait for a custodian, the oldest first."""
    where = "where i.verdict is null and i.expires_at > clock_timestamp() order by i.id limit :limit"
    return _read(connection, where, limit=limit)


def of_case(connection: Connection, reference: str, handle: str) -> list[Request]:
    """Return what `handle` asked of the case, the newest first."""
    where = "where i.reference = :reference and i.asked_by = :handle order by i.id desc"
    return _read(connection, where, reference=reference, handle=handle)


def decide(connection: Connection, request: int, *, handle: str, verdict: str, reason: str) -> None:
    """Write what a custodian said. Lock the request before."""
    change = text("""
        update identity_requests
        set decided_by = :handle, decided_at = statement_timestamp(), verdict = :verdict, decided_reason = :reason,
            expires_at = case :verdict when 'granted' then statement_timestamp() + make_interval(days => :days)
                         else expires_at end
        where id = :id and verdict is null""")
    values = {"id": request, "handle": handle, "verdict": verdict, "reason": reason, "days": GRANTED_DAYS}
    connection.execute(change, values)


def lapse(connection: Connection) -> list[tuple[str, str]]:
    """Write that requests lapsed which nobody decided; return case and asker of each."""
    change = text("""
        update identity_requests set verdict = 'expired', decided_at = clock_timestamp()
        where verdict is null and expires_at <= clock_timestamp() returning reference, asked_by""")
    return [(row.reference, row.asked_by) for row in connection.execute(change)]


def _read(connection: Connection, where: str, **values: object) -> list[Request]:
    rows = connection.execute(text(f"{_REQUESTS} {where}"), values).mappings()
    return [Request(**{**row, "severity": tuple(Severity)[row["severity"]]}) for row in rows]
