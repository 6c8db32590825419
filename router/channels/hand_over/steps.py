"""What whoever hands a sheet over does, step by step: for our own people, in English, and no part of the sheet."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.bodies.body import BodyKind
from router.channels.hand_over.sheet import Sheet

URGENT: Final = "Somebody may be in danger now: call the emergency number first, and come back to this afterwards."
UNVERIFIED: Final = (
    "Nobody has compared this body's entry with its source: find out that address and number are right before you use "
    "them."
)
_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        BodyKind.POLICE: (
            "Call them or go there, and say what is on the sheet. Ask how they want the sheet itself.",
            "Leave the device as it is, and keep others away from it, until they say otherwise.",
        ),
        BodyKind.FORM: (
            "Open their form yourself and copy field by field what it asks for. Leave out what it does not ask for.",
            "Do not open the address that you report, not even to check it.",
        ),
        BodyKind.PHONE: ("Call them and read out what they ask for.",),
    }
)
_ALWAYS: Final = (
    "Attach and send no pictures, files or screenshots, whoever asks: how to hand over material is for police to say.",
    "Add by hand what the sheet leaves open, where you know it. Guess nothing.",
    "Tell nobody who need not know, least of all whoever the concern is about.",
    "Ask under which reference they have it and which desk deals with it, and record both here at once.",
)
_WITHDRAWS: Final = "Tell whoever has it that it is withdrawn, under their own reference."


def steps(sheet: Sheet) -> tuple[str, ...]:
    """Return the steps, in order."""
    if sheet.to is None:
        return (_WITHDRAWS, _ALWAYS[-1])
    first = (*([URGENT] if sheet.first else []), *([] if sheet.to.verified_on else [UNVERIFIED]))
    return (*first, *_BY_KIND.get(sheet.to.kind, ()), *_ALWAYS)
