"""Posts the mails that go out at fixed times: one for each channel and time, whether or not there is something.

However many processes look, one posts. Looks at nothing but the clock and the channels: whether a mail is posted, and
when, says nothing of any case. A time that passed while nobody looked is made up for.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Engine

from router.model import AuditEntry
from router.store.audit import note
from router.store.digests import now, post_digest
from router.store.drills import schedule_is_ours
from router.store.engine import transaction
from router.triage.policy import Policy

LOOK_EVERY_S: Final = 15.0
_ACTOR: Final = "schedule"


class Digests:
    """The fixed times of the policy in force."""

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
        fixed = [(channel, channel.digest) for channel in policy.channels.channels.values()]
        posted: list[str] = []
        if not any(times for _, times in fixed):
            return
        with transaction(self._engine) as connection:
            if not schedule_is_ours(connection):
                return
            at = now(connection)
            for channel, times in fixed:
                if times is None:
                    continue
                reference = post_digest(
                    connection, channel=channel.name, kind=channel.kind, policy=policy.digest, fixed=times.last(at)
                )
                if reference is not None:
                    note(connection, [AuditEntry(_ACTOR, "digest_posted", reference, detail=channel.name)])
                    posted.append(channel.name)
        if posted:
            self._ring(posted)
