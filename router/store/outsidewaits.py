"""What waits for a person before it leaves the organisation, and what was said of that lately.

Codes and times only, never a referral's fields. All times are PostgreSQL's. Functions take a connection and change
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from router.store.ties import KEPT_FROM
from router.vocabulary import Notice, Severity

LOOK_BACK_S: Final = 2 * 24 * 3600.0
"""What was told before that is told again anyway: nothing waits longer for the next time."""
MOST: Final = 1000
"""So many drafts are looked at, the most severe and newest first: whoever has more is being told of them."""
_LOCK: Final = 0x6F757473_69646500  # "outside": any number that nothing else of ours locks

_DRAFTS = text(f"""
    select channel, severity, policy, kept_from, max(ripe_at) as ripe_at from (
        select r.channel, c.severity, c.policy, array({KEPT_FROM}) as kept_from,
               coalesce(d.drafted_at, r.first_due_at) + make_interval(secs => (:first_s)[c.severity + 1]) as ripe_at
        from referrals r join cases c on c.reference = r.case_reference
        left join drafts d on d.referral = r.id and d.ended is null
        where r.state = 'draft' and (d.expires_at is null or d.expires_at > clock_timestamp())
        order by c.severity desc, r.first_due_at desc limit :most) as waiting
    where ripe_at <= clock_timestamp()
    group by channel, severity, policy, kept_from order by severity desc, channel, policy, kept_from""")  # noqa: S608 - our own words
_TOLD = text("""
    select channel, about, max(first_due_at) as at from referrals
    where about is not null and notice = :notice
      and first_due_at between clock_timestamp() - make_interval(secs => :back_s) and clock_timestamp()
    group by channel, about""")


@dataclass(frozen=True, slots=True)
class Waits:
    """Something for one outside channel waits for people, and for so long that they should be told."""

    about: str
    """The channel by which it would leave."""
    policy: str
    """The digest of the policy that its case was decided by."""
    kept_from: tuple[str, ...]
    """Teams that must know nothing of the case, and so nothing of this."""
    ripe_at: datetime
    """When the newest of them should have been told of first."""
    again_after: timedelta
    """How long after somebody was told they are told again."""


@dataclass(frozen=True, slots=True)
class Lately:
    """What was told lately, and by which ways nothing gets through now."""

    now: datetime
    told: Mapping[tuple[str, str], datetime]
    """When each channel was last told about each."""
    failing: frozenset[str]


def watch_is_ours(connection: Connection) -> bool:
    """Say whether no other process looks after this just now; if so, none will until the transaction ends."""
    query = text("select pg_try_advisory_xact_lock(:lock)")
    return bool(connection.execute(query, {"lock": _LOCK}).scalar_one())


def drafts(
    connection: Connection, *, first: Mapping[Severity, timedelta], again: Mapping[Severity, timedelta]
) -> list[Waits]:
    """Return the drafts that wait for approvals longer than `first` says for their severity, the most severe first."""
    first_s = [first[severity].total_seconds() for severity in Severity]
    rows = connection.execute(_DRAFTS, {"first_s": first_s, "most": MOST})
    severities: Sequence[Severity] = tuple(Severity)
    return [
        Waits(row.channel, row.policy, tuple(row.kept_from), row.ripe_at, again[severities[row.severity]])
        for row in rows
    ]


def lately(connection: Connection, notice: Notice) -> Lately:
    """Return to whom this notice was posted lately, about what, and which channels are shut."""
    told = connection.execute(_TOLD, {"notice": notice.value, "back_s": LOOK_BACK_S})
    shut = connection.execute(text("select channel from channel_states where breaker <> 'closed'")).scalars()
    return Lately(
        now=connection.execute(text("select clock_timestamp()")).scalar_one(),
        told={(row.channel, row.about): row.at for row in told},
        failing=frozenset(shut),
    )
