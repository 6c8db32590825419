"""What the holder of a receipt may see of their case, and what they write to it: ciphertext in, ciphertext out.

Asked with the intake's login, which may read no such row itself: functions of the database hand out what belongs to one
receipt, and write to its case alone. Functions take a connection and never commit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from router.keyrecords import Sealed
from router.model import AuditEntry
from router.store.audit import note
from router.store.floods import PARKED
from router.store.messages import RECEIVED, came_as, kind_of
from router.vocabulary import MessageKind, Notice, ReporterKind, Severity


@dataclass(frozen=True, slots=True)
class FollowedCase:
    """How far a case is, as far as its reporter may know, and the public half that their words are sealed to."""

    reference: str
    """Never shown to them: who has a receipt need not know how others call the case."""
    state: str
    received_at: datetime
    acknowledge_by: datetime | None
    feedback_by: datetime | None
    acknowledged_at: datetime | None
    feedback_at: datetime | None
    taken: bool
    """Somebody works on it: here, or in the ticket system that it went to."""
    sent: frozenset[str]
    """The channels that it has reached."""
    suite: str
    public: bytes
    identified_at: tuple[datetime, ...]
    """When somebody was allowed to learn who reported."""
    flood: str | None = None
    """Of a case that came in a flood: `waits` for a look, or was `closed` with it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the dialogue, as the reporter may have it."""

    reference: str
    written_at: datetime
    kind: MessageKind | ReporterKind
    sealed: Sealed | None
    """What staff wrote, sealed to the receipt; None: the reporter's own, which they cannot read again."""


class Written(StrEnum):
    """What became of a message."""

    KEPT = "kept"
    REPEATED = "repeated"
    """The same one came before."""
    TOO_MANY = "too_many"
    ASKED_BEFORE = "asked_before"
    """One withdrawal is enough."""
    NOT_OPEN = "not_open"
    """What is closed cannot be withdrawn."""
    UNKNOWN = "unknown"
    """No case has this receipt."""


@dataclass(frozen=True, slots=True)
class HasHeard:
    """A channel of the case, and what it was told."""

    channel: str
    kind: str
    revision: int
    """Of the last referral there."""
    policy: str
    kept_from: tuple[str, ...]
    severity: Severity | None
    link: str | None
    """Both as it was told them."""
    heard: bool
    """It knows of the case, or is about to, and was not told to forget it."""
    hears_later: bool
    """It is to be told of the case itself at a time that has not come."""
    told_at: datetime | None
    """When it was told last, or is to be told, that the reporter wrote."""
    waiting: bool
    """It is still to be told so."""


def find(connection: Connection, lookup: bytes) -> FollowedCase | None:
    """Return the case whose receipt has this look-up id, None if there is none."""
    query = text(f"""
        select c.*, array(select identity_grants_for_receipt(:lookup)) as identified_at,
               (select case when l.ended = 'closed' then 'closed' when {PARKED} then 'waits' end
                from flood_links l where l.reference = c.reference) as flood
        from case_for_receipt(:lookup) c""")  # noqa: S608 - our own words
    row = connection.execute(query, {"lookup": lookup}).mappings().one_or_none()
    if row is None:
        return None
    sets = {"sent": frozenset(row["sent"]), "identified_at": tuple(row["identified_at"])}
    return FollowedCase(**{**row, **sets})


def dialogue(connection: Connection, lookup: bytes) -> list[Line]:
    """Return the dialogue, oldest first, without a name."""
    rows = connection.execute(text("select * from dialogue_for_receipt(:lookup)"), {"lookup": lookup})
    return [
        Line(row.reference, row.written_at, kind_of(row.kind), Sealed(row.suite, row.blob) if row.blob else None)
        for row in rows
    ]


def write(
    connection: Connection, lookup: bytes, *, reference: str, kind: ReporterKind, mark: bytes, sealed: Sealed, most: int
) -> Written:
    """Insert a message with its entry in the audit, unless the same one is there, or `most` were written in a day.

    `mark` is the same for the same message alone. The case is locked until the transaction ends.
    """
    call = text("select write_for_receipt(:lookup, :mark, :kind, :suite, :blob, :most)")
    values = {"mark": mark, "kind": kind.value, "suite": sealed.suite, "blob": sealed.blob, "most": most}
    written = Written(connection.execute(call, {"lookup": lookup, **values}).scalar_one())
    if written is Written.KEPT:
        note(connection, [AuditEntry("reporter", RECEIVED, reference, detail=came_as(kind, sealed))])
    return written


def have_heard(connection: Connection, lookup: bytes, notices: Collection[Notice]) -> list[HasHeard]:
    """Return the channels of the case; `notices` are those that say that the reporter wrote."""
    query = text("select * from tickets_for_receipt(:lookup, :notices)")
    rows = connection.execute(query, {"lookup": lookup, "notices": [notice.value for notice in notices]})
    return [
        HasHeard(
            row.channel,
            row.kind,
            row.revision,
            row.policy,
            tuple(row.kept_from),
            Severity(row.severity) if row.severity else None,
            row.link,
            row.heard,
            row.hears_later,
            row.told_at,
            row.waiting,
        )
        for row in rows
    ]
