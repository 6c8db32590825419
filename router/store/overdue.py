"""Referrals whose channel stayed shut for as long as any referral is tried: dead, in front of a person.

While a channel is shut nothing is leased, so no attempt can give up. All times are PostgreSQL's; functions take a
connection and never commit.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from router.model import AuditEntry
from router.store.audit import note
from router.store.referrals import bring_forward

CODE: Final = "channel_down"
FEWEST_OPENINGS: Final = 20
"""A channel that was probed less often since it last worked may come back yet: days without a worker end nothing."""
BATCH: Final = 500

_GIVE_UP = text("""
    with gone as (
        select r.id from channel_states s join referrals r on r.channel = s.channel
        where s.breaker <> 'closed' and s.opened >= :fewest and r.state = 'due'
          and coalesce(r.retried_at, r.first_due_at) <= statement_timestamp() - make_interval(secs => :give_up_s)
        limit :limit for update of r skip locked)
    update referrals r set state = 'dead', outcome = :code, settled_at = clock_timestamp()
    from gone where r.id = gone.id
    returning r.id, r.reference, r.channel, exists (select from drafts d where d.referral = r.id) as drafted""")


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A referral that is dead now."""

    id: str
    reference: str
    channel: str
    drafted: bool
    """It would have left the organisation."""


def give_up(connection: Connection, *, give_up_s: float, limit: int = BATCH) -> list[GivenUp]:
    """Give up to `limit` referrals up that have been due for `give_up_s` at channels that are shut; return them."""
    values = {"give_up_s": float(give_up_s), "limit": limit, "fewest": FEWEST_OPENINGS, "code": CODE}
    dead = [GivenUp(*row) for row in connection.execute(_GIVE_UP, values)]
    note(connection, [AuditEntry("clock", "referral_dead", one.reference, CODE, one.channel) for one in dead])
    bring_forward(connection, [one.id for one in dead])
    return dead
