"""States of the US that oblige IT staff themselves to report such material, as far as this program knows.

Said to the person who came across it, with the state's name; nothing here, and no referral, discharges that duty.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.model import Facts
from router.triage.legal import CHILD_MATERIAL
from router.triage.whose import Regions
from router.vocabulary import NoticedHow

SOURCE: Final = "National Conference of State Legislatures, list of September 2013; check today's law"
AS_OF: Final = "2013-09"
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "US-AR": "Arkansas",
        "US-CA": "California",
        "US-IL": "Illinois",
        "US-MO": "Missouri",
        "US-NC": "North Carolina",
        "US-OK": "Oklahoma",
        "US-OR": "Oregon",
        "US-SC": "South Carolina",
        "US-SD": "South Dakota",
        "US-TX": "Texas",
    }
)
DUTIES: Final = frozenset(NAMES)
"""ISO 3166-2. Michigan, which gives immunity to whoever reports, obliges nobody and is not among them."""


def duty_of(regions: Regions, facts: Facts) -> str | None:
    """Return the region whose law may oblige whoever came across this in a repair, None where none does.

    By the site where they work, not by the country that the concern names.
    """
    if facts.noticed_how is not NoticedHow.HELPDESK_REPAIR or facts.category not in CHILD_MATERIAL:
        return None
    region = (regions.of_sites.get(facts.site) if facts.site else None) or regions.own
    return region if region in DUTIES else None
