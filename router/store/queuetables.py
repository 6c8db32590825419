"""Tables of the queue: where each case stands in it, and who may see it there. Triggers write them, nobody else.

A row holds codes, ids and times of `cases` a second time, so that a page of the queue is read off an index in its
order, whatever it is filtered by and however many cases there are. Indexes to search cases by stand here too.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    func,
    literal_column,
    text,
)

from router.store.stafftables import metadata
from router.store.tables import cases

__all__ = ["metadata"]

case_audiences = Table(
    "case_audiences",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("keys", ARRAY(Text), nullable=False, unique=True),
)
"""Each set of keys that some case's key was ever sealed to: as many as there are ways to decide, not as cases."""

case_queue = Table(
    "case_queue",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("audience", Integer, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("category", Text, nullable=False),
    Column("site", Text, nullable=True),
    Column("claimed_by", Text, nullable=True),
)
"""`rank` and `place` are the order. The rank is 0 to 3 for an open case, critical first; 4 more for a closed one whose
reporter still waits for an answer, 8 more once nothing is left to do, 12 more if it was withdrawn. The place is what is
due next, in microseconds since 1970; where nothing is, the end of time; of what is done, the newest comes first.
No foreign keys: triggers alone write here, in the transaction of the case, and each check would cost the intake.
"""

_ORDER = (case_queue.c.rank, case_queue.c.place, case_queue.c.reference)
_CLAIMED = text("claimed_by is not null")
Index("case_queue_order_idx", case_queue.c.audience, *_ORDER)
Index("case_queue_category_idx", case_queue.c.audience, case_queue.c.category, *_ORDER)
Index(
    "case_queue_site_idx",
    *(case_queue.c.audience, case_queue.c.site, *_ORDER),
    postgresql_where=text("site is not null"),
)
Index("case_queue_holder_idx", case_queue.c.claimed_by, case_queue.c.audience, *_ORDER, postgresql_where=_CLAIMED)
Index("case_queue_claimed_idx", case_queue.c.audience, *_ORDER, postgresql_where=_CLAIMED)

Index(
    "cases_asset_tag_idx",
    *(func.lower(literal_column("facts ->> 'asset_tag'::text")), cases.c.received_at),
    postgresql_where=text("facts ? 'asset_tag'"),
    _table=cases,
)
Index(
    "cases_source_ticket_idx",
    *(func.lower(literal_column("facts ->> 'source_ticket'::text")), cases.c.received_at),
    postgresql_where=text("facts ? 'source_ticket'"),
    _table=cases,
)
Index(
    "cases_hashes_idx",
    literal_column("(facts -> 'hashes'::text)").label("hashes"),
    postgresql_using="gin",
    postgresql_ops={"hashes": "jsonb_path_ops"},
    postgresql_where=text("facts ? 'hashes'"),
    _table=cases,
)
