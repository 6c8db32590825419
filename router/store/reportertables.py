"""Tables of the reporter's side: answers that wait between two pages of a report."""

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table

from router.store.queuetables import metadata
from router.store.tables import moment

__all__ = ["metadata"]

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    moment("ends_at"),
    CheckConstraint("octet_length(id) = 32 and octet_length(sealed) <= 65600", name="size"),
    prefixes=["unlogged"],
)
"""Unlogged: these rows are in no write-ahead log, so in no base backup and no replica, and a crash of the server
empties the table; nor does a commit that touches nothing else wait for the disk. (`pg_dump` takes them, unless it is
told `--no-unlogged-table-data`.) The key that opens a row is in one browser's cookie, and nowhere else. No index on
`ends_at`: each page moves it, and an update that no index sees is the cheap one.
"""
