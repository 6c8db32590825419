"""Sign-in passwords: which are good enough, how they are kept, whether one fits.

A password is never cut, trimmed or logged. Checking one costs as much time for nobody as for somebody. Hashes are
memory-hard, so few are made at once; who comes on top is told to wait.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from router.clock import grouped_code
from router.errors import Refused

SHORTEST, LONGEST = 12, 200
LEAST_SCORE: Final = 4
"""Of zxcvbn's 0 to 4: more than 10^10 guesses by somebody who knows words, names, dates, keyboards and disguises."""
LOOKED_AT: Final = 72
"""Characters of a password that are rated: the time that takes grows with their square."""
AT_ONCE: Final = 2
"""Each hash takes 64 MiB and 0.15 s of four threads (argon2-cffi's defaults: RFC 9106, low memory)."""
WAIT_S: Final = 5
_FIRST_GROUPS: Final = 5
_hasher: Final = PasswordHasher()
_turns: Final = threading.BoundedSemaphore(AT_ONCE)


def new_first_password() -> str:
    """Return a random password to hand over: 100 bits, in groups that can be read out."""
    return grouped_code(_FIRST_GROUPS)


def weakness(password: str, *, handle: str) -> str | None:
    """Return the code of what is wrong with a new password, None if it will do."""
    meant = _normal(password)
    if len(meant) < SHORTEST:
        return "password_short"
    if len(meant) > LONGEST:
        return "password_long"
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its word lists take memory, and passwords are chosen once a year

    rated = zxcvbn(meant[:LOOKED_AT], user_inputs=[part for part in re.split(r"[@\\.]", handle) if part])
    return "password_common" if rated["score"] < LEAST_SCORE else None


def hashed(password: str) -> str:
    """Return what is kept of a password; raises Refused `quota_exceeded` when too many ask at once."""
    with turn():
        return _hasher.hash(_normal(password))


def fits(kept: str | None, password: str) -> bool:
    """Say whether a password is the one that was kept; takes as long where none was. Raises as `hashed` does."""
    if len(password) > LONGEST * 4:
        password = ""
    with turn():
        try:
            _hasher.verify(kept or _nobodys(), _normal(password))
        except (Argon2Error, InvalidHashError):
            return False
    return kept is not None


def outdated(kept: str) -> bool:
    """Say whether a password was kept at another cost than today's."""
    return _hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """Return it as every keyboard's way of typing it comes out (RFC 8265 asks for the same)."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys() -> str:
    return _hasher.hash(new_first_password())


@contextmanager
def turn() -> Iterator[None]:
    """Wait for one of AT_ONCE places to make a slow hash; raises Refused `quota_exceeded` after WAIT_S."""
    if not _turns.acquire(timeout=WAIT_S):
        raise Refused("quota_exceeded", retry_after_s=WAIT_S)
    try:
        yield
    finally:
        _turns.release()
