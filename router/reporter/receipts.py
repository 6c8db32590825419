"""Receipts: given with a person's report, and turned back into the case's status.

The one user of the receipt's derivation.
"""

from collections.abc import Callable

from router.keyrecords import ReceiptKey
from router.store.cases import CaseStatus
from router.vault.receipt import new_receipt, receipt_key


def issue(secret: bytes) -> tuple[str, ReceiptKey]:
    """Return a new receipt to show once, and what is kept of it."""
    receipt = new_receipt()
    key = receipt_key(receipt, secret)
    if key is None:
        raise AssertionError
    return receipt, key


def status(receipt: str, secret: bytes, find: Callable[[bytes], CaseStatus | None]) -> CaseStatus | None:
    """Return what the holder of `receipt` may know; None for a wrong one, whatever is wrong with it."""
    key = receipt_key(receipt, secret)
    return find(key.lookup) if key else None
