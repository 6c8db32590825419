"""What the public part does beside requests, every few seconds or hours; a failure waits for the next turn."""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Engine

from router.errors import RouterError
from router.intake.idempotency import FORGET_AFTER_H
from router.keyrecords import RecipientKey
from router.store.answers import forget_answers
from router.store.engine import transaction
from router.store.identities import custodians_are_there
from router.store.keys import active_recipients
from router.telemetry import get_log

RECIPIENTS_S: Final = 10
"""How old the list of public keys may be: a new team key is used after that."""
CUSTODY_S: Final = 10
"""How old the answer may be to whether anybody is custodian."""
FORGET_S: Final = 3600
STOP_S: Final = 5


class Recipients:
    """The public keys that new cases are sealed to; a copy, read anew every RECIPIENTS_S."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._keys: Mapping[str, RecipientKey] = {}

    def __call__(self) -> Mapping[str, RecipientKey]:
        """Return them by owner."""
        return self._keys

    def refresh(self) -> None:
        """Read them; raises Unavailable or StoreFailed and keeps the old ones."""
        with transaction(self._engine) as connection:
            self._keys = active_recipients(connection)


class Custody:
    """Whether somebody keeps apart who reported: what reporters are told before they say who they are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._there = False

    def __call__(self) -> bool:
        """Return it, as it was at most CUSTODY_S ago; before the first look no more is promised than is kept."""
        return self._there

    def refresh(self) -> None:
        """Look; raises Unavailable or StoreFailed and stays with what was."""
        with transaction(self._engine) as connection:
            self._there = custodians_are_there(connection)


def forget(engine: Engine) -> None:
    """Delete idempotent answers that are a day old."""
    with transaction(engine) as connection:
        forget_answers(connection, older_than_h=FORGET_AFTER_H)


class Chore:
    """A thread that calls `act` every `seconds`, from its start on."""

    def __init__(self, act: Callable[[], None], *, seconds: float) -> None:
        self._act = act
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chore", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it after the call under way; waits STOP_S at most."""
        self._stopping.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._act()
            except RouterError as error:
                get_log().warning("housekeeping_failed", code=error.code)
            except Exception as error:  # noqa: BLE001 - a thread's edge: the chore outlives whatever it was
                get_log().error("housekeeping_failed", exc_info=error)
            self._stopping.wait(self._seconds)
