"""Claims that end by themselves: made longer while their holder works, handed to a colleague, ended when nobody does.

All times are PostgreSQL's. Functions take a connection and never commit.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from router.model import AuditEntry
from router.store import progress
from router.store.audit import note

LAPSED: Final = "case_claim_lapsed"
BATCH: Final = 100
AT_LEAST_S: Final = 30
"""A claim is made longer by no less than this: not written at each request."""


class Lapsed(NamedTuple):
    """A claim that ended by itself."""

    reference: str
    holder: str


def extend(connection: Connection, reference: str, handle: str, *, lasts_s: int | None) -> bool:
    """Let the claim end `lasts_s` from now if `handle` has the open case and the claim has an end.

    Return whether that was written. It is no news of the case: its version stays.
    """
    if lasts_s is None:
        return False
    change = text("""
        update cases set claim_until = clock_timestamp() + make_interval(secs => :lasts)
        where reference = :reference and claimed_by = :handle and state = 'open'
          and claim_until < clock_timestamp() + make_interval(secs => :lasts - :least)""")
    values = {"reference": reference, "handle": handle, "lasts": lasts_s, "least": min(AT_LEAST_S, lasts_s / 2)}
    return connection.execute(change, values).rowcount == 1


def hand_over(connection: Connection, reference: str, holder: str, to: str, *, lasts_s: int | None) -> bool:
    """Give the open case from `holder` to `to`; return whether `holder` had it.

    What waited for a claim stays withdrawn.
    """
    change = text("""
        update cases set claimed_by = :to, claimed_at = clock_timestamp(),
            claim_until = clock_timestamp() + make_interval(secs => cast(:lasts as double precision))
        where reference = :reference and state = 'open' and claimed_by = :holder""")
    values = {"reference": reference, "holder": holder, "to": to, "lasts": lasts_s}
    return connection.execute(change, values).rowcount == 1


def end_lapsed(connection: Connection, *, limit: int = BATCH) -> list[Lapsed]:
    """Take up to `limit` cases from holders who did nothing in them for too long, with the audit's entries.

    What waited for a claim waits again, as if they had given the case back.
    """
    query = text("""
        select reference, claimed_by from cases
        where claim_until < (select clock_timestamp()) and state = 'open' and claimed_by is not null
        order by claim_until limit :limit for update skip locked""")
    over = [Lapsed(*row) for row in connection.execute(query, {"limit": limit})]
    for lapsed in over:
        progress.release(connection, lapsed.reference, lapsed.holder)
    note(connection, [AuditEntry("clock", LAPSED, one.reference, detail=f"person:{one.holder}") for one in over])
    return over
