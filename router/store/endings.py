"""Where a case and its tickets end: which tickets a case that is closed has, and where the two disagree.

Whoever sends sees no case: that one is closed is written to its referrals. All times are PostgreSQL's. Functions take
a connection and never commit.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from router.store.hints import NOT_OF_A_TICKET, WITHDRAWN_THERE

DISAGREES: Final = f"(((r.ticket = 'resolved') = (r.case_closed_at is null)) and not {WITHDRAWN_THERE})"
"""Of a referral `r`: its ticket is closed and its case is open, or the other way round."""
DISAGREEMENT: Final = f"""
    case when {DISAGREES} then case r.ticket when 'resolved' then 'closed_there' else 'closed_here' end end
    as disagreement
"""

_CLOSED: Final = text("""
    update referrals set case_closed_at = clock_timestamp() where reference = :reference and case_closed_at is null""")
_TICKETS: Final = text(f"""
    select distinct on (r.channel) r.channel, r.kind, r.revision, r.policy, r.kept_from
    from referrals r
    where r.reference = :reference and not {WITHDRAWN_THERE} and exists (
        select from referrals t
        where t.reference = r.reference and t.channel = r.channel
          and not {NOT_OF_A_TICKET.format(row="t")} and t.state in ('due', 'leased', 'sent', 'acknowledged'))
      and not exists (
        select from referrals t
        where t.reference = r.reference and t.channel = r.channel
          and (t.notice = 'closed' or t.ticket = 'resolved' or t.outcome = 'gone'))
    order by r.channel, r.revision desc""")  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class HasTicket:
    """A channel that has, or is about to have, an open ticket of the case."""

    channel: str
    kind: str
    revision: int
    """Of the last referral there."""
    policy: str
    kept_from: tuple[str, ...]


def case_closed(connection: Connection, reference: str) -> None:
    """Write to the case's referrals that it is closed."""
    connection.execute(_CLOSED, {"reference": reference})


def open_tickets(connection: Connection, reference: str) -> list[HasTicket]:
    """Return where the case may have an open ticket that nobody was told to close."""
    rows = connection.execute(_TICKETS, {"reference": reference})
    return [HasTicket(row.channel, row.kind, row.revision, row.policy, tuple(row.kept_from)) for row in rows]
