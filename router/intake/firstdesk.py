"""Telling the fallback's first desk, once, of something that is no case.

What it is about makes the reference, so that however many processes see it, and however often, it is posted once.
"""

from sqlalchemy import Connection

from router.store.notices import post_notice, reference_about
from router.triage.policy import Policy
from router.vocabulary import Notice


def tell_first_desk(connection: Connection, policy: Policy, notice: Notice, *about: str) -> str | None:
    """Post the notice of what it is `about`; return the channel to ring after the commit.

    None when it was told before, or nobody of the fallback has a desk.
    """
    desk = next((desk for team in policy.fallback for desk in team.desks), None)
    if desk is None:
        return None
    posted = post_notice(
        connection,
        reference=reference_about(notice, *about),
        channel=desk.name,
        kind=desk.kind,
        policy=policy.digest,
        notice=notice,
    )
    return desk.name if posted else None
