"""What is known of cases besides their content: lists of them, and the whole of one. Codes, ids and times only.

Functions take a connection and never commit.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, text

from router.store.endings import DISAGREEMENT
from router.vocabulary import Awaited, Severity

DONE: Final[Mapping[Awaited, tuple[str, ...]]] = {
    Awaited.CLAIM: ("claimed_at", "closed_at"),
    Awaited.DECIDE: ("closed_at",),
    Awaited.ACKNOWLEDGE: ("acknowledged_at",),
    Awaited.FEEDBACK: ("feedback_at",),
}
"""Each deadline, and when what it is for was done: whichever of these happened."""


def newest(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the newest `limit` cases as plain rows for a list."""
    query = text("""
        select reference, received_at, state, category, severity, site, route, claim_by,
               decision ->> 'reason' as reason, claimed_by
        from cases order by received_at desc, reference limit :limit""")
    rows = connection.execute(query, {"limit": limit}).mappings()
    return [{**row, "severity": _severity(row["severity"])} for row in rows]


def whole(connection: Connection, reference: str) -> dict[str, Any] | None:
    """Return all that is known of one case, as a plain row with rows in it; None if there is none.

    Each deadline `stands` as one of: running, kept, late (done after it passed), passed (not done yet).
    """
    query = text("""
        select reference, received_at, state, category, severity, site, route, decision ->> 'reason' as reason, policy,
               array(select jsonb_array_elements_text(decision -> 'teams')) as teams,
               array(select jsonb_array_elements_text(decision -> 'avoided')) as avoided,
               claimed_at, claimed_by, claim_until, closed_at, outcome, held_at, held_by, reporter_wrote_at,
               acknowledged_at, feedback_at,
               claim_by, decide_by, acknowledge_by, feedback_by, clock_timestamp() as now
        from cases where reference = :reference""")
    row = connection.execute(query, {"reference": reference}).mappings().one_or_none()
    if row is None:
        return None
    apart = {"now", "acknowledged_at", "feedback_at", *(f"{awaited}_by" for awaited in DONE)}
    shown = {str(name): value for name, value in row.items() if name not in apart}
    return {
        **shown,
        "severity": _severity(row["severity"]),
        "deadlines": [_deadline(row, awaited) for awaited in DONE if row[f"{awaited}_by"] is not None],
        "referrals": _referrals(connection, reference),
        "duplicates": duplicates(connection, reference),
        "conflicts": _conflicts(connection, reference),
        "messages": _messages(connection, reference),
    }


def _severity(rank: int) -> str:
    return tuple(Severity)[rank].value


def _deadline(row: Mapping[Any, Any], awaited: Awaited) -> dict[str, Any]:
    by = row[f"{awaited}_by"]
    done = next((row[name] for name in DONE[awaited] if row[name] is not None), None)
    in_time = (done or row["now"]) <= by
    stands = ("kept" if in_time else "late") if done else ("running" if in_time else "passed")
    return {"awaited": awaited.value, "by": by, "done_at": done, "stands": stands}


def _referrals(connection: Connection, reference: str) -> list[dict[str, Any]]:
    query = text(f"""
        select channel, kind, revision, notice, awaited, state, due_at, attempts, remote_id, settled_at, outcome,
               ticket, {DISAGREEMENT}
        from referrals r where reference = :reference order by due_at, channel, revision""")  # noqa: S608 - our own words
    return _rows(connection, query, reference)


def duplicates(connection: Connection, reference: str) -> list[dict[str, Any]]:
    """Return the cases that share a key with this one, within the time that either of them has."""
    query = text("""
        select distinct other.reference, other.received_at, c.state
        from case_duplicate_keys own
        join case_duplicate_keys other on other.key = own.key and other.reference <> own.reference
        join cases c on c.reference = other.reference
        where own.reference = :reference
          and abs(extract(epoch from other.received_at - own.received_at)) <= greatest(own.within_s, other.within_s)
        order by other.received_at, other.reference""")
    return _rows(connection, query, reference)


def _conflicts(connection: Connection, reference: str) -> list[dict[str, Any]]:
    query = text("""
        select team, found_at, found_by from case_conflicts where reference = :reference order by found_at, team""")
    return _rows(connection, query, reference)


def _messages(connection: Connection, reference: str) -> list[dict[str, Any]]:
    query = text("""
        select written_at, case when from_staff then 'team' else 'reporter' end as written_by, kind
        from sealed_messages where reference = :reference order by id""")
    return _rows(connection, query, reference)


def _rows(connection: Connection, query: Any, reference: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query, {"reference": reference}).mappings()]
