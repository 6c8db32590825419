"""Posts the drills that channels.yaml asks for: one for each channel whose last one is too long ago.

However many processes look, one posts. A drill has a reference of its own kind and carries nothing: nobody can
take it for a case.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Engine

from router.model import AuditEntry
from router.store.audit import note
from router.store.drills import drilled_within, post_drill, schedule_is_ours
from router.store.engine import transaction
from router.triage.policy import Policy

LOOK_EVERY_S: Final = 60.0
_ACTOR: Final = "schedule"


class Drills:
    """The schedule of the policy in force."""

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
        scheduled = [(channel, channel.drill_every) for channel in policy.channels.channels.values()]
        posted: list[str] = []
        if not any(every for _, every in scheduled):
            return
        with transaction(self._engine) as connection:
            if not schedule_is_ours(connection):
                return
            for channel, every in scheduled:
                if every is None or drilled_within(connection, channel.name, seconds=every.total_seconds()):
                    continue
                reference = post_drill(connection, channel=channel.name, kind=channel.kind, policy=policy.digest)
                note(connection, [AuditEntry(_ACTOR, "drill_asked", reference, detail=channel.name)])
                posted.append(channel.name)
        if posted:
            self._ring(posted)
