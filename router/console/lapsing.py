"""Gives back the cases of people who did nothing in them for too long: what waited for a claim waits again.

A chore of the console; several consoles may do it at once. The audit says whose claim ended.
"""

from typing import Final

from sqlalchemy import Engine

from router.store import claims
from router.store.engine import transaction

LOOK_EVERY_S: Final = 10.0


def end_lapsed(engine: Engine) -> None:
    """End the claims whose time is over; raises what `transaction` raises."""
    last = claims.BATCH
    while last == claims.BATCH:
        with transaction(engine) as connection:
            last = len(claims.end_lapsed(connection))
