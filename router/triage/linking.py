"""Cases that seem to be about the same thing: linked by what they have in common, never dropped.

Pure. What is stored are keyed digests, so nobody can look up an asset or an account name by them.
"""

from collections.abc import Iterable
from itertools import islice, product
from typing import Final

from router.model import DuplicateKey, Facts, FileHash
from router.triage.file import DuplicatesEntry
from router.triage.handles import Handles

MOST_KEYS: Final = 20
"""Keys that one case may have: somebody who files a thousand hashes links it by the first ones."""


def duplicate_keys(handles: Handles, facts: Facts, linked: DuplicatesEntry | None) -> tuple[DuplicateKey, ...]:
    """Return the keys that likely duplicates of this case share: none when it lacks one of the fields.

    `linked` says by which fields: nothing else is in a key, so that cases of two routes which name the same are
    linked too. A list gives a key for each element.
    """
    if linked is None:
        return ()
    fields = sorted(linked.by)
    values = [list(_values(handles, field, getattr(facts, field))) for field in fields]
    within_s = int(linked.within.real.total_seconds())
    keys = [
        handles.digest_of("duplicate", *(part for pair in zip(fields, one, strict=True) for part in pair))
        for one in islice(product(*values), MOST_KEYS)
    ]
    return tuple(DuplicateKey(key=key, within_s=within_s) for key in dict.fromkeys(key.hex() for key in keys))


def _values(handles: Handles, field: str, value: object) -> Iterable[str]:
    """Return what is compared: two ways to write one account are the same, and so is one hash in a list."""
    if isinstance(value, tuple):
        return [f"{one.algorithm}:{one.value}" for one in value if isinstance(one, FileHash)]
    if value is None:
        return []
    return [handles.digest(str(value)).hex() if field == "subject_handle" else str(value)]
