"""Mails that go out at fixed times: which are on their way, and the referrals that one stands for.

A referral that waits for such a mail stays due until the mail was accepted, and is sent then: with the mail, in one
transaction, and not before. All times are PostgreSQL's. Functions take a connection and never commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from router.store.notices import post_notice, reference_about
from router.vocabulary import Notice

AWAITS: Final = "awaits_digest"
"""Outcome of an attempt: nothing forbids to tell of it, and the next mail stands for it."""
IN_DIGEST: Final = "in_digest"
"""Outcome of a referral that a mail stood for."""

_UNDER_WAY = text("""
    select exists (
        select from referrals where channel = :channel and state in ('due', 'leased') and notice = 'digest')""")
# What came after a worker took the mail to send it is for the next one.
_STAND_FOR: Final = text("""
    with mail as (
        select channel, leased_at, remote_id from referrals where id = any(:mails)),
    told as (
        update referrals r
        set state = 'sent', outcome = :outcome, remote_id = m.remote_id, proof = 'accepted', unsure = 0,
            settled_at = clock_timestamp()
        from mail m
        where r.channel = m.channel and r.state = 'due' and r.outcome = :awaits and r.settled_at is null
          and coalesce(r.retried_at, r.first_due_at) <= m.leased_at
        returning r.reference, r.channel)
    insert into audit (actor, action, object, outcome, detail)
    select 'worker', 'referral_sent', reference, :outcome, channel from told""")


def now(connection: Connection) -> datetime:
    """Return the time."""
    at: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return at


def post_digest(connection: Connection, *, channel: str, kind: str, policy: str, fixed: datetime) -> str | None:
    """Post the channel's mail of the fixed time, due now; None when it was posted, or another is still under way.

    Ring the channel after the commit. Whoever looks at the schedule holds it for themselves.
    """
    if connection.execute(_UNDER_WAY, {"channel": channel}).scalar_one():
        return None
    reference = reference_about(Notice.DIGEST, channel, fixed.isoformat())
    new = post_notice(connection, reference=reference, channel=channel, kind=kind, policy=policy, notice=Notice.DIGEST)
    return reference if new else None


def stand_for(connection: Connection, mails: Sequence[str]) -> None:
    """Write that what waited for these mails, which were sent just now, is sent."""
    if mails:
        connection.execute(_STAND_FOR, {"mails": list(mails), "awaits": AWAITS, "outcome": IN_DIGEST})
