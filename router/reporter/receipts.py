"""Receipts: given with a person's report, and turned back into the case's status and what staff wrote.

The one user of the receipt's derivation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from router.errors import SealBroken
from router.keyrecords import ReceiptKey
from router.store.cases import CaseStatus
from router.store.messages import StoredMessage
from router.telemetry import get_log
from router.vault.receipt import ReceiptHolder, new_receipt, receipt_holder, receipt_key


def issue(secret: bytes) -> tuple[str, ReceiptKey]:
    """Return a new receipt to show once, and what is kept of it."""
    receipt = new_receipt()
    key = receipt_key(receipt, secret)
    if key is None:
        raise AssertionError
    return receipt, key


@dataclass(frozen=True, slots=True)
class Message:
    """What staff wrote to the holder of a receipt."""

    at: datetime
    text: str | None
    """None: it does not open, so somebody changed it."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What the holder of a receipt may know: where their case stands, and what was written to them, newest first."""

    status: CaseStatus
    messages: tuple[Message, ...]


def followed(
    receipt: str,
    secret: bytes,
    *,
    find: Callable[[bytes], CaseStatus | None],
    written: Callable[[bytes], Sequence[StoredMessage]],
) -> Followed | None:
    """Return what the holder of `receipt` may know; None for a wrong one, after the same work whatever is wrong."""
    holder = receipt_holder(receipt, secret)
    status = find(holder.lookup)
    if status is None:
        return None
    return Followed(status, tuple(_opened(holder, one) for one in reversed(written(holder.lookup))))


def _opened(holder: ReceiptHolder, stored: StoredMessage) -> Message:
    try:
        return Message(stored.written_at, holder.message(stored.reference, stored.sealed))
    except SealBroken as error:
        get_log().error("message_not_opened", code=error.code, reference=stored.reference)
        return Message(stored.written_at, None)
