"""Is the person named a member of a team? Account names made comparable, and compared as keyed digests.

Pure. Keeps no name in clear: what a policy holds of its people are digests.
"""

import hmac
import unicodedata
from collections.abc import Collection


def normal(handle: str, domains: Collection[str]) -> str:
    r"""Return what `handle` has in common with other ways to write the same account.

    NFKC and case folding; `name@domain` and `domain\name` lose the domain if it is one of `domains`, or empty, or if
    `domains` is empty. So does a backslash that stands there twice, and a full stop at the end of either.
    """
    own = {"", *map(_folded, domains)}
    meant = _folded(handle)
    *before, name = map(_folded, meant.split("\\"))
    if name and (not domains or own.issuperset(before)):
        meant = name
    name, *behind = map(_folded, meant.split("@"))
    return name if name and (not domains or own.issuperset(behind)) else meant


def _folded(text: str) -> str:
    # Folding may take apart what was put together, so that is done once more.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip(" .")


class Handles:
    """Compares account names under one key; prints nothing of it."""

    __slots__ = ("_domains", "_key")

    def __init__(self, key: bytes, domains: Collection[str] = ()) -> None:
        self._key = key
        self._domains = tuple(domains)

    def digest(self, handle: str) -> bytes:
        """Return the keyed digest by which two ways to write one account are the same."""
        return hmac.digest(self._key, b"handle\0" + normal(handle, self._domains).encode(), "sha256")

    def digest_of(self, *parts: str) -> bytes:
        """Return the keyed digest of a list of texts, each with its length."""
        both = [part.encode() for part in parts]
        return hmac.digest(self._key, b"list\0" + b"".join(len(one).to_bytes(8) + one for one in both), "sha256")
