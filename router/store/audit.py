"""Audit entries, written in the transaction of the change they tell of."""

from collections.abc import Iterable

from sqlalchemy import Connection, insert

from router.model import AuditEntry
from router.store.tables import audit

RECEIVED = "case_received"
"""The action that tells of a new case; its detail is the digest of the sealed content, or NOTHING_SEALED."""
SENT = "referral_sent"
"""The action that tells of a delivery that a channel accepted."""
NOTHING_SEALED = "nothing_sealed"


def note(connection: Connection, entries: Iterable[AuditEntry]) -> None:
    """Insert `entries` unchained; the chainer links them after the commit."""
    rows = [
        {"actor": e.actor, "action": e.action, "object": e.object, "outcome": e.outcome, "detail": e.detail}
        for e in entries
    ]
    if rows:
        connection.execute(insert(audit).inline(), rows)
