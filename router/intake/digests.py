"""The mails that go out at fixed times: one for each channel and time, whether or not there is something.

A time that passed while nobody looked is made up for.
"""

from typing import ClassVar, Final

from sqlalchemy import Connection

from router.catalogue import Channel
from router.intake.schedule import Schedule
from router.store.digests import now, post_digest

LOOK_EVERY_S: Final = 15.0


class Digests(Schedule):
    """The fixed times of the policy in force."""

    ACTION: ClassVar[str] = "digest_posted"

    def asks(self, channel: Channel) -> bool:
        """Say whether the channel writes at fixed times only."""
        return channel.digest is not None

    def post(self, connection: Connection, channel: Channel, policy: str) -> str | None:
        """Post the mail of the last fixed time, unless it was posted or another is under way."""
        times = channel.digest
        if times is None:
            return None
        fixed = times.last(now(connection))
        return post_digest(connection, channel=channel.name, kind=channel.kind, policy=policy, fixed=fixed)
