"""Later looks at the far side: which referrals are due for one, and what it showed. All times are PostgreSQL's.

A look needs no lease: whoever takes one moves it on, and a look that comes to nothing comes again by itself.
Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection, text

from router.model import AuditEntry, LeasedReferral, Referral, Seen
from router.store.audit import note
from router.store.channelstates import NOT_SHUT
from router.vocabulary import Proven, ReferralState

AGAIN_S: Final = 600.0
"""A look that was taken and of which nothing was heard comes again after this."""
LAST_S: Final = 7 * 24 * 3600.0
"""A referral that was sent so long ago, and whose looks came to nothing, is looked at once more."""
FURTHEST_S: Final = 2 * 24 * 3600.0
"""No look is put off for longer: one that is further off is from before the clock was set back, and due."""
GONE: Final = "gone"
SECOND_CLOSED: Final = "second_closed"
SECOND_LEFT: Final = "second_left"

_TAKE = text(f"""
    with picked as (
        select id from referrals r
        where channel = :channel and state in ('sent', 'acknowledged')
          and (look_at <= clock_timestamp()
               or look_at > clock_timestamp() + make_interval(secs => {FURTHEST_S:.0f}))
          and {NOT_SHUT}
        order by look_at limit :limit for update skip locked)
    update referrals r
    set look_at = case when settled_at > clock_timestamp() - make_interval(secs => :last_s)
                       then clock_timestamp() + make_interval(secs => :again_s) end
    from picked where r.id = picked.id
    returning r.id, r.reference, r.channel, r.fields, r.lease_no, r.attempts, r.first_due_at, r.remote_id, r.state,
              r.outcome""")  # noqa: S608 - our own words
_WRITE = text("""
    update referrals r
    set looks = r.looks + 1,
        look_at = clock_timestamp() + make_interval(secs => (cast(:waits as float8[]))[r.looks + 2]),
        remote_id = coalesce(:remote_id, r.remote_id),
        proof = case when 'acknowledged' in (:proof, r.proof) then 'acknowledged' else coalesce(:proof, r.proof) end,
        state = case when :proof = 'acknowledged' then 'acknowledged' else r.state end,
        acknowledged_at = case when :proof = 'acknowledged' then coalesce(r.acknowledged_at, clock_timestamp())
                               else r.acknowledged_at end,
        outcome = coalesce(:outcome, r.outcome)
    where r.id = :id and r.lease_no = :lease_no and r.state in ('sent', 'acknowledged')""")


@dataclass(frozen=True, slots=True)
class Look:
    """A referral to look at, and how it stood when the look was taken."""

    referral: LeasedReferral
    state: ReferralState
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What is new since the last look, for those who must hear of it."""

    acknowledged: bool = False
    gone: bool = False
    closed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def take_looks(connection: Connection, channel: str, *, limit: int) -> list[Look]:
    """Return up to `limit` referrals whose look is due, longest due first; none while the channel is shut."""
    values = {"channel": channel, "limit": limit, "again_s": AGAIN_S, "last_s": LAST_S}
    return [_look(row) for row in connection.execute(_TAKE, values).mappings()]


def _look(row: Any) -> Look:
    try:
        fields, readable = Referral.model_validate(row["fields"]), True
    except ValidationError:  # another version's: what to look for is the reference all the same
        fields, readable = Referral.model_construct(reference=row["reference"]), False
    referral = LeasedReferral(
        id=row["id"],
        channel=row["channel"],
        fields=fields,
        lease_no=row["lease_no"],
        attempts=row["attempts"],
        first_due_at=row["first_due_at"],
        remote_id=row["remote_id"],
        readable=readable,
    )
    return Look(referral, ReferralState(row["state"]), row["outcome"])


def write_seen(connection: Connection, look: Look, seen: Seen, *, waits_s: Sequence[float]) -> Told:
    """Write what a look showed, when the next one is due, and the audit's entries; return what is new.

    `waits_s` are the waits before each look, the first one included. What was shown before is not taken back: a
    person who took it did. A referral that was sent again meanwhile keeps what that showed.
    """
    told = _news(look, seen)
    values = {
        "id": look.referral.id,
        "lease_no": look.referral.lease_no,
        "remote_id": seen.remote_id,
        "proof": seen.proven.value if seen.proven is not None else None,
        "outcome": _outcome(seen),
        "waits": list(waits_s),
    }
    if connection.execute(_WRITE, values).rowcount == 0:
        # Tickets that were closed are closed all the same.
        told = Told(closed=seen.closed)
    note(connection, _entries(look.referral, told))
    return told


def _news(look: Look, seen: Seen) -> Told:
    return Told(
        acknowledged=seen.proven is Proven.ACKNOWLEDGED and look.state is ReferralState.SENT,
        gone=seen.remote_id is None and look.outcome != GONE,
        closed=seen.closed,
        left=() if look.outcome == SECOND_LEFT else seen.left,
    )


def _outcome(seen: Seen) -> str | None:
    if seen.remote_id is None:
        return GONE
    if seen.left:
        return SECOND_LEFT
    return SECOND_CLOSED if seen.closed else None


def _entries(referral: LeasedReferral, told: Told) -> list[AuditEntry]:
    """Return one entry for each thing that is new; a second ticket is named by the far side's own number."""
    what = [("referral_acknowledged", "")] * told.acknowledged + [("referral_gone", "")] * told.gone
    what += [("second_ticket_closed", f" {number}") for number in told.closed]
    what += [("second_ticket_left", f" {number}") for number in told.left]
    reference, channel = referral.fields.reference, referral.channel
    return [AuditEntry("worker", action, reference, detail=f"{channel}{number}") for action, number in what]
