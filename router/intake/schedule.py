"""Posts what the channels of the policy in force ask for by the clock: drills, and mails at fixed times.

However many processes look, one posts. Looks at nothing but the clock and the channels, so that what is posted, and
when, says nothing of any case.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from sqlalchemy import Connection, Engine

from router.catalogue import Channel
from router.model import AuditEntry
from router.store.audit import note
from router.store.drills import schedule_is_ours
from router.store.engine import transaction
from router.triage.policy import Policy

_ACTOR: Final = "schedule"


class Schedule(ABC):
    """One thing that channels ask for at times."""

    ACTION: ClassVar[str]
    """What the audit calls it."""

    def __init__(
        self, engine: Engine, in_force: Callable[[], Policy], *, ring: Callable[[Iterable[str]], None]
    ) -> None:
        """Prepare; `ring` wakes a channel after a commit."""
        self._engine = engine
        self._in_force = in_force
        self._ring = ring

    def post_due(self) -> None:
        """Post what is due; raises Unavailable or StoreFailed, and the next turn tries again."""
        policy = self._in_force()
        asking = [channel for channel in policy.channels.channels.values() if self.asks(channel)]
        posted: list[str] = []
        if not asking:
            return
        with transaction(self._engine) as connection:
            if not schedule_is_ours(connection):
                return
            for channel in asking:
                reference = self.post(connection, channel, policy.digest)
                if reference is not None:
                    note(connection, [AuditEntry(_ACTOR, self.ACTION, reference, detail=channel.name)])
                    posted.append(channel.name)
        if posted:
            self._ring(posted)

    @abstractmethod
    def asks(self, channel: Channel) -> bool:
        """Say whether the channel asks for it at all."""

    @abstractmethod
    def post(self, connection: Connection, channel: Channel, policy: str) -> str | None:
        """Post it to a channel that asks for it, and return its reference; None when it is not due."""
