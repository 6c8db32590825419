"""Drafts that nobody could approve: the body that a route holds one for has no kind for one of its categories."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from router.catalogue import Channel
from router.errors import Problem
from router.model import Referral
from router.triage.lint.reading import Files, Placed, placed

_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NO_CASE: Final = "CR-0000-0000-0000"


def findings(files: Files) -> Iterator[Problem]:
    """Yield each route that drafts something where its category has no name; others stay for the rest of the route."""
    for one in placed(files):
        for name in one.own.hold:
            channel = files.channels.get(name)
            if channel is not None and (unnamed := [c for c in _categories(files, one) if _unnamed(channel, c)]):
                said = (
                    f"no draft for {name!r} can be written of {' or '.join(map(repr, unnamed))}: {channel.kind} has no "
                    "kind for it; say in that channel's settings which one it is, or draft this route's for others"
                )
                yield files.rule((*one.path, "hold"), "no_kind_there", said)


def _categories(files: Files, one: Placed) -> Iterator[str]:
    """Yield the categories that can reach the route, in the policy's order."""
    wanted = one.region.get("category", ())
    for category in files.written.taxonomy:
        if all(category in some for some in wanted):
            yield category


def _unnamed(channel: Channel, category: str) -> bool:
    """Say whether the category is what keeps a draft from being written, whatever else is known."""
    referral = Referral(reference=_NO_CASE, category=category, received_at=_SOME_TIME)
    return "category" in channel.carries and "category" in channel.lacks(referral)
