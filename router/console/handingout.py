"""Hands out the next case: the most urgent that somebody's teams have and nobody has, never the same to two people.

Taking it is a claim like any other, with its entry in the audit; that there was none is an entry too. Opens nothing.
"""

from sqlalchemy import Engine

from router.console.attempt import UNKNOWN, attempted
from router.store import progress, queue
from router.store.audit import note
from router.store.engine import transaction
from router.store.progress import Access

CLAIMED = "case_claimed"


def take_next(engine: Engine, *, handle: str, login: str, lasts_s: int | None) -> str | None:
    """Claim the most urgent case for `handle` for `lasts_s`, and return its reference; None if none waits for them."""
    with transaction(engine) as connection:
        reference = queue.most_urgent(connection, handle)
        attempt = attempted(engine, CLAIMED, kind="person", handle=handle, reference=reference or UNKNOWN)
        took = (
            reference is not None
            # The keys themselves say who may; the queue only follows them.
            and progress.access(connection, reference, handle) is Access.READER
            and progress.claim(connection, reference, handle, lasts_s=lasts_s)
        )
        note(connection, [attempt.entry("ok" if took else "refused_nothing_waits", f"next {login}".strip())])
    return reference if took else None
