"""Later looks at the far side: which referrals are due for one, and what it showed. All times are PostgreSQL's.

A look needs no lease: whoever takes one moves it on, and a look that comes to nothing comes again by itself.
Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection, text

from router.model import AuditEntry, LeasedReferral, Referral, Seen
from router.store.audit import note
from router.store.channelstates import NOT_SHUT
from router.store.hints import OWNS, WITHDRAWN_THERE
from router.vocabulary import Proven, ReferralState, TicketState

AGAIN_S: Final = 600.0
"""A look that was taken and of which nothing was heard comes again after this."""
LAST_S: Final = 7 * 24 * 3600.0
"""A referral that was sent so long ago, and whose looks came to nothing, is looked at once more."""
FURTHEST_S: Final = 2 * 24 * 3600.0
"""No look is put off for longer: one that is further off is from before the clock was set back, and due."""
GONE: Final = "gone"
SECOND_CLOSED: Final = "second_closed"
SECOND_LEFT: Final = "second_left"

OPEN_AGAIN_S: Final = 24 * 3600.0
"""After the last planned look, as long as ticket and case are not both closed, another one comes after this."""
MOST_REOPENS: Final = 2
"""A ticket that is closed there once more is not opened again: something over there closes it by itself."""

_OF_CASE: Final = f"(r.case_reference is not null and {OWNS})"
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
                       then clock_timestamp() + make_interval(secs => :again_s)
                       when ticket is not null then clock_timestamp() + make_interval(secs => {OPEN_AGAIN_S:.0f}) end
    from picked where r.id = picked.id
    returning r.id, r.reference, r.channel, r.fields, r.lease_no, r.attempts, r.first_due_at, r.remote_id, r.state,
              r.outcome, r.ticket, r.reopens,
              extract(epoch from clock_timestamp() - r.ticket_at)::float8 as ticket_s,
              r.case_closed_at is null and {_OF_CASE} and not {WITHDRAWN_THERE} as open_here""")  # noqa: S608 - our own words
# What the far side did by our own doing is told apart by the note that asked for it, if it was as before until then.
# A look that was asked for while this one was made is still due: it may have come too late for this one.
_WRITE = text(f"""
    with before as (
        select r.id, r.ticket, {_OF_CASE} and not {WITHDRAWN_THERE} as keeps, exists (
            select from referrals n where n.reference = r.reference and n.channel = r.channel and n.notice = 'closed'
               and (n.state = 'leased' or n.state in ('sent', 'acknowledged')
                    and (r.ticket_at is null or n.settled_at >= r.ticket_at))) as ours
        from referrals r
        where r.id = :id and r.lease_no = :lease_no and r.state in ('sent', 'acknowledged') for update of r),
    shown as (
        select id, ticket as was, keeps, ours, case
            when not keeps or cast(:resolved as bool) is null then ticket
            when :resolved then 'resolved'
            when ticket = 'resolved' then 'reopened'
            else coalesce(ticket, 'open') end as ticket
        from before)
    update referrals r
    set looks = least(r.looks + 1, 32767),
        look_at = case when r.look_at <= clock_timestamp() then r.look_at else
          clock_timestamp() + make_interval(secs => least(
            coalesce((cast(:waits as float8[]))[r.looks + 2],
                     case when shown.keeps and cast(:remote_id as text) is not null
                               and (shown.ticket <> 'resolved' or shown.ticket is not null and r.case_closed_at is null)
                          then {OPEN_AGAIN_S:.0f} end),
            case when shown.ticket = 'resolved' and r.case_closed_at is null and r.reopens < {MOST_REOPENS}
                 then cast(:reopen_s as float8) end)) end,
        remote_id = coalesce(:remote_id, r.remote_id),
        proof = case when 'acknowledged' in (:proof, r.proof) then 'acknowledged' else coalesce(:proof, r.proof) end,
        state = case when :proof = 'acknowledged' then 'acknowledged' else r.state end,
        acknowledged_at = case when :proof = 'acknowledged' then coalesce(r.acknowledged_at, clock_timestamp())
                               else r.acknowledged_at end,
        outcome = coalesce(:outcome, r.outcome), ticket = shown.ticket,
        ticket_at = case when shown.ticket is distinct from shown.was then clock_timestamp() else r.ticket_at end
    from shown where r.id = shown.id
    returning shown.was, shown.ticket, shown.ours""")  # noqa: S608 - our own words
_REOPENING = text("""
    update referrals set reopens = reopens + 1
    where id = :id and lease_no = :lease_no and reopens = :reopens and ticket = 'resolved'
      and case_closed_at is null""")
_REOPENED = text("""
    update referrals
    set ticket = 'reopened', ticket_at = clock_timestamp(),
        look_at = least(look_at, clock_timestamp() + make_interval(secs => :look_s))
    where id = :id and lease_no = :lease_no and ticket = 'resolved'""")


@dataclass(frozen=True, slots=True)
class Look:
    """A referral to look at, and how it stood when the look was taken."""

    referral: LeasedReferral
    state: ReferralState
    outcome: str | None
    ticket: TicketState | None = None
    """What the ticket was seen to be before, where it is a case's."""
    ticket_s: float = 0.0
    """For how many seconds."""
    reopens: int = 0
    """How often we opened it again."""
    open_here: bool = False
    """The ticket is this referral's, the case is open, and nothing was withdrawn."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is new since the last look, for those who must hear of it."""

    acknowledged: bool = False
    gone: bool = False
    closed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    resolved: bool = False
    reopened: bool = False
    ours: bool = False
    """What closed or opened it was asked for by us."""


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
    return Look(
        referral,
        ReferralState(row["state"]),
        row["outcome"],
        ticket=TicketState(row["ticket"]) if row["ticket"] else None,
        ticket_s=row["ticket_s"] or 0.0,
        reopens=row["reopens"],
        open_here=row["open_here"],
    )


def write_seen(
    connection: Connection, look: Look, seen: Seen, *, waits_s: Sequence[float], reopen_after_s: float | None = None
) -> Told:
    """Write what a look showed, when the next one is due, and the audit's entries; return what is new.

    `waits_s` are the waits before each look, the first one included. What was shown before is not taken back: a
    person who took it did. A referral that was sent again meanwhile keeps what that showed. After the last wait looks
    go on, further apart, until the ticket and its case are closed; `reopen_after_s` after a ticket was seen closed
    while its case is open there is one to open it again.
    """
    told = _news(look, seen)
    values = {
        "id": look.referral.id,
        "lease_no": look.referral.lease_no,
        "remote_id": seen.remote_id,
        "proof": seen.proven.value if seen.proven is not None else None,
        "outcome": _outcome(seen),
        "waits": list(waits_s),
        "resolved": seen.resolved,
        "reopen_s": reopen_after_s,
    }
    row = connection.execute(_WRITE, values).one_or_none()
    if row is None:
        # Tickets that were closed are closed all the same.
        told = Told(closed=seen.closed)
    elif row.was != row.ticket:
        became = TicketState(row.ticket)
        resolved, reopened = became is TicketState.RESOLVED, became is TicketState.REOPENED
        told = replace(told, resolved=resolved, reopened=reopened, ours=resolved and row.ours)
    note(connection, _entries(look.referral, told))
    return told


def claim_reopen(connection: Connection, look: Look) -> bool:
    """Count that we open the ticket again, before we do: however that ends, so often is enough.

    Return False when somebody else does, or the case was closed meanwhile.
    """
    values = {"id": look.referral.id, "lease_no": look.referral.lease_no, "reopens": look.reopens}
    return connection.execute(_REOPENING, values).rowcount == 1


def write_reopened(connection: Connection, look: Look, *, look_after_s: float) -> Told:
    """Write that we opened the ticket again, with the audit's entry; look at it again after that time at most."""
    values = {"id": look.referral.id, "lease_no": look.referral.lease_no, "look_s": look_after_s}
    told = Told(reopened=connection.execute(_REOPENED, values).rowcount == 1, ours=True)
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
    """Return one entry for each thing that is new; a second ticket is named by the far side's own number.

    Who closed or opened a ticket is said as a role: our own doing, or that of people or rules over there.
    """
    what = [("referral_acknowledged", "")] * told.acknowledged + [("referral_gone", "")] * told.gone
    what += [("second_ticket_closed", f" {number}") for number in told.closed]
    what += [("second_ticket_left", f" {number}") for number in told.left]
    role = " router" if told.ours else " staff"
    what += [("ticket_resolved", role)] * told.resolved + [("ticket_reopened", role)] * told.reopened
    reference, channel = referral.fields.reference, referral.channel
    return [AuditEntry("worker", action, reference, detail=f"{channel}{number}") for action, number in what]
