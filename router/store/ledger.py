"""The ledger as people read it: lists of referrals, and all that is known of one. Never a reply.

Only `projected` returns fields. Functions take a connection and change nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from router.store.channelstates import SHUT
from router.store.endings import DISAGREEMENT, DISAGREES
from router.store.filings import of_referrals

_PROOF = "case when state = 'acknowledged' then 'acknowledged' else proof end as proof"


def newest(
    connection: Connection,
    limit: int,
    *,
    waiting: bool = False,
    states: Collection[str] = (),
    channel: str | None = None,
    disagreeing: bool = False,
) -> list[dict[str, Any]]:
    """Return the newest `limit` referrals as plain rows: where each stands.

    With `waiting` also those whose time has not come, and those withdrawn before anybody tried to send them; with
    `states` or `channel` only such, whatever they wait for; with `disagreeing` those whose ticket is closed and whose
    case is open, or the other way round.
    """
    query = text(f"""
        select reference, channel, kind, state, attempts, remote_id, due_at, settled_at, outcome, {_PROOF},
               ticket, {DISAGREEMENT}
        from referrals r
        where (not :disagreeing or {DISAGREES}) and (cast(:states as text[]) = '{{}}' or state = any(:states))
          and (cast(:channel as text) is null or channel = :channel)
          and (:waiting or cast(:states as text[]) <> '{{}}'
               or state <> 'standby' and (state <> 'recalled' or lease_no > 0))
        order by first_due_at desc, id limit :limit""")  # noqa: S608 - our own words
    values = {"limit": limit, "waiting": waiting, "states": sorted(states), "channel": channel}
    values["disagreeing"] = disagreeing
    return [dict(row) for row in connection.execute(query, values).mappings()]


def whole(
    connection: Connection, reference: str, channel: str | None = None, revision: int | None = None
) -> list[dict[str, Any]]:
    """Return every referral of `reference`, or those to `channel`, as plain rows with their attempts in `tried`.

    `filed` has what became of reports that an outside body takes in steps. With `revision` that one alone.

    Empty when there is none. While its channel is left alone, `held_by` and `held_until` of what is due say why and
    how long.
    """
    query = text(f"""
        select r.id, reference, r.channel, kind, revision, notice, awaited, about, instead_of, state, {_PROOF}, outcome,
               attempts, remote_id, unsure, first_due_at, due_at, retried_at, settled_at, acknowledged_at, look_at,
               ticket, ticket_at, {DISAGREEMENT},
               s.code as held_by, s.until as held_until
        from referrals r left join channel_states s on s.channel = r.channel and r.state = 'due' and {SHUT}
        where reference = :reference and (cast(:channel as text) is null or r.channel = :channel)
          and (cast(:revision as int) is null or revision = :revision)
        order by first_due_at, r.channel, revision""")  # noqa: S608 - our own words
    values = {"reference": reference, "channel": channel, "revision": revision}
    rows = [dict(row) for row in connection.execute(query, values).mappings()]
    ids = [row.pop("id") for row in rows]
    tried, filed = _tried(connection, ids), of_referrals(connection, ids)
    return [
        {**row, "tried": tried.get(one, []), "filed": filed.get(one, [])} for one, row in zip(ids, rows, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Projected:
    """One referral with all that its channel may be told, and when it was last tried."""

    id: str
    policy: str
    fields: dict[str, Any]
    tried_at: datetime | None


def projected(connection: Connection, reference: str, channel: str, revision: int) -> Projected | None:
    """Return what one referral of the case carries, None if there is none such: for who may see the case itself."""
    query = text("""
        select r.id, r.policy, r.fields, (select max(a.started_at) from attempts a where a.referral = r.id)
        from referrals r where r.reference = :reference and r.channel = :channel and r.revision = :revision""")
    values = {"reference": reference, "channel": channel, "revision": revision}
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, values).one_or_none()
    return Projected(*row) if row else None


def _tried(connection: Connection, ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    query = text("""
        select referral, attempt, started_at, took_ms, outcome, remote_id
        from attempts where referral = any(:ids) order by referral, attempt, id""")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query, {"ids": list(ids)}).mappings():
        found.setdefault(row["referral"], []).append({name: row[name] for name in row if name != "referral"})
    return found
