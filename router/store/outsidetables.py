"""Tables of what goes outside: reports filed in steps, what a person hands over, and what is preserved of both.

Nothing here is content. What was sent and what came back is sealed to the case's key.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from router.store.floodtables import metadata
from router.store.tables import cases, moment, people, referrals

__all__ = ["metadata"]

filings = Table(
    "filings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("referral", Text, ForeignKey(referrals.c.id), nullable=False, index=True),
    Column("lease_no", Integer, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("state", Text, nullable=False, server_default="asked"),
    Column("report_id", Text, nullable=True),
    moment("asked_at", now=True),
    moment("opened_at", nullable=True),
    moment("ended_at", nullable=True),
    Column("code", Integer, nullable=True),
    moment("tried_at", nullable=True),
    CheckConstraint(
        "state in ('asked', 'unopened', 'lost', 'opened', 'stray', 'finished', 'retracted', 'gone', 'expired')",
        name="state",
    ),
    CheckConstraint("(report_id is null) = (opened_at is null)", name="opened"),
    CheckConstraint("(state in ('asked', 'unopened', 'lost')) <= (report_id is null)", name="nothing_opened"),
)
"""Each time that a report was asked for at an outside body which takes it in steps.

`asked`: the request is about to be sent; `unopened`: the body said no, or was never reached; `lost`: no answer came,
so that a report may be open there which nobody files; `opened`: its id is known; `stray`: so is its id, but another was
asked for meanwhile; `finished`: it is filed; `retracted`: it was cancelled; `gone`: the body does not know it any more;
`expired`: what was lost or could not be retracted is deleted there by now. `test`: it is in the body's test system.
`lease_no` is the lease under which it was asked for; `code` the body's last answer; `tried_at` the last try to retract.
"""
_ALIVE = text("state in ('asked', 'opened', 'finished')")
Index("filings_alive_idx", filings.c.referral, filings.c.test, unique=True, postgresql_where=_ALIVE)
_UNSURE = text("state in ('asked', 'lost', 'opened', 'stray')")
Index("filings_unsure_idx", filings.c.id, postgresql_where=_UNSURE)

handovers = Table(
    "handovers",
    metadata,
    Column("referral", Text, ForeignKey(referrals.c.id), primary_key=True),
    moment("in_hand_at", now=True),
    Column("body", Text, nullable=True),
    Column("desk", Text, nullable=True),
    Column("external_reference", Text, nullable=True),
    moment("handed_over_at", nullable=True),
    moment("recorded_at", nullable=True),
    Column("recorded_by", Text, ForeignKey(people.c.handle), nullable=True),
    CheckConstraint("(recorded_at is null) = (recorded_by is null)", name="recorded"),
    CheckConstraint("(recorded_at is null) = (handed_over_at is null)", name="handed_over"),
    CheckConstraint("(recorded_at is null) = (body is null)", name="body"),
)
"""What lies before a person to be handed over since `in_hand_at`; and when they say that they did, to which `body` of
the directory, which `desk` of it, under which reference of theirs."""
_IN_HAND = text("state = 'in_hand'")
Index("referrals_in_hand_idx", referrals.c.channel, referrals.c.first_due_at, postgresql_where=_IN_HAND)

preserved = Table(
    "preserved",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("referral", Text, ForeignKey(referrals.c.id), nullable=False),
    Column("reference", Text, ForeignKey(cases.c.reference), nullable=False, index=True),
    Column("part", Text, nullable=False),
    Column("lease_no", Integer, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    moment("kept_at", now=True),
    moment("keep_until", nullable=True),
    CheckConstraint("part in ('document', 'receipt')", name="part"),
    CheckConstraint("keep_until >= kept_at + interval '28 days'", name="period"),
)
"""What was sent outside (`document`) and what the body answered (`receipt`), sealed to the case's key.

Of two workers that both got an answer each keeps its own, by `lease_no`. Nothing of it can be changed, but that it is
kept for longer; nothing can be deleted before `keep_until`, nor while nobody has said until when, nor while the case
is held: the database itself refuses (0015).
"""
Index("preserved_once_idx", preserved.c.referral, preserved.c.part, preserved.c.lease_no, unique=True)
Index("preserved_keep_until_idx", preserved.c.keep_until)
Index("preserved_undated_idx", preserved.c.id, postgresql_where=text("keep_until is null"))
