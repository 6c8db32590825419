"""Outside bodies that nobody compared with their source for long, and drafts that lead to nobody of their own country.

Judges the directory's entries and which of them a case can lead to; never asks anybody outside.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from router.bodies.body import ANYWHERE, Body
from router.bodies.choosing import needs_address
from router.bodies.directory import FILE
from router.catalogue import Channel
from router.errors import Problem
from router.model import Referral
from router.triage.lint.reading import Files, placed

OLD: Final = timedelta(days=365)
"""After this an entry is compared with its source again."""


_ADDRESS: Final = "https://example.org/"
"""Stands for any: only whether there is one is looked at."""


def findings(files: Files, today: date) -> Iterator[Problem]:
    """Yield what is odd about bodies, the channels that lead to them, and where the organisation is."""
    held = {name for one in placed(files) for name in one.entry.hold}
    used = [one for one in files.channels.values() if one.name in held and hasattr(one.settings, "bodies")]
    regions = _regions(files)
    if used and not regions:
        said = "nobody says where the organisation is: add `region`, or drafts go to whoever is for everybody"
        yield files.rule(("policy",), "no_region", said)
    first: dict[str, Body] = {}
    for channel in used:
        for region in regions:
            chosen = _first(channel, region)
            first |= {body.code: body for body in chosen}
            if any(body.country == ANYWHERE for body in chosen):
                said = (
                    f"bodies.yaml has nobody of {region[:2]} whom {channel.name!r} could lead to: name the body there"
                )
                yield files.way((channel.name, "to"), "no_body_there", said)
            wanting = [body.code for body in chosen if needs_address(body)]
            if wanting and "url" not in channel.carries:
                said = (
                    f"{channel.name!r} may not carry 'url', which is all that {wanting[0]!r} takes: add it to `carries`"
                )
                yield files.way((channel.name, "carries"), "no_address", said)
    yield from _doubtful(files, first.values(), today)


def _doubtful(files: Files, bodies: Iterable[Body], today: date) -> Iterator[Problem]:
    for body in bodies:
        if body.verified_on is None:
            said = f"{body.code!r} is used and nobody verified it: compare it with its page, and write `verified_on`"
            yield Problem(FILE, files.directory.lines[body.code], "unverified_body", said)
        elif outdated(body, today):
            said = (
                f"{body.code!r} was verified on {body.verified_on}, not within a year: compare it with its page again"
            )
            yield Problem(FILE, files.directory.lines[body.code], "old_body", said)


def outdated(body: Body, today: date) -> bool:
    """Say whether it should be compared with its source again: it was over a year ago, or is yet to be."""
    return body.verified_on is not None and not timedelta() <= today - body.verified_on <= OLD


def _first(channel: Channel, region: str) -> list[Body]:
    """Return whom the channel leads to first, with an address on the Internet and without."""
    found = [
        channel.bodies_for(Referral(reference="CR-0000-0000-0000", revision=1, jurisdiction=region, url=url))
        for url in (None, _ADDRESS)
        if url is None or "url" in channel.carries
    ]
    return [bodies[0] for bodies in found if bodies]


def _regions(files: Files) -> list[str]:
    """Return where the organisation and its sites are."""
    written = files.written
    said = [written.region, *(site.region for site in written.sites.values())]
    return list(dict.fromkeys(region for region in said if region))
