"""Sign-in passwords: which are good enough, how they are kept, whether one fits.

A password is never cut, trimmed or logged. Checking one costs as much time for nobody as for somebody. Hashes are
memory-hard, so few are made at once; who comes on top is told to wait.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from router.clock import grouped_code
from router.errors import Refused

SHORTEST, LONGEST = 12, 200
FEWEST_PARTS: Final = 4
"""A password of fewer parts is guessed: a part is a listed one, a run, a sequence, a year, or else one character."""
AT_ONCE: Final = 2
"""Each hash takes 64 MiB and 0.15 s of four threads (argon2-cffi's defaults: RFC 9106, low memory)."""
WAIT_S: Final = 5
_FIRST_GROUPS: Final = 5
_LONGEST_PART: Final = 40
_SEQUENCES: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop")
_YEAR: Final = re.compile(r"(19|20)\d\d")
_LOOKALIKES: Final = str.maketrans("@4310$5!7", "aaeiossit")
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
    plain = meant.lower()
    own = re.split(r"[@\\.]", handle)[0]
    if len(own) > 2:  # noqa: PLR2004 - initials stand in many words
        plain = plain.replace(own, "")
    return "password_common" if _parts(plain) < FEWEST_PARTS else None


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


@cache
def _listed() -> frozenset[str]:
    lines = (Path(__file__).parent / "common.txt").read_text("ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _parts(plain: str) -> int:
    """Return of how few parts a password can be made."""
    unmasked = plain.translate(_LOOKALIKES)
    fewest = [0]
    for end in range(1, len(plain) + 1):
        best = fewest[end - 1] + 1
        for start in range(max(0, end - _LONGEST_PART), end - 1):
            if fewest[start] + 1 < best and (_common(plain[start:end]) or _common(unmasked[start:end])):
                best = fewest[start] + 1
        fewest.append(best)
    return fewest[-1]


def _common(part: str) -> bool:
    return any(look(part) for look in _LOOKS)


def _ordered(part: str) -> bool:
    return any(part in sequence or part[::-1] in sequence for sequence in _SEQUENCES)


_LOOKS: Final[tuple[Callable[[str], object], ...]] = (
    lambda part: part in _listed(),
    lambda part: len(set(part)) == 1,
    _ordered,
    _YEAR.fullmatch,
    # Something short over and over: 123123123, abcabcabc.
    re.compile(r"(.{1,6})\1{2,}", re.DOTALL).fullmatch,
)
