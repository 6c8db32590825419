"""What people decide about referrals that did not get through: try again, or give up. All times are PostgreSQL's.

Each act is one conditional UPDATE, so a worker that has the row meanwhile, or a second person, loses nothing. What was
sent stays sent. Functions take a connection and never commit; ring the channels after the commit.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from router.store.standby import WITHDRAWN
from router.vocabulary import ReferralState

BATCH: Final = 1000
"""Dead referrals that are tried again in one transaction."""
GIVEN_UP: Final = "given_up"

# Due as if for the first time: with the time and the tries that a new one has. But what may be there already, and does
# not show yet, is looked for no sooner than it was going to be: whoever asks three times would get three of it.
_AGAIN: Final = """
    state = 'due', settled_at = null, leased_at = null, retried_at = clock_timestamp(), retried_after = attempts,
    due_at = case when state = 'due' and (unsure > 0 or due_at < clock_timestamp()) then due_at
                  else clock_timestamp() end
"""


class Moved(NamedTuple):
    """A referral that somebody decided about."""

    reference: str
    channel: str
    revision: int
    state: str
    """`leased`: a worker has it just now, and the decision counts as soon as it does not get through."""
    waits_until: datetime | None
    """It may be there already: then it is looked for, and not before."""


def now(connection: Connection) -> datetime:
    """Return the database's time."""
    found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return found


def retry(connection: Connection, reference: str, channel: str | None = None) -> list[Moved]:
    """Make due now what of `reference`, or of it to `channel`, is dead or waits for another try; return which.

    Only where something may be there already it keeps its time.
    """
    return _moved(
        connection,
        f"""
        update referrals set {_AGAIN}
        where reference = :reference and (cast(:channel as text) is null or channel = :channel)
          and state in ('due', 'dead')""",  # noqa: S608 - our own words
        reference=reference,
        channel=channel,
    )


def retry_dead(connection: Connection, channel: str, *, until: datetime, limit: int = BATCH) -> list[Moved]:
    """Make due now up to `limit` that are dead for `channel` since `until` or longer, longest first; return which.

    Fewer than `limit` come back when there are no more. What dies anew while this goes on is left alone.
    """
    return _moved(
        connection,
        f"""
        with dead as (
            select id from referrals where channel = :channel and state = 'dead' and settled_at <= :until
            order by settled_at, revision limit :limit for update)
        update referrals set {_AGAIN} from dead where referrals.id = dead.id""",  # noqa: S608 - our own words
        channel=channel,
        until=until,
        limit=limit,
    )


def give_up(connection: Connection, reference: str, channel: str, *, waiting: bool = False) -> list[Moved]:
    """Withdraw what of `reference` to `channel` is due, dead, being sent or to be handed over; return which.

    With `waiting` also what waits for its time. What a worker just has it may send, but it does not try again.
    """
    return _moved(
        connection,
        f"""
        update referrals set {WITHDRAWN}
        where reference = :reference and channel = :channel
          and (state in ('due', 'dead', 'in_hand') or state = 'leased' and settled_at is null
               or :waiting and state = 'standby')
        """,  # noqa: S608 - our own words
        reference=reference,
        channel=channel,
        waiting=waiting,
        outcome=GIVEN_UP,
    )


def states(connection: Connection, reference: str, channel: str | None = None) -> frozenset[ReferralState]:
    """Return in which states the referrals of `reference`, or those to `channel`, are; none when there are none."""
    query = text("""
        select distinct state from referrals
        where reference = :reference and (cast(:channel as text) is null or channel = :channel)""")
    found = connection.execute(query, {"reference": reference, "channel": channel}).scalars()
    return frozenset(map(ReferralState, found))


def _moved(connection: Connection, change: str, **values: Any) -> list[Moved]:
    waits = "case when state = 'due' and due_at > clock_timestamp() then due_at end"
    rows = connection.execute(text(f"{change} returning reference, channel, revision, state, {waits}"), values)
    return sorted((Moved(*row) for row in rows), key=lambda row: row[:3])
