"""Record cases, and say to who filed one how it stands; the same idempotency key gets the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from router.model import AuditEntry, DuplicateKey, NewCase
from router.store.audit import NOTHING_SEALED, RECEIVED, note
from router.store.posting import Post, post
from router.store.tables import case_duplicate_keys, case_key_wraps, cases, idempotency, referrals, sealed_contents


@dataclass(frozen=True, slots=True)
class Repeated:
    """The key was used before: what was stored then."""

    body: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class CaseStatus:
    """What a reporter or the filing client may know of a case."""

    reference: str
    state: str
    received_at: datetime
    acknowledge_by: datetime | None
    feedback_by: datetime | None
    referral_states: tuple[str, ...]


def record(connection: Connection, new: Sequence[NewCase]) -> list[Repeated | None]:
    """Write all of `new` and say for each None, or what its idempotency key had stored before.

    A key that stands twice in `new` counts once: the later item gets the earlier one's answer.
    Waits for a transaction that is just storing the same key.
    """
    fresh = _claim_keys(connection, new)
    admitted = [case for index, case in enumerate(new) if index in fresh]
    if admitted:
        _insert_all(connection, admitted)
    if len(admitted) == len(new):
        return [None] * len(new)
    keys = [case.idempotent.key for index, case in enumerate(new) if index not in fresh and case.idempotent]
    stored = {
        row.key: Repeated(row.body, row.answer)
        for row in connection.execute(select(idempotency).where(idempotency.c.key.in_(keys)))
    }
    return [None if i in fresh or not case.idempotent else stored[case.idempotent.key] for i, case in enumerate(new)]


def _claim_keys(connection: Connection, new: Sequence[NewCase]) -> set[int]:
    """Return the positions of the cases that may be written."""
    first: dict[bytes, int] = {}
    fresh: set[int] = set()
    for index, case in enumerate(new):
        if case.idempotent is None:
            fresh.add(index)
        else:
            first.setdefault(case.idempotent.key, index)
    if first:
        # Sorted, so that two transactions with the same keys cannot wait for each other in a ring.
        rows = [
            {"key": key, "body": i.body, "answer": i.answer}
            for key, index in sorted(first.items())
            if (i := new[index].idempotent) is not None
        ]
        statement = upsert(idempotency).on_conflict_do_nothing().returning(idempotency.c.key)
        fresh |= {first[row.key] for row in connection.execute(statement, rows)}
    return fresh


def _insert_all(connection: Connection, new: Sequence[NewCase]) -> None:
    connection.execute(insert(cases), [_case_row(case) for case in new])
    connection.execute(
        insert(case_key_wraps),
        [
            {"reference": case.reference, "key_id": wrap.key_id, "suite": wrap.sealed.suite, "blob": wrap.sealed.blob}
            for case in new
            for wrap in case.sealed.wraps
        ],
    )
    contents = [
        {"reference": case.reference, "suite": case.sealed.content.suite, "blob": case.sealed.content.blob}
        for case in new
        if case.sealed.content
    ]
    if contents:
        connection.execute(insert(sealed_contents), contents)
    keys = [_duplicate_row(case, same) for case in new for same in case.decision.duplicates]
    if keys:
        connection.execute(insert(case_duplicate_keys), keys)
    decided = ((case.reference, case.decision) for case in new)
    post(connection, [Post(of, decision.policy, planned) for of, decision in decided for planned in decision.referrals])
    note(
        connection,
        [AuditEntry(_actor(case), RECEIVED, case.reference, detail=_sealed_as(case)) for case in new],
    )


def _sealed_as(case: NewCase) -> str:
    return case.sealed.content.digest if case.sealed.content else NOTHING_SEALED


def _actor(case: NewCase) -> str:
    return f"client:{case.client_id}" if case.client_id else "reporter"


def _case_row(case: NewCase) -> dict[str, Any]:
    deadlines = case.decision.deadlines
    return {
        "reference": case.reference,
        "received_at": case.received_at,
        "client": case.client_id,
        "category": case.facts.category,
        "severity": case.decision.severity.rank,
        "site": case.facts.site,
        "route": case.decision.route,
        "policy": case.decision.policy,
        # As text at once: objects in between cost more than all the rest of the row.
        "facts": orjson.Fragment(case.facts.model_dump_json(exclude_none=True)),
        "decision": orjson.Fragment(
            case.decision.model_dump_json(exclude={"referrals", "policy", "deadlines", "duplicates"})
        ),
        "claim_by": deadlines.claim_by,
        "decide_by": deadlines.decide_by,
        "acknowledge_by": deadlines.acknowledge_by,
        "feedback_by": deadlines.feedback_by,
        "suite": case.sealed.suite,
        "public": case.sealed.public,
        "receipt_lookup": case.receipt.lookup if case.receipt else None,
        "receipt_public": case.receipt.public if case.receipt else None,
    }


def _duplicate_row(case: NewCase, same: DuplicateKey) -> dict[str, Any]:
    return {
        "key": bytes.fromhex(same.key),
        "reference": case.reference,
        "received_at": case.received_at,
        "within_s": same.within_s,
    }


_STATUS = (cases.c.reference, cases.c.state, cases.c.received_at, cases.c.acknowledge_by, cases.c.feedback_by)


def status_for_client(connection: Connection, reference: str, client: str) -> CaseStatus | None:
    """Return what `client` may know of a case that it filed itself, else None."""
    query = select(*_STATUS).where(cases.c.reference == reference, cases.c.client == client)
    return _status(connection, connection.execute(query).one_or_none())


def status_for_receipt(connection: Connection, lookup: bytes) -> CaseStatus | None:
    """Return what the holder of the receipt with this look-up id may know, else None."""
    query = select(*_STATUS).where(cases.c.receipt_lookup == lookup)
    return _status(connection, connection.execute(query).one_or_none())


def _status(connection: Connection, row: Row[*tuple[Any, ...]] | None) -> CaseStatus | None:
    if row is None:
        return None
    # Reminders and escalations say nothing about who was told of the case, and what was withdrawn says too much.
    told = select(referrals.c.state).where(
        referrals.c.reference == row.reference, referrals.c.notice.is_(None), referrals.c.state != "recalled"
    )
    states = connection.execute(told).scalars()
    return CaseStatus(
        row.reference, row.state, row.received_at, row.acknowledge_by, row.feedback_by, tuple(sorted(states))
    )
