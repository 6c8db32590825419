"""What a conflict found later changes: who may open the case, and what its channels were or would be told.

Functions take a connection and never commit.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from router.keyrecords import KeyWrap
from router.model import Facts
from router.store.casefile import DONE
from router.store.progress import CLAIMED, HELD_BACK
from router.store.standby import WITHDRAWN
from router.store.tables import case_conflicts, case_key_wraps
from router.vocabulary import Awaited


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """What a case was decided of and by, and what people have done with it since."""

    facts: Facts
    stored_facts: Mapping[str, Any]
    decision: Mapping[str, Any]
    """As it is stored."""
    state: str
    received_at: datetime
    statutory: bool
    """A person reported it."""
    policy: str
    policy_text: str
    channels_text: str
    holder: str | None
    """Who has claimed it."""
    done: frozenset[Awaited]
    """What need not be awaited any more; a claim may be given back."""
    now: datetime
    """The database's."""


class Told(NamedTuple):
    """A referral of the case as it stands."""

    channel: str
    kind: str
    revision: int
    state: str
    notice: str | None
    awaited: str | None
    due_at: datetime
    first_due_at: datetime
    attempts: int
    instead_of: str | None = None
    outcome: str | None = None
    kept_from: Sequence[str] = ()
    fields: Mapping[str, Any] = MappingProxyType({})
    """As they are stored."""
    withdrawn: bool = False
    """A worker has it just now, and does not try again: somebody withdrew it meanwhile."""

    @property
    def unsaid(self) -> bool:
        """Whether nothing was sent of it and nothing will be: it is a draft, or was withdrawn before any try."""
        return self.state == "draft" or (self.state == "recalled" and self.attempts == 0)


def locked_case(connection: Connection, reference: str) -> DecidedCase | None:
    """Return the case, None if there is none; nobody else changes it until the transaction ends."""
    return _case(connection, reference, "for update of c")


def decided_case(connection: Connection, reference: str) -> DecidedCase | None:
    """Return the case as it is now, None if there is none."""
    return _case(connection, reference, "")


def _case(connection: Connection, reference: str, lock: str) -> DecidedCase | None:
    query = text(f"""
        select c.facts, c.decision, c.state, c.received_at, c.client is null as statutory, c.policy,
               p.policy as policy_text, p.channels as channels_text, c.claimed_by, c.claimed_at,
               c.closed_at, c.acknowledged_at, c.feedback_at, clock_timestamp() as now
        from cases c join policies p on p.digest = c.policy where c.reference = :reference {lock}""")  # noqa: S608 - our own words
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, {"reference": reference}).one_or_none()
    if row is None:
        return None
    return DecidedCase(
        facts=Facts.model_validate(row.facts),
        stored_facts=row.facts,
        decision=row.decision,
        state=row.state,
        received_at=row.received_at,
        statutory=row.statutory,
        policy=row.policy,
        policy_text=row.policy_text,
        channels_text=row.channels_text,
        holder=row.claimed_by,
        done=_done(row),
        now=row.now,
    )


def _done(row: Row[*tuple[Any, ...]]) -> frozenset[Awaited]:
    done = {awaited for awaited, when in DONE.items() if any(getattr(row, at) for at in when)}
    return frozenset(done | HELD_BACK if row.closed_at else done - HELD_BACK)


def found(connection: Connection, reference: str) -> frozenset[str]:
    """Return the teams whose conflict was found after the case was decided."""
    query = select(case_conflicts.c.team).where(case_conflicts.c.reference == reference)
    return frozenset(connection.execute(query).scalars())


def add(connection: Connection, reference: str, team: str, found_by: str) -> None:
    """Write that `team` must know nothing of the case any more; nothing happens when it was written before."""
    row = {"reference": reference, "team": team, "found_by": found_by}
    connection.execute(upsert(case_conflicts).values(row).on_conflict_do_nothing())


def readers(connection: Connection, reference: str) -> frozenset[str]:
    """Return whom the case's key is sealed to: teams, and recovery."""
    query = text("""
        select distinct r.owner from case_key_wraps w join recipient_keys r on r.key_id = w.key_id
        where w.reference = :reference""")
    return frozenset(connection.execute(query, {"reference": reference}).scalars())


def take_key(connection: Connection, reference: str, team: str) -> bool:
    """Delete the case's key as it is sealed to any key that `team` ever had; return whether there was one."""
    query = text("""
        delete from case_key_wraps w using recipient_keys r
        where w.reference = :reference and r.key_id = w.key_id and r.owner = :team""")
    return connection.execute(query, {"reference": reference, "team": team}).rowcount > 0


def give_key(connection: Connection, reference: str, wraps: Sequence[KeyWrap]) -> None:
    """Store the case's key as it is sealed to further recipients."""
    rows = [{"reference": reference, "key_id": w.key_id, "suite": w.sealed.suite, "blob": w.sealed.blob} for w in wraps]
    if rows:
        connection.execute(insert(case_key_wraps), rows)


def told(connection: Connection, reference: str) -> list[Told]:
    """Return the case's referrals, whatever became of them."""
    query = text("""
        select channel, kind, revision, state, notice, awaited, due_at, first_due_at, attempts, instead_of, outcome,
               kept_from, fields, state = 'leased' and settled_at is not null as withdrawn
        from referrals where reference = :reference order by channel, revision""")
    return [Told(*row) for row in connection.execute(query, {"reference": reference})]


def stop(connection: Connection, reference: str, channels: Collection[str]) -> int:
    """Withdraw what `channels` have not been sent yet, drafts included, but no recall; return how many.

    So is what waits for the holder of the case to give it back, and what others would get because `channels` did not.
    What a worker just has it does not try again.
    """
    query = text(f"""
        update referrals set {WITHDRAWN}
        where reference = :reference and (channel = any(:channels) or instead_of = any(:channels))
          and notice is distinct from 'recalled'
          and (state in ('draft', 'standby', 'due', 'leased', 'in_hand')
               or state = 'recalled' and outcome = '{CLAIMED}')
        returning state""")  # noqa: S608 - our own words
    values = {"reference": reference, "channels": sorted(channels), "outcome": "conflict"}
    return list(connection.execute(query, values).scalars()).count("recalled")


def stops(row: Told, channels: Collection[str]) -> bool:
    """Say whether `stop` would withdraw the row."""
    waits = row.state in {"draft", "standby", "due", "in_hand"} or (row.state == "recalled" and row.outcome == CLAIMED)
    return waits and row.notice != "recalled" and (row.channel in channels or row.instead_of in channels)


def keep_from(connection: Connection, reference: str, team: str) -> None:
    """Let nothing of the case that is still to be sent go to a channel that `team` reads by then; a recall does."""
    query = text("""
        update referrals set kept_from = kept_from || cast(:team as text)
        where reference = :reference and notice is distinct from 'recalled'
          and not :team = any(kept_from)""")
    connection.execute(query, {"reference": reference, "team": team})


def opened_by(connection: Connection, reference: str, team: str) -> Mapping[str, datetime]:
    """Return which people who hold a key of `team` opened something of the case, and when first; the audit knows."""
    query = text("""
        select substr(actor, 8) as handle, min(at) as at from audit
        where action in ('case_opened', 'messages_opened', 'notes_opened') and object = :reference and outcome = 'ok'
          and actor in (
            select 'person:' || m.handle from member_keys m
            join team_key_wraps w on w.member_key_id = m.key_id
            join recipient_keys r on r.key_id = w.team_key_id
            where r.owner = :team)
        group by actor order by 2, 1""")
    rows = connection.execute(query, {"reference": reference, "team": team})
    return MappingProxyType({row.handle: row.at for row in rows})
