"""Codes that people read out, write down and type in again: receipts, passphrases, the recovery identity.

Crockford's base32 in groups of four. Forgiving on the way in, and silent: nothing here keeps a code.
"""

from router.clock import CROCKFORD

_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1"} | dict.fromkeys(" -\t\r\n\u00a0\u2010\u2011\u2013", ""))
_LONGEST = 500


def normalised(code: str, characters: int) -> str | None:
    """Return the `characters` base32 characters that were meant, or None.

    Case, blanks and dashes do not matter; O is read as 0, I and L as 1.
    """
    meant = code[:_LONGEST].upper().translate(_MEANT)
    return meant if len(meant) == characters and all(c in CROCKFORD for c in meant) else None


def grouped(code: str) -> str:
    """Return `code` in groups of four, joined by dashes."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def encoded(raw: bytes) -> str:
    """Return base32 of `raw`, whose length must be a multiple of 5 bytes (40 bits)."""
    number = int.from_bytes(raw, "big")
    count = len(raw) * 8 // 5
    return "".join(CROCKFORD[number >> 5 * (count - 1 - i) & 31] for i in range(count))


def decoded(code: str) -> bytes:
    """Return what `encoded` was given, from a normalised code."""
    number = 0
    for character in code:
        number = number << 5 | CROCKFORD.index(character)
    return number.to_bytes(len(code) * 5 // 8, "big")
