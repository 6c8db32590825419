"""Past cases as they came in, for deciding them again: reference, time, who filed, facts. Nothing is changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, tuple_

from router.store.tables import cases

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class PastCase:
    """One case; `facts` is what was stored, still to be read."""

    reference: str
    received_at: datetime
    by_client: bool
    facts: Any


def past_cases(connection: Connection, *, since: datetime, after: PastCase | None = None, limit: int) -> list[PastCase]:
    """Return up to `limit` cases received at or after `since`, the oldest first; go on after the last one seen."""
    query = select(cases.c.reference, cases.c.received_at, cases.c.client, cases.c.facts)
    if after is None:
        query = query.where(cases.c.received_at >= since)
    else:
        query = query.where(tuple_(cases.c.received_at, cases.c.reference) > (after.received_at, after.reference))
    rows = connection.execute(query.order_by(cases.c.received_at, cases.c.reference).limit(limit))
    return [PastCase(row.reference, row.received_at, row.client is not None, row.facts) for row in rows]
