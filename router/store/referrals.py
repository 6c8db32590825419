"""The outbox for those who send: lease, renew, give back, settle. All times are PostgreSQL's.

A lease is one conditional UPDATE; its number is the fence: whoever lost it changes nothing.
Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, text

from router.errors import NOT_SEEN
from router.model import LeasedReferral, Payload, Referral
from router.store.digests import stand_for
from router.store.hints import NOT_OF_A_TICKET, look_now
from router.vocabulary import Notice, Proven

RAN_OUT = """
    (state = 'leased' and (lease_until < clock_timestamp()
                           or lease_until > clock_timestamp() + make_interval(secs => :longest_s)))
"""
OPEN_NOW = f"""
    (state = 'due' and (due_at <= clock_timestamp()
                        or coalesce(leased_at, retried_at, first_due_at) > clock_timestamp())
     or {RAN_OUT})
"""
"""A row touched in the future was so before the clock was set back; then neither `due_at` means anything."""
IN_TURN = """
    (revision = 1 or not exists (
        select from referrals earlier
        where earlier.reference = r.reference and earlier.channel = r.channel
          and earlier.revision < r.revision and earlier.state in ('due', 'leased')))
"""
"""A reminder of an earlier revision may wait for weeks: it holds up nothing. One that is being sent does."""
_BROKEN = """
    case state when 'leased' then r.attempts - r.retried_after - (
        select count(*) from attempts a where a.referral = r.id and a.attempt > r.retried_after) else 0 end
"""
"""How often it was leased without a line of how that ended, since a person last asked for it."""
_BROKE = f"({_BROKEN} > 1)"
"""Twice: it, or one beside it, ended its worker."""
_BACK = "case when r.settled_at is null then 'due' else 'recalled' end"
"""Where a lease goes back to: whoever withdrew the referral meanwhile has noted when, and why."""
_UNWANTED = "(e.state <> 'sent' and r.settled_at is not null)"
"""Of an attempt that ended so: it did not get through, and nobody wants it to any more. So it is not dead either."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt ended.

    `state` is sent, dead, due again after `wait_s` seconds, draft: not approved so, or in_hand: before a person.
    """

    referral: LeasedReferral
    state: str
    outcome: str
    started_at: datetime
    remote_id: str | None = None
    wait_s: float = 0.0
    took_ms: int | None = None
    proven: Proven | None = None
    """What the channel showed, if it was sent."""
    ambiguous: bool = False
    """It may have taken effect although nobody said so."""
    looks_wanted: int = 0
    """How often a channel that shows things late must then be seen to have nothing; 0: it shows them at once."""
    look_after_s: float | None = None
    """How long after it was sent the far side is looked at again; None: such a channel shows nothing more."""
    document: Payload | None = field(default=None, repr=False)
    """What was sent, if it is kept; with the receipt."""
    receipt: bytes | None = field(default=None, repr=False)
    """What the outside body answered, if that is kept."""

    @property
    def unsure(self) -> int:
        """How often the far side must still be seen to have nothing before anything may be made there."""
        before = self.referral.unsure
        if self.state == "sent":
            return 0
        if self.ambiguous:
            return max(before, self.looks_wanted)
        return max(before - 1, 0) if self.outcome == NOT_SEEN else before


# Where things show late, a note must not take the ticket that it belongs into for one that was never made.
_TOLD_BEFORE = f"""
    case when r.revision > 1 and :looks_wanted > 0 then (
        select e.remote_id from referrals e
        where e.reference = r.reference and e.channel = r.channel and e.revision < r.revision
          and e.remote_id is not null and not {NOT_OF_A_TICKET.format(row="e")}
        order by e.revision limit 1) end as told_before
"""  # noqa: S608 - our own words
# Read again at each lease, so that nothing leaves by a state alone: a draft must have ended approved, by enough
# different people who are not its drafter and none of whom refused it. What they approved of it before does not count.
_APPROVED: Final = """
    exists (select from drafts d where d.referral = r.id) as drafted,
    array(select a.digest from drafts d join approvals a on a.referral = d.referral
          where d.referral = r.id and d.ended = 'approved' and a.digest = d.digest
            and not exists (select from approvals n where n.referral = d.referral and n.verdict = 'refused')
            and a.verdict = 'approved' and 'person:' || a.handle <> d.drafted_by
          group by a.digest, d.needed having count(distinct a.handle) >= d.needed) as approved
"""
_LEASE: Final = text(f"""
    with picked as (
        select id, {_BROKEN} as broken, case state when 'leased' then :looks_wanted else 0 end as looks
        from referrals r
        where channel = :channel and {OPEN_NOW} and {IN_TURN}
          and (cast(:broke as bool) is null or {_BROKE} = :broke)
        order by due_at limit :limit for update skip locked)
    update referrals r set state = case when r.settled_at is null then 'leased' else 'recalled' end,
           lease_no = lease_no + 1, attempts = attempts + (r.settled_at is null)::int,
           unsure = greatest(r.unsure, picked.looks),
           leased_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => :longest_s)
    from picked where r.id = picked.id
    returning r.state, r.id, r.reference, r.channel, r.fields, r.lease_no, r.attempts, r.retried_after,
              picked.broken, r.first_due_at, r.kept_from, r.unsure, r.remote_id, {_TOLD_BEFORE}, {_APPROVED},
              extract(epoch from clock_timestamp() - coalesce(r.retried_at, r.first_due_at))::float8 as age_s""")  # noqa: S608 - our own words


def lease(
    connection: Connection,
    channel: str,
    *,
    limit: int,
    lease_s: float,
    broke: bool | None = None,
    looks_wanted: int = 0,
) -> list[LeasedReferral]:
    """Lease up to `limit` due referrals of `channel` for `lease_s` seconds, oldest first.

    Counts the attempt before anything is sent. A revision is leased only when no earlier one of
    the same case and channel is unsettled. Skips what another worker is just leasing. With
    `broke` only those whose workers ended twice, which should be sent alone; without, only others.
    What was withdrawn while a worker had it that did not come back is recalled instead. Whatever such a
    worker left may have been sent: the far side must then be looked at `looks_wanted` times, 0 where it shows at once.
    """
    values = {
        "channel": channel,
        "limit": limit,
        "longest_s": float(lease_s),
        "broke": broke,
        "looks_wanted": looks_wanted,
    }
    rows = connection.execute(_LEASE, values)
    return [_leased(row._mapping) for row in rows if row.state == "leased"]  # noqa: SLF001 - SQLAlchemy's public name


def _leased(row: Any) -> LeasedReferral:
    """A row that another version wrote and that we cannot read must not keep the others from being sent."""
    try:
        fields, readable = Referral.model_validate(row["fields"]), True
    except ValidationError:
        fields, readable = Referral.model_construct(reference=row["reference"]), False
    return LeasedReferral(
        id=row["id"],
        channel=row["channel"],
        fields=fields,
        lease_no=row["lease_no"],
        attempts=row["attempts"],
        retried_after=row["retried_after"],
        broke=row["broken"],
        first_due_at=row["first_due_at"],
        age_s=row["age_s"],
        kept_from=tuple(row["kept_from"]),
        unsure=row["unsure"],
        remote_id=row["remote_id"],
        told_before=row["told_before"],
        drafted=row["drafted"],
        approved=tuple(row["approved"]),
        readable=readable,
    )


_RENEW: Final = text("""
    update referrals r set lease_until = clock_timestamp() + make_interval(secs => :lease_s)
    from unnest(cast(:ids as text[]), cast(:numbers as int[])) as h(id, lease_no)
    where r.id = h.id and r.lease_no = h.lease_no and r.state = 'leased' and r.settled_at is null
      and r.lease_until >= clock_timestamp()
    returning r.id""")


def renew(connection: Connection, held: Sequence[LeasedReferral], *, lease_s: float) -> set[str]:
    """Extend by `lease_s` the leases that are ours and wanted still; return their ids. The others must not be sent."""
    values = {"ids": [h.id for h in held], "numbers": [h.lease_no for h in held], "lease_s": float(lease_s)}
    return set(connection.execute(_RENEW, values).scalars())


def give_back(connection: Connection, held: Sequence[LeasedReferral], *, wait_s: float = 0.0) -> None:
    """Return leases that were not used: due again after `wait_s` seconds, and the attempt not counted."""
    query = text(f"""
        update referrals r set state = {_BACK}, attempts = attempts - 1, lease_until = null,
               due_at = case when :wait_s > 0 then clock_timestamp() + make_interval(secs => :wait_s) else due_at end
        from unnest(cast(:ids as text[]), cast(:numbers as int[])) as h(id, lease_no)
        where r.id = h.id and r.lease_no = h.lease_no and r.state = 'leased'""")  # noqa: S608 - our own words
    numbers = [h.lease_no for h in held]
    connection.execute(query, {"ids": [h.id for h in held], "numbers": numbers, "wait_s": float(wait_s)})


# Rows, lines and audit entries of a batch travel as one value and are written by one statement.
_SETTLE: Final = text(f"""
    with ended as materialized (
        select * from jsonb_to_recordset(cast(:ended as jsonb)) as e(
            id text, lease_no int, reference text, channel text, attempt int, state text, outcome text, remote_id text,
            wait_s float8, proof text, unsure int, look_s float8, started_at timestamptz, took_ms int)),
    settled as (
        update referrals r
        set state = case when {_UNWANTED} then 'recalled' else e.state end,
            outcome = case when {_UNWANTED} then r.outcome else e.outcome end,
            remote_id = coalesce(e.remote_id, r.remote_id), proof = coalesce(e.proof, r.proof), unsure = e.unsure,
            lease_until = null,
            due_at = case e.state when 'due' then clock_timestamp() + make_interval(secs => e.wait_s) else due_at end,
            settled_at = case when e.state in ('due', 'draft', 'in_hand') or {_UNWANTED} then r.settled_at
                         else clock_timestamp() end,
            look_at = case e.state when 'sent' then least(r.look_at, clock_timestamp() + e.look_s * interval '1 s')
                      else r.look_at end
        from ended e where r.id = e.id and r.lease_no = e.lease_no and r.state = 'leased'
        returning r.id, r.lease_no, r.state),
    tried as (
        insert into attempts (referral, attempt, started_at, took_ms, outcome, remote_id)
        select e.id, e.attempt, e.started_at, e.took_ms,
               e.outcome || case when s.id is null then '_after_lease' else '' end, e.remote_id
        from ended e left join settled s on s.id = e.id and s.lease_no = e.lease_no),
    noted as (
        insert into audit (actor, action, object, outcome, detail)
        select 'worker', 'referral_' || s.state, e.reference, e.outcome, e.channel
        from ended e join settled s on s.id = e.id and s.lease_no = e.lease_no
        where s.state in ('sent', 'dead', 'draft', 'in_hand')),
    handed as (insert into handovers (referral) select s.id from settled s where s.state = 'in_hand'
               on conflict do nothing)
    select id, lease_no from settled""")  # noqa: S608 - our own words


def settle(connection: Connection, ended: Sequence[Ended]) -> set[str]:
    """Write how attempts ended, with their line and audit entry; return the ids that were still ours.

    An attempt whose lease was lost in the meantime changes nothing but leaves its line as evidence; if it made
    something, the far side is looked at soon, and what was recalled there before is recalled once more. What was
    withdrawn in the meantime and did not get through is neither due again nor dead. What can never be delivered brings
    forward what its case has waiting for that. With a mail of a fixed time, what waited for it is sent.
    """
    rows = orjson.dumps([_ended_row(e) for e in ended]).decode()
    ours = set(map(tuple, connection.execute(_SETTLE, {"ended": rows})))
    won = [e for e in ended if (e.referral.id, e.referral.lease_no) in ours]
    bring_forward(connection, [e.referral.id for e in won if e.state == "dead"])
    stand_for(connection, [e.referral.id for e in won if _is_mail_for_others(e)])
    _look_at_closed(connection, won)
    if len(won) < len(ended):
        lost = [e for e in ended if (e.referral.id, e.referral.lease_no) not in ours]
        _look_soon(connection, [e.referral.id for e in lost if _made(e)])
        _recall_again(connection, [e.referral.id for e in lost if e.state == "sent" or e.remote_id or e.ambiguous])
    return {e.referral.id for e in won}


def _ended_row(ended: Ended) -> dict[str, object]:
    leased = ended.referral
    return {
        "id": leased.id,
        "lease_no": leased.lease_no,
        "reference": leased.fields.reference,
        "channel": leased.channel,
        "attempt": leased.attempts,
        "state": ended.state,
        "outcome": ended.outcome,
        "remote_id": ended.remote_id,
        "wait_s": ended.wait_s,
        "proof": ended.proven,
        "unsure": ended.unsure,
        "look_s": ended.look_after_s,
        "started_at": ended.started_at,
        "took_ms": ended.took_ms,
    }


def _is_mail_for_others(ended: Ended) -> bool:
    """Say whether it is a mail of a fixed time that was accepted."""
    return ended.state == "sent" and ended.referral.fields.notice is Notice.DIGEST


def _made(ended: Ended) -> bool:
    """Say whether it made, or found, something that a look would show."""
    return ended.remote_id is not None and ended.look_after_s is not None


def bring_forward(connection: Connection, dead: Sequence[str]) -> None:
    """Let what the cases of `dead` referrals have waiting for delivery come now: there is nothing to wait for.

    Only if the dead one was the channel's first word of the case. Whoever has such a row just now withdraws or flips
    it; waiting for them could end in a deadlock.
    """
    if not dead:
        return
    query = text("""
        with waiting as (
            select s.id from referrals d join referrals s on s.reference = d.reference
            where d.id = any(:dead) and d.state = 'dead' and (d.notice is null or d.notice = 'instead')
              and s.state = 'standby' and s.awaited = 'delivery' and s.due_at > clock_timestamp()
              and (s.instead_of is null or s.instead_of = d.channel)
            for update of s skip locked)
        update referrals r set due_at = clock_timestamp() from waiting where r.id = waiting.id""")
    connection.execute(query, {"dead": list(dead)})


def _look_soon(connection: Connection, lost: Sequence[str]) -> None:
    """Have the far side looked at: two workers may each have made something there."""
    if lost:
        query = text("update referrals set look_at = clock_timestamp() where id = any(:lost)")
        connection.execute(query, {"lost": list(lost)})


def _look_at_closed(connection: Connection, won: Sequence[Ended]) -> None:
    """Have tickets looked at that we closed: the ledger says what the far side shows, not what we asked for."""
    for ended in won:
        if ended.state == "sent" and ended.referral.fields.notice is Notice.CLOSED and ended.remote_id is not None:
            look_now(connection, ended.referral.channel, [ended.remote_id])


def _recall_again(connection: Connection, lost: Sequence[str]) -> None:
    """Have what was recalled before recalled once more: it may have come after the recall, and nobody looks there.

    A recall that is still to be sent comes after it as it is.
    """
    if lost:
        query = text("""
            with before as (
                select w.id from referrals w join referrals r on w.reference = r.reference and w.channel = r.channel
                where r.id = any(:lost) and w.notice = 'recalled' and w.revision > r.revision
                  and w.state in ('sent', 'acknowledged')
                for update of w skip locked)
            update referrals r set state = 'due', due_at = clock_timestamp(), settled_at = null, outcome = null
            from before where r.id = before.id""")
        connection.execute(query, {"lost": list(lost)})
