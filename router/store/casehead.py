"""The head of one case: what its page shows first and what every part of it goes by. Codes, ids and times only.

Functions take a connection and never commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from router.model import Facts, RuleTried
from router.store.casefile import DONE
from router.vocabulary import Awaited, Severity

OPEN: Final = "open"
LOOKS: Final = ("case_viewed", "case_shown", "cases_listed", "queue_listed", "referral_shown", "case_timeline_viewed")
"""Actions of the audit that changed nothing."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """What has to be done by when, and what became of it."""

    awaited: Awaited
    by: datetime
    done_at: datetime | None
    stands: str
    """`running`, `kept`, `late` (done after it passed) or `passed` (not done yet)."""


@dataclass(frozen=True, slots=True)
class CaseHead:
    """One case as it stands."""

    reference: str
    received_at: datetime
    client: str | None
    """The system that reported it; None: a person did."""
    state: str
    severity: Severity
    category: str
    site: str | None
    route: str
    reason: str | None
    """Why the fallback teams were told."""
    policy: str
    teams: tuple[str, ...]
    avoided: tuple[str, ...]
    facts: Facts
    trace: tuple[RuleTried, ...]
    claimed_at: datetime | None
    claimed_by: str | None
    claim_until: datetime | None
    """When the claim ends by itself; None: it does not."""
    closed_at: datetime | None
    outcome: str | None
    acknowledged_at: datetime | None
    feedback_at: datetime | None
    held_at: datetime | None
    held_by: str | None
    deadlines: tuple[Deadline, ...]
    has_receipt: bool
    """The reporter can follow up, and be written to."""
    version: int
    mark: int
    """The last line of the audit that there was about the case."""
    now: datetime

    @property
    def open(self) -> bool:
        """Whether it still is to be worked on."""
        return self.state == OPEN

    @property
    def seen(self) -> str:
        """What a form on the case says that its page showed: see `pages.access.check_version`."""
        return f"{self.version}.{self.mark}"

    @property
    def next_deadline(self) -> Deadline | None:
        """What is to be done next, or was to be."""
        waiting = [one for one in self.deadlines if one.done_at is None]
        return min(waiting, key=lambda one: one.by, default=None)


def head(connection: Connection, reference: str) -> CaseHead | None:
    """Return the case, None if there is none."""
    query = text("""
        select reference, received_at, client, state, category, severity, site, route, policy, facts, decision,
               claimed_at, claimed_by, claim_until, closed_at, outcome, acknowledged_at, feedback_at, held_at, held_by,
               claim_by, decide_by, acknowledge_by, feedback_by, receipt_public is not null as has_receipt, version,
               coalesce((select max(id) from audit where object = cases.reference), 0) as mark,
               clock_timestamp() as now
        from cases where reference = :reference""")
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, {"reference": reference}).one_or_none()
    if row is None:
        return None
    known: Mapping[str, Any] = row._mapping  # type: ignore[assignment] # noqa: SLF001 - its public name
    decision: Mapping[str, Any] = known["decision"]
    apart = {"facts", "decision", "severity", "claim_by", "decide_by", "acknowledge_by", "feedback_by"}
    return CaseHead(
        **{name: value for name, value in known.items() if name not in apart},
        severity=tuple(Severity)[known["severity"]],
        reason=decision.get("reason"),
        teams=tuple(decision["teams"]),
        avoided=tuple(decision["avoided"]),
        facts=Facts.model_validate(known["facts"]),
        trace=tuple(RuleTried.model_validate(tried) for tried in decision.get("trace", ())),
        deadlines=tuple(_deadlines(known)),
    )


def _deadlines(row: Mapping[str, Any]) -> list[Deadline]:
    """Return the deadlines that the case has, in the order in which they fall."""
    made = []
    for awaited, when in DONE.items():
        by = row[f"{awaited}_by"]
        if by is None:
            continue
        done = next((row[name] for name in when if row[name] is not None), None)
        in_time = (done or row["now"]) <= by
        stands = ("kept" if in_time else "late") if done else ("running" if in_time else "passed")
        made.append(Deadline(awaited, by, done, stands))
    return sorted(made, key=lambda one: one.by)
