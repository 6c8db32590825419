"""How each channel does, as the pager and the gauges see it: what waits and since when, what is dead, what is shut.

Reads a few rows of each channel, or what waits there, whatever else the ledger holds; never a referral's fields. All
times are PostgreSQL's. Functions take a connection and change nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from router.store.breaker import HOPELESS
from router.store.endings import DISAGREES
from router.vocabulary import Breaker, Notice, Proven

LOOK_BACK_S: Final = 2 * 24 * 3600.0
"""What happened before is told of no more: later looks at what was sent end sooner, and so do retries begun before."""
GRACE_S: Final = 1800.0
"""Who closes a ticket, or a case, has so long to close the other as well before somebody is told."""
_LOCK: Final = 0x636F6E_70616765  # "con" "page": any number that nothing else of ours locks

_OPEN = text("""
    select channel, count(*) as due,
           extract(epoch from clock_timestamp() - min(coalesce(retried_at, first_due_at)))::float8 as oldest_s
    from referrals where state in ('due', 'leased') group by channel""")
_IN_HAND = text("""
    select channel, count(*) as in_hand,
           extract(epoch from clock_timestamp() - min(first_due_at))::float8 as in_hand_s
    from referrals where state = 'in_hand' group by channel""")
_DEAD = text("select channel, count(*) as dead, max(settled_at) as at from referrals where state = 'dead' group by 1")
_STATES = text("""
    select channel, breaker, breaker <> 'closed' and (named is not null or code = any(:hopeless)) as held
    from channel_states""")
_SECOND = text("""
    select channel, array_agg(reference order by first_due_at, reference) as found from referrals
    where outcome in ('second_closed', 'second_left')
      and first_due_at > clock_timestamp() - make_interval(secs => :back_s)
    group by channel""")
# Only what is looked at later can be proved later; what is not looked at any more is not asked for. Nobody takes what
# was withdrawn.
_UNPROVEN = text("""
    select exists (
        select from referrals r
        where channel = :channel and look_at is not null and state = 'sent'
          and (notice is null or notice in ('instead', 'corrected', 'drill'))
          and (:acknowledged or proof is distinct from 'visible' or outcome = 'gone')
          and coalesce(retried_at, first_due_at) <= statement_timestamp() - make_interval(secs => :late_s)
          and not exists (select from referrals w where w.reference = r.reference and w.channel = r.channel
                            and w.notice = 'recalled'))""")
_DISAGREEING = text(f"""
    select channel, max(at) filter (where ticket = 'resolved') as there,
           max(at) filter (where ticket <> 'resolved') as here
    from (select r.channel, r.ticket, greatest(r.ticket_at, r.case_closed_at) + make_interval(secs => :grace_s) as at
          from referrals r where {DISAGREES}) as found
    where at between clock_timestamp() - make_interval(secs => :back_s) and clock_timestamp()
    group by channel""")  # noqa: S608 - our own words
_TOLD = text("""
    select about, notice, max(first_due_at) as at from referrals
    where about is not null and notice = any(:notices)
      and first_due_at between clock_timestamp() - make_interval(secs => :back_s) and clock_timestamp()
    group by about, notice""")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one channel does."""

    due: int = 0
    """Referrals that are due or being sent."""
    oldest_s: float = 0.0
    """For how long the oldest of them has been due."""
    in_hand: int = 0
    """Referrals that lie before a person, who has not handed them over."""
    in_hand_s: float = 0.0
    """For how long the oldest of them has."""
    dead: int = 0
    died_at: datetime | None = None
    """When the last one died."""
    breaker: Breaker = Breaker.CLOSED
    held: bool = False
    """It is not used because its settings do not fit the other side: waiting alone does not mend that."""
    doubled: tuple[str, ...] = ()
    """Lately sent referrals of which there were two over there, by reference, oldest first."""
    closed_there_at: datetime | None = None
    """Since when somebody should be told of the last ticket that is closed while its case is open."""
    closed_here_at: datetime | None = None
    """The same of the last case that is closed while its ticket is open."""


@dataclass(frozen=True, slots=True)
class Standings:
    """How all channels do, and what was said about them lately."""

    now: datetime
    channels: Mapping[str, Standing]
    """By name, those that have anything to show; the others do as `Standing()` says."""
    told: Mapping[tuple[str, Notice], datetime] = field(default_factory=dict)
    """When each kind of notice was last posted about a channel."""

    def of(self, channel: str) -> Standing:
        """Return how `channel` does."""
        return self.channels.get(channel, Standing())


def pager_is_ours(connection: Connection) -> bool:
    """Say whether no other process looks after the channels just now; if so, none will until the transaction ends."""
    query = text("select pg_try_advisory_xact_lock(:lock)")
    return bool(connection.execute(query, {"lock": _LOCK}).scalar_one())


def standings(connection: Connection, notices: Iterable[Notice]) -> Standings:
    """Return how the channels do now, and when each of `notices` was last posted about each."""
    found: dict[str, dict[str, Any]] = {}

    def note(rows: Any, **names: str) -> None:
        for row in rows:
            found.setdefault(row.channel, {}).update({ours: getattr(row, theirs) for ours, theirs in names.items()})

    note(connection.execute(_OPEN), due="due", oldest_s="oldest_s")
    note(connection.execute(_IN_HAND), in_hand="in_hand", in_hand_s="in_hand_s")
    note(connection.execute(_DEAD), dead="dead", died_at="at")
    note(connection.execute(_STATES, {"hopeless": sorted(HOPELESS)}), breaker="breaker", held="held")
    note(connection.execute(_SECOND, {"back_s": LOOK_BACK_S}), doubled="found")
    disagreeing = connection.execute(_DISAGREEING, {"grace_s": GRACE_S, "back_s": LOOK_BACK_S})
    note(disagreeing, closed_there_at="there", closed_here_at="here")
    told = connection.execute(_TOLD, {"notices": [notice.value for notice in notices], "back_s": LOOK_BACK_S})
    return Standings(
        now=connection.execute(text("select clock_timestamp()")).scalar_one(),
        channels={name: _standing(values) for name, values in found.items()},
        told={(row.about, Notice(row.notice)): row.at for row in told},
    )


def _standing(values: Mapping[str, Any]) -> Standing:
    more = {
        "oldest_s": max(0.0, values.get("oldest_s", 0.0)),
        "breaker": Breaker(values.get("breaker", Breaker.CLOSED)),
        "doubled": tuple(values.get("doubled", ())),
    }
    return Standing(**{**values, **more})


def unproven(connection: Connection, channel: str, *, wanted: Proven, late_after: timedelta) -> bool:
    """Say whether something that `channel` accepted has not shown `wanted` for `late_after`, and is looked at still.

    Asked of cases and drills alone: nobody takes a reminder.
    """
    values = {
        "channel": channel,
        "acknowledged": wanted is Proven.ACKNOWLEDGED,
        "late_s": late_after.total_seconds(),
    }
    return bool(connection.execute(_UNPROVEN, values).scalar_one())


def kept_from_there(connection: Connection, channel: str) -> frozenset[str]:
    """Return the teams that must know nothing of something which is under way to `channel`, or looked at there."""
    query = text("""
        select distinct unnest(kept_from) from referrals
        where channel = :channel and kept_from <> '{}'
          and (state in ('due', 'leased', 'in_hand', 'dead')
               or (state = 'sent' and look_at is not null))""")
    return frozenset(connection.execute(query, {"channel": channel}).scalars())
