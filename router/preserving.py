"""Keeps what was sent outside and what came back: sealed to the case's key, in the transaction that says it was sent.

Opens nothing: it has the public half alone. What cannot be kept is said in the audit and in the log, and what was sent
stays sent: it has left, whatever becomes of its copy.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from router.errors import SealBroken
from router.keyrecords import Sealed
from router.model import AuditEntry, Payload
from router.store import preserved
from router.store.audit import note
from router.store.preserved import KEPT, SealKey
from router.telemetry import get_log

DOCUMENT: Final = "document"
RECEIPT: Final = "receipt"


@dataclass(frozen=True, slots=True)
class Kept:
    """One part of a referral that was sent."""

    referral: str
    reference: str
    channel: str
    revision: int
    lease_no: int
    part: str
    """DOCUMENT or RECEIPT."""
    payload: Payload = field(repr=False)


def preserve(connection: Connection, kept: Iterable[Kept], *, by: str) -> None:
    """Seal each to its case and keep it, with its entry in the audit; what is no case's, a drill's, is not kept.

    `by` is the audit's actor. Raises what the database raises.
    """
    for one in kept:
        key = preserved.seal_key(connection, one.reference)
        if key is not None:
            _keep(connection, one, key, by)


def _keep(connection: Connection, one: Kept, key: SealKey, by: str) -> None:
    what = f"{one.channel}:{one.revision} {one.part}"
    try:
        sealed = _sealed(one, key)
    except SealBroken as error:
        get_log().error("preserve_failed", referral=one.referral, channel=one.channel, code=error.code, part=one.part)
        note(connection, [AuditEntry(by, KEPT, one.reference, f"failed_{error.code}", what)])
        return
    fresh = preserved.add(
        connection,
        sealed,
        referral=one.referral,
        reference=one.reference,
        part=one.part,
        lease_no=one.lease_no,
        media_type=one.payload.media_type,
    )
    if fresh:
        note(connection, [AuditEntry(by, KEPT, one.reference, detail=f"{what} {sealed.digest}")])


def _sealed(one: Kept, key: SealKey) -> Sealed:
    # A worker whose channels give no receipts needs no cryptography: 8 MB in each process.
    from router.vault.keep import seal_kept  # noqa: PLC0415

    return seal_kept(one.reference, one.referral, one.part, one.payload.body, suite=key.suite, public=key.public)
