"""Record cases, and say to who filed one how it stands; the same idempotency key gets the same answer."""

from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, text

from router.errors import StoreFailed
from router.model import Decision, NewCase
from router.store import behalf, floods
from router.store.audit import NOTHING_SEALED, RECEIVED
from router.store.posting import POSTS, post_row
from router.store.tables import cases, idempotency, referrals
from router.vocabulary import ReferralState

LINK_USED: Final = "link_used"
"""Code of a StoreFailed: the link by which a report was taken down cannot be used any more."""
_APART: Final = {"referrals", "policy", "deadlines", "duplicates"}
"""Parts of a decision that have columns or rows of their own."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The key was used before: what was stored then."""

    body: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class CaseStatus:
    """What the filing client may know of a case."""

    reference: str
    state: str
    received_at: datetime
    acknowledge_by: datetime | None
    feedback_by: datetime | None
    referral_states: tuple[str, ...]


# A batch travels as one value and is written by one statement: what stands in the cases' tables, their referrals and
# the audit, for those whose idempotency key was not used before. Told apart, in ten statements, it took twice the time.
_RECORD: Final = text(f"""
    with given as materialized (
        select * from jsonb_to_recordset(cast(:given as jsonb)) as g(
            n int, reference text, key text, body text, answer text, received_at timestamptz, client text,
            category text, severity smallint, site text, route text, policy text, facts jsonb, decision jsonb,
            claim_by timestamptz, decide_by timestamptz, acknowledge_by timestamptz, feedback_by timestamptz,
            suite text, public text, receipt_lookup text, receipt_public text, wraps jsonb, content jsonb,
            duplicates jsonb, referrals jsonb, actor text, sealed text)),
    -- In one order, so that two transactions with the same keys cannot wait for each other in a ring.
    claimed as (
        insert into idempotency (key, body, answer)
        select decode(key, 'base64'), decode(body, 'base64'), decode(answer, 'base64')
        from given where key is not null order by 1
        on conflict do nothing returning key),
    fresh as materialized (
        select g.* from given g left join claimed c on c.key = decode(g.key, 'base64')
        where g.key is null or c.key is not null),
    made as (
        insert into cases (reference, received_at, client, category, severity, site, route, policy, facts, decision,
                           claim_by, decide_by, acknowledge_by, feedback_by, suite, public, receipt_lookup,
                           receipt_public)
        select reference, received_at, client, category, severity, site, route, policy, facts, decision, claim_by,
               decide_by, acknowledge_by, feedback_by, suite, decode(public, 'base64'),
               decode(receipt_lookup, 'base64'), decode(receipt_public, 'base64')
        from fresh),
    wrapped as (
        insert into case_key_wraps (reference, key_id, suite, blob)
        select f.reference, w.key_id, w.suite, decode(w.blob, 'base64')
        from fresh f, jsonb_to_recordset(f.wraps) as w(key_id text, suite text, blob text)),
    kept as (
        insert into sealed_contents (reference, suite, blob)
        select reference, content ->> 'suite', decode(content ->> 'blob', 'base64')
        from fresh where content is not null),
    linked as (
        insert into case_duplicate_keys (key, reference, received_at, within_s)
        select decode(d.key, 'hex'), f.reference, f.received_at, d.within_s
        from fresh f, jsonb_to_recordset(f.duplicates) as d(key text, within_s int)),
    posted as ({POSTS.format(rows="fresh, jsonb_to_recordset(fresh.referrals)")}),
    noted as (
        insert into audit (actor, action, object, outcome, detail)
        select actor, '{RECEIVED}', reference, 'ok', sealed from fresh order by n)
    select n from fresh""")  # noqa: S608 - our own words


def record(connection: Connection, new: Sequence[NewCase]) -> list[Repeated | None]:
    """Write all of `new` and say for each None, or what its idempotency key had stored before.

    A key that stands twice in `new` counts once: the later item gets the earlier one's answer.
    Waits for a transaction that is just storing the same key. Raises StoreFailed `link_used`, and nothing is written,
    when one was taken down by a link that cannot be used any more.
    """
    keys = set()
    rows = []
    for n, case in enumerate(new):
        if case.idempotent is not None:
            if case.idempotent.key in keys:
                continue
            keys.add(case.idempotent.key)
        rows.append(_row(n, case))
    fresh = set(connection.execute(_RECORD, {"given": orjson.dumps(rows).decode()}).scalars())
    _use_links(connection, [case for n, case in enumerate(new) if case.behalf is not None and n in fresh])
    flooded = {case.reference: case.flooded for n, case in enumerate(new) if case.flooded is not None and n in fresh}
    if flooded:
        floods.link(connection, flooded)
    if len(fresh) == len(new):
        return [None] * len(new)
    asked = [case.idempotent.key for n, case in enumerate(new) if n not in fresh and case.idempotent]
    stored = {
        row.key: Repeated(row.body, row.answer)
        for row in connection.execute(select(idempotency).where(idempotency.c.key.in_(asked)))
    }
    return [None if n in fresh or not case.idempotent else stored[case.idempotent.key] for n, case in enumerate(new)]


def stored_decision(decision: Decision) -> str:
    """Return as JSON what a case keeps of its decision, beside its columns and its referrals."""
    return decision.model_dump_json(exclude=_APART)


def _use_links(connection: Connection, taken_down: Sequence[NewCase]) -> None:
    for case in taken_down:
        if case.behalf is not None and not behalf.use(connection, case.behalf, case.reference):
            raise StoreFailed(LINK_USED)


def _row(n: int, case: NewCase) -> dict[str, Any]:
    decision, sealed, deadlines = case.decision, case.sealed, case.decision.deadlines
    row: dict[str, Any] = {
        "n": n,
        "reference": case.reference,
        "received_at": case.received_at,
        "client": case.client_id,
        "category": case.facts.category,
        "severity": decision.severity.rank,
        "site": case.facts.site,
        "route": decision.route,
        "policy": decision.policy,
        # As text at once: objects in between cost more than all the rest of the row.
        "facts": orjson.Fragment(case.facts.model_dump_json(exclude_none=True)),
        "decision": orjson.Fragment(stored_decision(decision)),
        "claim_by": deadlines.claim_by,
        "decide_by": deadlines.decide_by,
        "acknowledge_by": deadlines.acknowledge_by,
        "feedback_by": deadlines.feedback_by,
        "suite": sealed.suite,
        "public": _text(sealed.public),
        "wraps": [{"key_id": w.key_id, "suite": w.sealed.suite, "blob": _text(w.sealed.blob)} for w in sealed.wraps],
        "duplicates": [{"key": same.key, "within_s": same.within_s} for same in decision.duplicates],
        "referrals": [post_row(case.reference, decision.policy, planned) for planned in decision.referrals],
        "actor": f"client:{case.client_id}" if case.client_id else "reporter",
        "sealed": sealed.content.digest if sealed.content else NOTHING_SEALED,
    }
    if sealed.content:
        row["content"] = {"suite": sealed.content.suite, "blob": _text(sealed.content.blob)}
    if case.receipt:
        row |= {"receipt_lookup": _text(case.receipt.lookup), "receipt_public": _text(case.receipt.public)}
    if case.idempotent:
        stored = case.idempotent
        row |= {"key": _text(stored.key), "body": _text(stored.body), "answer": _text(stored.answer)}
    return row


def _text(value: bytes) -> str:
    """Return bytes as JSON can hold them: a third longer."""
    return b64encode(value).decode()


def status_for_client(
    connection: Connection, reference: str, client: str, *, outside: Collection[str]
) -> CaseStatus | None:
    """Return what `client` may know of a case that it filed itself, else None; nothing of channels `outside`.

    A client is often run by a team that may be involved.
    """
    query = select(
        cases.c.reference, cases.c.state, cases.c.received_at, cases.c.acknowledge_by, cases.c.feedback_by
    ).where(cases.c.reference == reference, cases.c.client == client)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    # Reminders and escalations say nothing about who was told of the case, and what was withdrawn says too much.
    told = select(referrals.c.state).where(
        referrals.c.reference == row.reference,
        referrals.c.notice.is_(None),
        referrals.c.state.not_in([ReferralState.RECALLED.value, ReferralState.DRAFT.value]),
        referrals.c.channel.not_in(sorted(outside)),
    )
    states = connection.execute(told).scalars()
    return CaseStatus(
        row.reference, row.state, row.received_at, row.acknowledge_by, row.feedback_by, tuple(sorted(states))
    )
