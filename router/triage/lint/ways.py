"""Channels that fail together, and stand-ins that come too late: then nobody is told in time."""

from collections.abc import Iterator
from datetime import timedelta
from operator import attrgetter
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from router.catalogue import Channel
from router.channels.setting import as_written
from router.errors import Problem
from router.triage.lint.reading import Files, placed
from router.vocabulary import Severity

_within: Final = attrgetter("within")


class _Claim(NamedTuple):
    """How long people have to take a case."""

    within: timedelta
    """In real time; in working time it is longer."""
    said: str
    where: str


def findings(files: Files) -> Iterator[Problem]:
    """Yield what is odd about who is told when a channel does not get something through."""
    yield from _late(files)
    for channel in files.channels.values():
        yield from _together(files, channel)


def _together(files: Files, channel: Channel) -> Iterator[Problem]:
    """Yield that a channel and whoever is told when it fails are on one system."""
    host = _host(channel)
    if host is None:
        return
    page, desks = channel.page, _fallback_desks(files)
    told = page if page is not None else next((desk for desk in desks if desk != channel.name), None)
    for key, name in (("page", told), ("instead", channel.instead)):
        other = files.channels.get(name or "")
        if other is not None and _host(other) == host:
            here = files.ways.at(channel.name, key) is not None
            by_default = "" if here else ", the first desk of the fallback,"
            said = (
                f"{key} of {channel.name!r} is {other.name!r}{by_default} on the same system, {host}: when that is "
                "down, both are; name a channel elsewhere"
            )
            yield files.way((channel.name, key) if here else (channel.name,), "fails_together", said)


def _host(channel: Channel) -> str | None:
    """Return the host that the channel leads to; None for one that leads to no other."""
    settings: Any = channel.settings
    return urlsplit(getattr(settings, "url", "")).hostname


def _fallback_desks(files: Files) -> list[str]:
    teams = files.written.teams
    return [desk for team in files.written.fallback if team in teams for desk in teams[team].desks]


def _late(files: Files) -> Iterator[Problem]:
    """Yield each channel whose stand-in comes only after somebody should have taken the case."""
    shortest: dict[str, _Claim] = {}
    for one in placed(files):
        for severity in Severity:
            if severity not in files.severities.of(one.region):
                continue
            base = getattr(files.written.deadlines, severity)
            claim = (one.entry.deadlines and one.entry.deadlines.claim) or base.claim
            found = _Claim(claim.real, str(claim), f"route {one.own.id!r} at severity {severity}")
            shortest |= {name: min(found, shortest.get(name, found), key=_within) for name in one.entry.to}
    for name, claim in shortest.items():
        channel = files.channels.get(name)
        if channel is not None and channel.instead is not None and channel.instead_after > claim.within:
            key = "instead" if files.ways.at(name, "instead_after") is None else "instead_after"
            said = (
                f"{name!r} has {as_written(channel.instead_after)} before {channel.instead!r} gets the case, longer "
                f"than the time to claim of {claim.where}, where that is {claim.said}: let instead_after be shorter"
            )
            yield files.way((name, key), "late_instead", said)
