"""The drills that channels.yaml asks for: one for each channel whose last one is too long ago.

A drill has a reference of its own kind and carries nothing: nobody can take it for a case.
"""

from typing import ClassVar, Final

from sqlalchemy import Connection

from router.catalogue import Channel
from router.intake.schedule import Schedule
from router.store.drills import drilled_within, post_drill

LOOK_EVERY_S: Final = 60.0


class Drills(Schedule):
    """The drills of the policy in force."""

    ACTION: ClassVar[str] = "drill_asked"

    def asks(self, channel: Channel) -> bool:
        """Say whether the channel is drilled by itself."""
        return channel.drill_every is not None

    def post(self, connection: Connection, channel: Channel, policy: str) -> str | None:
        """Post a drill, unless the last one is not that long ago."""
        every = channel.drill_every
        if every is None or drilled_within(connection, channel.name, seconds=every.total_seconds()):
            return None
        return post_drill(connection, channel=channel.name, kind=channel.kind, policy=policy)
