"""What was sent outside, and what came back: sealed to the case's key with its public half alone.

Whoever sealed it cannot open it again. What is sealed is bytes as they were, not text.
"""

from typing import Final

from router.keyrecords import Sealed
from router.vault.seal import SIZE_CLASSES, padded
from router.vault.suite import bound, seal

KEPT_CLASSES: Final = (*SIZE_CLASSES, 262_144, 1_048_576)
"""Bytes. An outside body's answer may be longer than what anybody writes here."""


def seal_kept(reference: str, referral: str, part: str, plain: bytes, *, suite: str, public: bytes) -> Sealed:
    """Return `plain`, padded and sealed as that part of that referral; raises SealBroken, also when it is too large."""
    return seal(padded(plain, KEPT_CLASSES), suite, public, info=kept_info(reference, referral, part))


def kept_info(reference: str, referral: str, part: str) -> bytes:
    """Return what binds it to its case, its referral and its part, so that none is taken for another."""
    return bound("kept", reference, referral, part)
