"""Codes that people read out, write down and type in again: receipts, passphrases, the recovery identity.

Crockford's base32 in groups of four. Forgiving on the way in, and silent: nothing here keeps a code.
"""

import unicodedata
from typing import Final

from router.clock import CROCKFORD

_LOOK_ALIKES: Final = {"O": "0", "I": "1", "L": "1"}
_BETWEEN: Final = frozenset({"Zs", "Zl", "Zp", "Cf", "Pd", "Po", "Pc", "Sm"})
"""What stands between groups, or came along when it was copied: blanks, dashes, a minus, points, marks of direction."""
_LINES: Final = frozenset("\t\r\n")
_LONGEST: Final = 500


def normalised(code: str, characters: int) -> str | None:
    """Return the `characters` base32 characters that were meant, or None.

    Case, blanks, dashes, points and invisible marks do not matter; O is read as 0, I and L as 1, and the digits of
    every script as ours: an Arabic keyboard has its own.
    """
    read = (_read(character) for character in unicodedata.normalize("NFKC", code[:_LONGEST]).upper())
    meant = "".join(read)
    return meant if len(meant) == characters and all(c in CROCKFORD for c in meant) else None


def _read(character: str) -> str:
    if character in _LINES or unicodedata.category(character) in _BETWEEN:
        return ""
    digit = unicodedata.decimal(character, None)
    return _LOOK_ALIKES.get(character, character) if digit is None else str(digit)


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
