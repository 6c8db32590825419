"""What lies before people to be handed over outside, and what they recorded of that. All times are PostgreSQL's.

Who may see or do what is asked elsewhere, but for lists, which name only cases that the asker may see. Functions take a
connection and never commit.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from router.store.ties import KEPT_FROM
from router.vocabulary import Severity

HANDED_OVER: Final = "handed_over"
"""The outcome of a referral that a person handed over."""
_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class HandOver:
    """A referral that lies before a person, or did."""

    id: str
    reference: str
    channel: str
    revision: int
    lease_no: int
    state: str
    """The referral's: `in_hand`; `sent` when it was recorded; `recalled` when it was withdrawn before."""
    outcome: str | None
    settled_at: datetime | None
    approved_at: datetime
    in_hand_at: datetime
    digest: str | None
    """Of what people approved, with its way."""
    sheet: bytes | None
    """The bytes that they approved."""
    body: str | None
    desk: str | None
    external_reference: str | None
    handed_over_at: datetime | None
    recorded_at: datetime | None
    recorded_by: str | None
    case_policy: str
    severity: Severity
    received_at: datetime
    now: datetime

    @property
    def waits(self) -> bool:
        """Whether somebody must hand it over."""
        return self.state == "in_hand"

    @property
    def recorded(self) -> bool:
        """Whether somebody said that they did."""
        return self.recorded_at is not None

    @property
    def withdrawn(self) -> bool:
        """Whether it must not be handed over any more."""
        return not self.waits and not self.recorded


@dataclass(frozen=True, slots=True)
class Said:
    """What a person records."""

    body: str
    desk: str | None
    external_reference: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Lies:
    """Something that waits to be handed over, and who may be told of it."""

    channel: str
    policy: str
    severity: Severity
    kept_from: tuple[str, ...]
    in_hand_at: datetime


_ALL: Final = """
    select r.id, r.reference, r.channel, r.revision, r.lease_no, r.state, r.outcome, r.settled_at,
           r.first_due_at as approved_at, h.in_hand_at, d.digest, d.body as sheet, h.body, h.desk,
           h.external_reference, h.handed_over_at, h.recorded_at, h.recorded_by, c.policy as case_policy, c.severity,
           c.received_at, clock_timestamp() as now
    from handovers h join referrals r on r.id = h.referral join cases c on c.reference = r.case_reference
    left join drafts d on d.referral = r.id
"""
# As `progress.access` has it of a reviewer.
_MAY_SEE: Final = """
    exists (select from case_key_wraps w
            join recipient_keys k on k.key_id = w.key_id
            join team_key_wraps t on t.team_key_id = w.key_id
            join member_keys m on m.key_id = t.member_key_id
            where w.reference = r.case_reference and m.handle = :handle and m.retired_at is null
              and not exists (select from suspended_teams s where s.handle = m.handle and s.team = k.owner))
    and not exists (select from recusals x where x.handle = :handle and x.reference = r.case_reference)
"""


def find(connection: Connection, referral: str) -> HandOver | None:
    """Return the one that is or was in hand, None if there is no such."""
    if not _ID.fullmatch(referral):
        return None
    row = connection.execute(text(f"{_ALL} where r.id = :id"), {"id": referral}).one_or_none()
    return _made(row) if row else None


def everything(connection: Connection, *, limit: int) -> list[HandOver]:
    """Return what waits to be handed over, whoever may see its case, the worst and oldest first."""
    query = text(f"{_ALL} where r.state = 'in_hand' order by c.severity desc, h.in_hand_at, r.id limit :limit")
    return [_made(row) for row in connection.execute(query, {"limit": limit})]


def newest(connection: Connection, reference: str, channel: str) -> HandOver | None:
    """Return the last one of the case by the channel that is or was in hand, None if there is none."""
    query = text(f"""
        {_ALL} where r.reference = :reference and r.channel = :channel order by r.revision desc limit 1""")
    row = connection.execute(query, {"reference": reference, "channel": channel}).one_or_none()
    return _made(row) if row else None


def waiting(connection: Connection, handle: str, *, limit: int) -> list[HandOver]:
    """Return what waits to be handed over of cases that `handle` may see, the worst and oldest first."""
    query = text(f"""
        {_ALL} where r.state = 'in_hand' and {_MAY_SEE}
        order by c.severity desc, h.in_hand_at, r.id limit :limit""")
    return [_made(row) for row in connection.execute(query, {"handle": handle, "limit": limit})]


def recorded(connection: Connection, handle: str, *, limit: int) -> list[HandOver]:
    """Return what was handed over last of cases that `handle` may see, the newest first."""
    query = text(f"""
        {_ALL} where h.recorded_at is not null and {_MAY_SEE} order by h.recorded_at desc, r.id limit :limit""")
    return [_made(row) for row in connection.execute(query, {"handle": handle, "limit": limit})]


def before(connection: Connection, one: HandOver) -> list[HandOver]:
    """Return what was handed over of the same case by the same channel before, the newest first."""
    query = text(f"""
        {_ALL} where r.reference = :reference and r.channel = :channel and r.revision < :revision
          and h.recorded_at is not null order by r.revision desc""")
    values = {"reference": one.reference, "channel": one.channel, "revision": one.revision}
    return [_made(row) for row in connection.execute(query, values)]


def record(connection: Connection, one: HandOver, said: Said, *, by: str) -> None:
    """Write that it was handed over: it is sent now, and the attempt has its line. Lock the referral before."""
    values = {"id": one.id, "body": said.body, "desk": said.desk, "ref": said.external_reference, "at": said.at}
    connection.execute(
        text("""
            update handovers set body = :body, desk = :desk, external_reference = :ref, handed_over_at = :at,
                                 recorded_at = clock_timestamp(), recorded_by = :by
            where referral = :id"""),
        {**values, "by": by},
    )
    connection.execute(
        text("""
            insert into attempts (referral, attempt, started_at, outcome, remote_id)
            select id, attempts, :at, :outcome, :ref from referrals where id = :id"""),
        {**values, "outcome": HANDED_OVER},
    )
    connection.execute(
        text("""
            update referrals set state = 'sent', outcome = :outcome, settled_at = clock_timestamp(), remote_id = :ref,
                                 proof = 'accepted'
            where id = :id"""),
        {**values, "outcome": HANDED_OVER},
    )


def lying(connection: Connection) -> Sequence[Lies]:
    """Return what waits to be handed over, the worst first; never a field of it."""
    query = text(f"""
        select r.channel, c.policy, c.severity, array({KEPT_FROM}) as kept_from, h.in_hand_at
        from referrals r join handovers h on h.referral = r.id join cases c on c.reference = r.case_reference
        where r.state = 'in_hand' order by c.severity desc, h.in_hand_at, r.id""")  # noqa: S608 - our own words
    return [
        Lies(row.channel, row.policy, tuple(Severity)[row.severity], tuple(row.kept_from), row.in_hand_at)
        for row in connection.execute(query)
    ]


def _made(row: Row[Any]) -> HandOver:
    known = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    known["severity"] = tuple(Severity)[known["severity"]]
    known["sheet"] = bytes(known["sheet"]) if known["sheet"] is not None else None
    return HandOver(**known)
