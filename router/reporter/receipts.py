"""Receipts: given with a person's report, and turned back into where the case stands and what staff wrote.

The receipt's derivation is used here, and by who answers with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from router.errors import SealBroken
from router.keyrecords import ReceiptKey
from router.store.byreceipt import FollowedCase, Line
from router.telemetry import get_log
from router.vault.receipt import ReceiptHolder, new_receipt, receipt_holder, receipt_key
from router.vocabulary import MessageKind, ReporterKind


def issue(secret: bytes) -> tuple[str, ReceiptKey]:
    """Return a new receipt to show once, and what is kept of it."""
    receipt = new_receipt()
    key = receipt_key(receipt, secret)
    if key is None:
        raise AssertionError
    return receipt, key


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the dialogue, for the holder of the receipt."""

    at: datetime
    kind: MessageKind | ReporterKind
    text: str | None
    """None: it is their own, which they cannot read again; or it does not open, so somebody changed it."""

    @property
    def own(self) -> bool:
        """Whether the reporter wrote it."""
        return isinstance(self.kind, ReporterKind)


@dataclass(frozen=True, slots=True)
class Followed:
    """What the holder of a receipt may know: where their case stands, and the dialogue, oldest first."""

    holder: ReceiptHolder
    case: FollowedCase
    messages: tuple[Message, ...]

    @property
    def asks(self) -> bool:
        """Whether staff asked something last, and the reporter has not answered."""
        answered = (MessageKind.QUESTION, ReporterKind.ANSWER, MessageKind.FEEDBACK)
        kinds = [message.kind for message in self.messages if message.kind in answered]
        return kinds[-1:] == [MessageKind.QUESTION]

    @property
    def withdrawal_asked_at(self) -> datetime | None:
        """When the reporter asked for the report to be withdrawn."""
        return next((message.at for message in self.messages if message.kind is ReporterKind.WITHDRAWAL), None)


def followed(
    receipt: str,
    secret: bytes,
    *,
    find: Callable[[bytes], FollowedCase | None],
    written: Callable[[bytes], Sequence[Line]],
) -> Followed | None:
    """Return what the holder of `receipt` may know; None for a wrong one, after the same work whatever is wrong."""
    holder = receipt_holder(receipt, secret)
    case = find(holder.lookup)
    if case is None:
        return None
    return Followed(holder, case, tuple(_opened(holder, one) for one in written(holder.lookup)))


def _opened(holder: ReceiptHolder, line: Line) -> Message:
    if line.sealed is None:
        return Message(line.written_at, line.kind, None)
    try:
        return Message(line.written_at, line.kind, holder.message(line.reference, line.sealed))
    except SealBroken as error:
        get_log().error("message_not_opened", code=error.code, reference=line.reference)
        return Message(line.written_at, line.kind, None)
