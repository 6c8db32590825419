"""States of the US that oblige IT staff themselves to report such material, as far as this program knows.

Said to the person who came across it, with the state's name; nothing here, and no referral, discharges that duty.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

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
WANT_THE_HOLDER: Final = frozenset({"US-NC", "US-TX"})
"""Here the report is to name the owner or holder of the computer, with an address, to the police or CyberTipline."""


def state_in(region: str | None) -> str | None:
    """Return the name of the state, if IT staff there may have to report themselves."""
    return NAMES.get(region or "")
