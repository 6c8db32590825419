"""Tables of abuse control: which concerns came in a flood, by what floods are linked, and wrong receipts by the minute.

No address and no digest of one stands here: a flood's name is made with a key that is gone the day after.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from router.store.reportertables import metadata
from router.store.tables import cases, moment

__all__ = ["metadata"]

flood_links = Table(
    "flood_links",
    metadata,
    Column("reference", Text, ForeignKey(cases.c.reference), primary_key=True),
    Column("flood", Text, nullable=False),
    moment("linked_at", now=True),
    moment("waits_until", nullable=True),
    moment("ended_at", nullable=True),
    Column("ended_by", Text, nullable=True),
    Column("ended", Text, nullable=True),
    CheckConstraint("ended in ('let_go', 'closed')", name="ended"),
    CheckConstraint("(ended_at is null) = (ended is null) and (ended_at is null) = (ended_by is null)", name="end"),
)
"""Concerns that came in a flood. `waits_until` is when its channels are told at the latest; null: they were at once.
`ended` says what a reviewer did about it before."""
Index("flood_links_flood_idx", flood_links.c.flood, flood_links.c.linked_at)
Index(
    "flood_links_waiting_idx",
    flood_links.c.waits_until,
    postgresql_where=text("ended_at is null and waits_until is not null"),
)

flood_keys = Table(
    "flood_keys",
    metadata,
    Column("day", Date, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    CheckConstraint("octet_length(key) = 32", name="size"),
    prefixes=["unlogged"],
)
"""What floods are named with on a day; deleted the day after. Unlogged: in no write-ahead log, backup or replica, so
that nobody can find out later which network a flood came from."""

wrong_receipts = Table(
    "wrong_receipts",
    metadata,
    Column("minute", DateTime(timezone=True), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How many receipts were wrong, by minute; no more is known of them."""
