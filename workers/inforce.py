"""Which channels there are, by the policy in force: a copy of what the database says, looked at before a turn.

The web process decides what is in force and stores it; nothing here reads a file or judges a policy. While the
database is away the last channels stay.
"""

from time import monotonic
from typing import Final

from sqlalchemy import Connection, Engine

from router.catalogue import Catalogue, Channel, parse_catalogue
from router.errors import PolicyErrors, RouterError
from router.store import policies
from router.store.engine import transaction
from router.telemetry import get_log

LOOK_EVERY_S: Final = 5.0
"""A worker that has nothing of a newer policy to send follows it within this."""
_SHOWN_DIGITS: Final = 12


class Channels:
    """Finds channels by name, for one process."""

    def __init__(self, engine: Engine, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._engine = engine
        self._look_every_s = look_every_s
        self._next_look = 0.0
        self._digest: str | None = None
        self._catalogue = Catalogue({})
        self._former: dict[str, Channel] = {}
        """Channels that the policy in force does not name, as they were when one last did."""

    def find(self, name: str) -> Channel | None:
        """Return the channel as the policy in force says, else as the newest policy says that named it.

        Open cases keep the policy that they were decided by, and its channels with it. None when no
        policy ever named it. Raises Unavailable or StoreFailed when that cannot be looked up.
        """
        self._look()
        found = self._catalogue.get(name)
        if found is None:
            found = self._former.get(name) or self._last_named(name)
        return found

    def holds(self, connection: Connection) -> bool:
        """Say whether the policy in force is the one that `find` looked at last; if not, it looks again next time."""
        same = policies.active_digest(connection) == self._digest
        if not same:
            self._next_look = 0.0
        return same

    def _look(self) -> None:
        if monotonic() < self._next_look:
            return
        self._next_look = monotonic() + self._look_every_s
        try:
            with transaction(self._engine) as connection:
                digest = policies.active_digest(connection)
                if digest is None or digest == self._digest:
                    return
                text = policies.channels_text(connection, digest)
        except RouterError as error:
            # What is known stays, and the turn itself finds out whether the database is back.
            get_log().warning("catalogue_not_read", code=error.code)
            return
        self._digest = digest
        self._former.clear()
        try:
            self._catalogue = parse_catalogue(text)
        except PolicyErrors:
            # Of another version: this process stays with what it read last, and each channel's last readable settings.
            get_log().error("policy_not_understood", policy=digest[:_SHOWN_DIGITS])
            return
        get_log().info("policy_followed", policy=digest[:_SHOWN_DIGITS])

    def _last_named(self, name: str) -> Channel | None:
        with transaction(self._engine) as connection:
            for text in policies.channels_texts_with(connection, name):
                try:
                    found = parse_catalogue(text).get(name)
                except PolicyErrors:
                    continue
                if found is not None:
                    self._former[name] = found
                    return found
        return None
