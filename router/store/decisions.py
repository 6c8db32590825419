"""Decisions of a case: the one that counts, and those that a re-route has replaced.

Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, text

from router.model import Decision, Facts, RuleTried
from router.store.cases import stored_decision
from router.store.conflicts import DecidedCase, Told
from router.store.posting import referral_id
from router.store.standby import WITHDRAWN
from router.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class Earlier:
    """A decision that counts no more."""

    replaced_at: datetime
    replaced_by: str
    policy: str
    facts: Facts
    severity: Severity
    route: str
    teams: tuple[str, ...]
    avoided: tuple[str, ...]
    trace: tuple[RuleTried, ...]


def digest(case: DecidedCase) -> str:
    """Return the SHA-256, in hex, of policy, facts and decision as they are stored: sorted JSON."""
    whole = {"policy": case.policy, "facts": case.stored_facts, "decision": dict(case.decision)}
    return sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def replace(connection: Connection, reference: str, facts: Facts, decision: Decision, *, by: str) -> None:
    """Keep the case's decision among the earlier ones, and write `decision` and the facts that it was made of."""
    connection.execute(
        text("""
            insert into earlier_decisions (reference, policy, facts, decision, replaced_by)
            select reference, policy, facts, decision, :by from cases where reference = :reference"""),
        {"reference": reference, "by": by},
    )
    connection.execute(
        text("""
            update cases set category = :category, severity = :severity, site = :site, route = :route,
                policy = :policy, facts = cast(:facts as jsonb), decision = cast(:decision as jsonb),
                claim_by = :claim_by, decide_by = :decide_by, acknowledge_by = :acknowledge_by,
                feedback_by = :feedback_by
            where reference = :reference"""),
        {
            "reference": reference,
            "category": facts.category,
            "severity": decision.severity.rank,
            "site": facts.site,
            "route": decision.route,
            "policy": decision.policy,
            "facts": facts.model_dump_json(exclude_none=True),
            "decision": stored_decision(decision),
            **dict(decision.deadlines),
        },
    )


def earlier(connection: Connection, reference: str) -> list[Earlier]:
    """Return the decisions that a re-route has replaced, the newest first."""
    query = text("""
        select replaced_at, replaced_by, policy, facts, decision from earlier_decisions
        where reference = :reference order by id desc""")
    return [_earlier(row) for row in connection.execute(query, {"reference": reference})]


def _earlier(row: Any) -> Earlier:
    decision: dict[str, Any] = row.decision
    return Earlier(
        replaced_at=row.replaced_at,
        replaced_by=row.replaced_by,
        policy=row.policy,
        facts=Facts.model_validate(row.facts),
        severity=Severity(decision["severity"]),
        route=decision["route"],
        teams=tuple(decision["teams"]),
        avoided=tuple(decision["avoided"]),
        trace=tuple(RuleTried.model_validate(tried) for tried in decision["trace"]),
    )


def withdraw(connection: Connection, reference: str, rows: Sequence[Told], outcome: str) -> None:
    """Withdraw these of the case's referrals; a draft among them ends as replaced.

    What a worker just has it does not try again.
    """
    ids = [referral_id(reference, row.channel, row.revision) for row in rows]
    query = text(f"update referrals set {WITHDRAWN} where id = any(:ids)")  # noqa: S608 - our own words
    connection.execute(query, {"ids": ids, "outcome": outcome})
    end_drafts(connection, reference)


def end_drafts(connection: Connection, reference: str) -> None:
    """Let nobody approve any more what was withdrawn of the case's drafts."""
    query = text("""
        update drafts d set ended_at = clock_timestamp(), ended = 'replaced'
        from referrals r
        where r.reference = :reference and r.state = 'recalled' and d.referral = r.id and d.ended is null""")
    connection.execute(query, {"reference": reference})


def lock_rows(connection: Connection, reference: str) -> None:
    """Let no worker take a referral of the case until the transaction ends; waits for those that just do."""
    query = text("select from referrals where reference = :reference order by id for update")
    connection.execute(query, {"reference": reference})
