"""What people do with a case: claim it, give it back, acknowledge, answer, close. Stops the clocks that wait for it.

Each act is one conditional UPDATE, so that of two people at once one succeeds. All times are PostgreSQL's.
Functions take a connection and never commit.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from router.store.standby import restart, stop, stop_parked
from router.vocabulary import Awaited, CaseOutcome

CLAIMED: Final = "claimed"
"""The outcome of rows that a claim withdrew, by which giving it back finds them."""
HELD_BACK: Final = frozenset({Awaited.CLAIM, Awaited.DELIVERY})


class Access(StrEnum):
    """What a handle may do with a case."""

    UNKNOWN = "unknown_person"
    DISABLED = "disabled_person"
    STRANGER = "not_a_member"
    """Somebody, but no member of a team that the case's key was sealed to, or suspended from all that are."""
    RECUSED = "recused"
    """Took themselves out of it."""
    OTHER_WORK = "not_a_reviewer"
    """Holds a key, and has no reviewer's role any more."""
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a case is."""

    reference: str
    state: str
    claimed_at: datetime | None
    claimed_by: str | None
    acknowledged_at: datetime | None
    feedback_at: datetime | None
    version: int


def standing(connection: Connection, reference: str) -> Standing | None:
    """Return how far the case is, None if there is none; nobody else changes it until the transaction ends.

    A conflict found at the same time either takes the key first, or waits for what is done with it.
    """
    query = text("""
        select reference, state, claimed_at, claimed_by, acknowledged_at, feedback_at, version
        from cases where reference = :reference for update""")
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, {"reference": reference}).one_or_none()
    return Standing(*row) if row else None


def access(connection: Connection, reference: str, handle: str) -> Access:
    """Return whether `handle` is a reviewer, still works here, and holds a key of one of the case's teams."""
    query = text("""
        select p.disabled_at is null as enabled,
            exists (select from people_roles r where r.handle = p.handle and r.role = 'reviewer') as reviews,
            exists (select from recusals x where x.handle = p.handle and x.reference = :reference) as recused,
            exists (
                select from member_keys m
                join team_key_wraps t on t.member_key_id = m.key_id
                join recipient_keys k on k.key_id = t.team_key_id
                join case_key_wraps c on c.key_id = t.team_key_id
                where m.handle = p.handle and m.retired_at is null and c.reference = :reference
                  and not exists (select from suspended_teams s where s.handle = p.handle and s.team = k.owner)
            ) as reads
        from people p where p.handle = :handle""")
    row = connection.execute(query, {"reference": reference, "handle": handle}).one_or_none()
    if row is None:
        return Access.UNKNOWN
    for refused, access in (
        (not row.enabled, Access.DISABLED),
        (not row.reads, Access.STRANGER),
        (row.recused, Access.RECUSED),
        (not row.reviews, Access.OTHER_WORK),
    ):
        if refused:
            return access
    return Access.READER


def claim(connection: Connection, reference: str, handle: str, *, lasts_s: int | None = None) -> bool:
    """Give the case to `handle` if it is open and nobody has it; return whether that was so.

    It ends by itself `lasts_s` after they last did something in it; None: it does not.
    """
    took = _change(
        connection,
        """claimed_at = clock_timestamp(), claimed_by = :handle,
           claim_until = clock_timestamp() + make_interval(secs => cast(:lasts as double precision))
           where reference = :reference and state = 'open' and claimed_by is null""",
        reference=reference,
        handle=handle,
        lasts=lasts_s,
    )
    if took:
        hold_back(connection, reference)
    return took


def hold_back(connection: Connection, reference: str) -> None:
    """Withdraw what waits for a claim, and for everybody to be told: whoever has the case sees to that."""
    stop(connection, reference, HELD_BACK, CLAIMED)


def release(connection: Connection, reference: str, holder: str) -> bool:
    """Take the open case from `holder`; return whether they had it. What waited for a claim waits again."""
    gave = _change(
        connection,
        """claimed_at = null, claimed_by = null, claim_until = null
           where reference = :reference and state = 'open' and claimed_by = :holder""",
        reference=reference,
        holder=holder,
    )
    if gave:
        restart(connection, reference, CLAIMED)
    return gave


def acknowledge(connection: Connection, reference: str) -> bool:
    """Write that the reporter knows that the report arrived; return whether that was not written before."""
    return _told(connection, reference, "acknowledged_at", Awaited.ACKNOWLEDGE, "acknowledged")


def answer(connection: Connection, reference: str) -> bool:
    """Write that the reporter knows what was done; return whether that was not written before."""
    return _told(connection, reference, "feedback_at", Awaited.FEEDBACK, "answered")


def close(connection: Connection, reference: str, handle: str, outcome: CaseOutcome, *, told: bool) -> bool:
    """Close the case if it is open and nobody but `handle` has it; return whether that was so.

    With `told` the reporter knows of it, which is their answer; without, the clock of the answer goes on, but for a
    report that its reporter withdrew.
    """
    withdrawn = outcome is CaseOutcome.WITHDRAWN
    closed = _change(
        connection,
        """state = :state, closed_at = clock_timestamp(), outcome = :outcome, claim_until = null,
           acknowledged_at = case when :told then coalesce(acknowledged_at, clock_timestamp())
                                  else acknowledged_at end,
           feedback_at = case when :told then coalesce(feedback_at, clock_timestamp()) else feedback_at end
           where reference = :reference and state = 'open' and coalesce(claimed_by, :handle) = :handle""",
        reference=reference,
        handle=handle,
        state="withdrawn" if withdrawn else "closed",
        outcome=outcome.value,
        told=told,
    )
    if closed:
        answered = (Awaited.ACKNOWLEDGE, Awaited.FEEDBACK) if told or withdrawn else ()
        stop(connection, reference, (Awaited.CLAIM, Awaited.DECIDE, Awaited.DELIVERY, *answered), "closed")
        stop_parked(connection, reference, "closed")
    return closed


def _told(connection: Connection, reference: str, when: str, awaited: Awaited, outcome: str) -> bool:
    """Write in the column `when` that the reporter was told now, if that was not written before."""
    change = f"{when} = clock_timestamp() where reference = :reference and {when} is null"
    did = _change(connection, change, reference=reference)
    if did:
        stop(connection, reference, (awaited,), outcome)
    return did


def _change(connection: Connection, change: str, **values: object) -> bool:
    return connection.execute(text(f"update cases set {change}"), values).rowcount == 1  # noqa: S608 - our own words
