"""Drafts of what would leave the organisation, and who said what of which bytes. All times are PostgreSQL's.

A draft is a referral in that state; its row in `drafts` is made when somebody looks after it first, or when a person
drafts it. Functions take a connection and never commit; who may do what is not asked here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection, Row, text

from router.model import PlannedReferral, Referral
from router.store.posting import referral_id
from router.vocabulary import ReferralState, Severity

POLICY: Final = "policy"
"""Who drafted what a policy holds back for approval."""
LASTS_DAYS: Final = 14
"""How long a draft waits for approvals."""
UNSEEN: Final = "unseen"
"""Stands for the digest of a draft whose bytes nobody has looked at yet; nobody can approve it."""
BATCH: Final = 200
_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A referral that is or was a draft, and its case."""

    id: str
    reference: str
    channel: str
    revision: int
    state: str
    """The referral's."""
    fields: Referral | None
    """What it would say; None: another version wrote it, and we cannot read it."""
    kept_from: tuple[str, ...]
    drafted_by: str
    drafted_at: datetime
    reason: str
    digest: str | None
    """Of what was shown last; None: nobody has looked after it yet."""
    body: bytes | None
    """The bytes that it is of."""
    needed: int
    expires_at: datetime | None
    ended: str | None
    ended_at: datetime | None
    settled_at: datetime | None
    outcome: str | None
    case_policy: str
    case_state: str
    category: str
    severity: Severity
    subject: str | None
    """The account that the concern names: nobody who has it has a say."""
    now: datetime

    @property
    def open(self) -> bool:
        """Whether it waits for approvals."""
        return self.state == "draft"

    @property
    def expired(self) -> bool:
        """Whether its time is over, though nobody has written that yet."""
        return self.ended is None and self.expires_at is not None and self.expires_at <= self.now


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said of certain bytes."""

    handle: str
    digest: str
    verdict: str
    reason: str
    at: datetime


_DRAFTS: Final = f"""
    select r.id, r.reference, r.channel, r.revision, r.state, r.fields, r.kept_from,
           coalesce(d.drafted_by, '{POLICY}') as drafted_by, coalesce(d.drafted_at, r.first_due_at) as drafted_at,
           coalesce(d.reason, '') as reason, d.digest, d.body, coalesce(d.needed, 0) as needed, d.expires_at, d.ended,
           d.ended_at, r.settled_at, r.outcome, c.policy as case_policy, c.state as case_state, c.category,
           c.severity, c.facts ->> 'subject_handle' as subject, clock_timestamp() as now
    from referrals r join cases c on c.reference = r.case_reference left join drafts d on d.referral = r.id
"""  # noqa: S608 - our own words


def find(connection: Connection, referral: str) -> Draft | None:
    """Return the draft, None if there is no such; also one that has ended."""
    if not _ID.fullmatch(referral):
        return None
    query = text(f"{_DRAFTS} where r.id = :id and (r.state = 'draft' or d.referral is not null)")
    row = connection.execute(query, {"id": referral}).one_or_none()
    return _draft(row) if row else None


def lock(connection: Connection, referral: str) -> None:
    """Let nobody else change the referral until the transaction ends: of two people at once one waits here."""
    connection.execute(text("select from referrals where id = :id for update"), {"id": referral})


def waiting(connection: Connection, *, after: str = "", limit: int = BATCH) -> list[Draft]:
    """Return drafts that wait for approvals, the oldest first, those behind the draft `after`."""
    query = text(f"""
        with behind as (select first_due_at, id from referrals where id = :after)
        {_DRAFTS} where r.state = 'draft'
          and (:after = '' or (r.first_due_at, r.id) > (select first_due_at, id from behind))
        order by r.first_due_at, r.id limit :limit""")  # noqa: S608 - our own words
    values = {"after": after if _ID.fullmatch(after) else "", "limit": limit}
    return [_draft(row) for row in connection.execute(query, values)]


def of_case(connection: Connection, reference: str) -> list[Draft]:
    """Return every draft that the case has or had, the oldest first."""
    query = text(f"""
        {_DRAFTS} where r.reference = :reference and (r.state = 'draft' or d.referral is not null)
        order by r.first_due_at, r.channel, r.revision""")
    return [_draft(row) for row in connection.execute(query, {"reference": reference})]


def votes(connection: Connection, referral: str) -> list[Vote]:
    """Return who said what, the oldest first."""
    query = text("select handle, digest, verdict, reason, at from approvals where referral = :id order by at, handle")
    return [Vote(*row) for row in connection.execute(query, {"id": referral})]


def vote(connection: Connection, referral: str, digest: str, *, handle: str, verdict: str, reason: str) -> bool:
    """Write what a person says of these bytes; return whether they had not said it before."""
    insert = text("""
        insert into approvals (referral, digest, handle, verdict, reason)
        values (:referral, :digest, :handle, :verdict, :reason) on conflict do nothing""")
    values = {"referral": referral, "digest": digest, "handle": handle, "verdict": verdict, "reason": reason}
    return connection.execute(insert, values).rowcount == 1


def keep(
    connection: Connection,
    referral: str,
    *,
    digest: str,
    body: bytes | None,
    needed: int,
    drafted_by: str = POLICY,
    reason: str = "",
) -> None:
    """Write what is to be approved now, by how many; a draft that had ended, and is one again, begins anew."""
    change = text(f"""
        insert into drafts as d (referral, drafted_by, reason, digest, body, needed, expires_at)
        values (:referral, :by, :reason, :digest, :body, :needed, clock_timestamp() + interval '{LASTS_DAYS} days')
        on conflict (referral) do update
        set digest = excluded.digest, body = excluded.body, needed = excluded.needed, ended = null, ended_at = null,
            expires_at = case when d.ended is null then d.expires_at else excluded.expires_at end""")  # noqa: S608 - our own words
    values = {"referral": referral, "by": drafted_by, "reason": reason, "digest": digest, "needed": needed}
    connection.execute(change, {**values, "body": body})


def made_by(
    connection: Connection, reference: str, plans: Iterable[PlannedReferral], handle: str, reason: str = ""
) -> None:
    """Write that the drafts among `plans`, which were posted, follow from what `handle` did with the case.

    So they are that person's drafts, who approves none of them.
    """
    drafted = [plan for plan in plans if plan.state is ReferralState.DRAFT]
    ids = [referral_id(reference, plan.channel, plan.fields.revision) for plan in drafted]
    insert = text(f"""
        insert into drafts (referral, drafted_by, reason, digest, needed, expires_at)
        select r.id, :by, :reason, '{UNSEEN}', 1, clock_timestamp() + interval '{LASTS_DAYS} days'
        from referrals r where r.id = any(:ids) and r.state = 'draft' on conflict do nothing""")  # noqa: S608 - our own words
    if ids:
        connection.execute(insert, {"ids": ids, "by": f"person:{handle}", "reason": reason})


def end(connection: Connection, referral: str, how: str) -> None:
    """Write how the draft ended; its referral is due if it was approved, else withdrawn. Lock it before."""
    ended = text("update drafts set ended = :how, ended_at = clock_timestamp() where referral = :id and ended is null")
    connection.execute(ended, {"id": referral, "how": how})
    release = "state = 'due', outcome = null, first_due_at = clock_timestamp(), due_at = clock_timestamp()"
    withdraw = "state = 'recalled', outcome = :how, settled_at = clock_timestamp()"
    change = text(f"""
        update referrals set {release if how == "approved" else withdraw}
        where id = :id and state = 'draft'""")  # noqa: S608 - our own words
    connection.execute(change, {"id": referral, "how": how})


def untended(connection: Connection, *, limit: int = BATCH) -> list[str]:
    """Return drafts that nobody has looked after yet, or that are drafts again: without a row that says until when.

    Locks them; leaves out what others have locked.
    """
    query = text("""
        select r.id from referrals r
        where r.state = 'draft' and r.case_reference is not null
          and not exists (select from drafts d where d.referral = r.id and d.ended is null and d.digest <> :unseen)
        order by r.first_due_at, r.id limit :limit for update of r skip locked""")
    return list(connection.execute(query, {"limit": limit, "unseen": UNSEEN}).scalars())


def overdue(connection: Connection, *, limit: int = BATCH) -> list[str]:
    """Return drafts whose time is over; locks them, and leaves out what others have locked."""
    query = text("""
        select d.referral from drafts d join referrals r on r.id = d.referral
        where d.ended is null and d.expires_at <= clock_timestamp() and r.state = 'draft'
        order by d.expires_at limit :limit for update of r skip locked""")
    return list(connection.execute(query, {"limit": limit}).scalars())


def follow(connection: Connection) -> None:
    """Write that drafts ended whose referrals were withdrawn otherwise: by a conflict, or a new decision."""
    change = text("""
        update drafts d
        set ended = case when r.outcome in ('conflict', 'given_up') then 'withdrawn' else 'replaced' end,
            ended_at = clock_timestamp()
        from referrals r where r.id = d.referral and d.ended is null and r.state <> 'draft'""")
    connection.execute(change)


def last_revision(connection: Connection, reference: str, channel: str) -> int:
    """Return the number of the last referral of the case to the channel, 0 if there is none."""
    query = text("""
        select coalesce(max(revision), 0) from referrals where reference = :reference and channel = :channel""")
    return int(connection.execute(query, {"reference": reference, "channel": channel}).scalar_one())


def _draft(row: Row[Any]) -> Draft:
    known = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    try:
        known["fields"] = Referral.model_validate(known["fields"])
    except ValidationError:
        known["fields"] = None
    known["kept_from"] = tuple(known["kept_from"])
    known["severity"] = tuple(Severity)[known["severity"]]
    return Draft(**known)
