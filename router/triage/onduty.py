"""Who hears about a channel when something is wrong with it, or waits there: its `page`, that one's, then the fallback.

Pure. Says who may be asked in turn, not who of them may know of a case, nor who can be reached now.
"""

from router.catalogue import Channel
from router.triage.policy import Policy
from router.vocabulary import Scope


def on_duty(policy: Policy, about: str) -> tuple[Channel, ...]:
    """Return the channels inside that may be told about the channel `about`, the first choice first."""
    pages: list[str] = []
    channel = policy.channels.get(about)
    while channel is not None and channel.page is not None and channel.page not in pages:
        pages.append(channel.page)
        channel = policy.channels.get(channel.page)
    desks = [desk.name for team in policy.fallback for desk in team.desks]
    found = [policy.channels.get(name) for name in dict.fromkeys([*pages, *desks]) if name != about]
    return tuple(channel for channel in found if channel is not None and channel.scope is Scope.INTERNAL)
