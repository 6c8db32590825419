"""Now, and new random names, as values that are passed in.

The one place that asks the system for the time; leases use the database's clock instead.
"""

import secrets
from datetime import UTC, datetime

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32 alphabet: no I, L, O or U, so that a code survives being read out."""


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place


def grouped_code(groups: int) -> str:
    """Return `groups` groups of four random base32 characters (20 bits each), joined by dashes."""
    # One call for all characters: each one lets go of the interpreter, which costs more than the bytes.
    drawn = "".join(CROCKFORD[byte & 31] for byte in secrets.token_bytes(4 * groups))
    return "-".join(drawn[start : start + 4] for start in range(0, len(drawn), 4))


def new_reference(kind: str = "CR") -> str:
    """Return a new reference: random (60 bits), so it counts nothing and cannot be guessed.

    `kind` is CR for a case, DRILL or NOTICE for what is none.
    """
    return f"{kind}-{grouped_code(3)}"
