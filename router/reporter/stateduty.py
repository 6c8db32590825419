"""What IT staff in some states of the US are told who came across such material: that they may have to report it.

Names the state and says whom to ask; never that telling us, or anything that we send, does it for them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from router.reporter.house.prose import isolated
from router.reporter.languages import N_
from router.reporter.rendering import Visit

STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "US-AR": N_("Arkansas"),
        "US-CA": N_("California"),
        "US-IL": N_("Illinois"),
        "US-MO": N_("Missouri"),
        "US-NC": N_("North Carolina"),
        "US-OK": N_("Oklahoma"),
        "US-OR": N_("Oregon"),
        "US-SC": N_("South Carolina"),
        "US-SD": N_("South Dakota"),
        "US-TX": N_("Texas"),
    }
)
_DUTY: Final = N_(
    "In %(state)s, somebody who repairs or looks after computers and comes across such material may have to report it "
    "themselves, to the police or to NCMEC's CyberTipline (1-800-843-5678). This report does not do that for you. Talk "
    "to counsel today about what you must do. This is no legal advice."
)
_HOLDER: Final = N_(
    "There the owner or holder of the computer is to be named as well, with an address. Do not write that here: "
    "counsel knows how to give it."
)
_WANTS_THE_HOLDER: Final = frozenset({"US-NC", "US-TX"})


def duty_said(visit: Visit, region: str | None) -> tuple[Markup, ...]:
    """Return what the person reads, in the visit's language; nothing where no such state is meant."""
    state = STATES.get(region or "")
    if state is None:
        return ()
    said = isolated(visit.say(_DUTY) % {"state": visit.say(state)})
    return (said, isolated(visit.say(_HOLDER))) if region in _WANTS_THE_HOLDER else (said,)
