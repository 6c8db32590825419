"""Which outside body a finding is for: of the right country, and one that can act on it.

Pure. A device finding is for the police, an address on the Internet for a hotline. The country is what the concern,
its site or the organisation says; it is never guessed from an address on the Internet.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from router.bodies.body import ANYWHERE, Body, BodyKind, Takes
from router.model import Referral

_COUNTRY: Final = 2
"""Letters of a country at the front of a region."""


class To(StrEnum):
    """For whom a channel is."""

    POLICE = "police"
    HOTLINE = "hotline"


def candidates(bodies: Iterable[Body], referral: Referral, to: To, prefer: Iterable[str]) -> tuple[Body, ...]:
    """Return who may take it, the first choice first; nobody when the directory has none for this, not even for all.

    First those of the jurisdiction, then whoever is for anybody; of each, first those that can act on what was found,
    then as `prefer` has them, then as the directory has them. Who takes addresses alone is among them although there is
    none: `needs_address` says so, and whoever asked is told what is missing instead of getting somebody else's body.
    """
    country = country_of(referral.jurisdiction)
    order = {code: at for at, code in enumerate(prefer)}
    found = Takes.URL if referral.url is not None else Takes.DEVICE

    def how_far(body: Body) -> tuple[bool, bool, int]:
        return body.country == ANYWHERE, body.takes not in {found, Takes.ANY}, order.get(body.code, len(order))

    near = (body for body in bodies if body.country in {country, ANYWHERE})
    return tuple(sorted((body for body in near if serves(body, to)), key=how_far))


def country_of(jurisdiction: str | None) -> str | None:
    """Return the country that a region is, or is in."""
    return jurisdiction[:_COUNTRY] if jurisdiction else None


def needs_address(body: Body) -> bool:
    """Say whether the body can act on nothing but an address on the Internet."""
    return body.takes is Takes.URL


def serves(body: Body, to: To) -> bool:
    """Say whether the body is of those that a channel `to` them may lead to, whatever its country."""
    if to is To.POLICE:
        return body.kind is BodyKind.POLICE
    return body.kind in {BodyKind.FORM, BodyKind.PHONE} and body.takes is not Takes.DEVICE
