"""Where something leads outside, in words: which body, why that one, whether its entry was checked, what follows.

Says what stands in the bytes that people approve, and in the channel's own settings. Decides nothing.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from router.bodies.body import Body
from router.catalogue import Channel
from router.channels import cybertipline, hand_over
from router.channels.cybertipline.settings import Settings as Tipline
from router.channels.hand_over.sheet import Addressee, Sheet, read_sheet
from router.marking import Tlp
from router.model import Referral

KINDS: Final = MappingProxyType(
    {
        "api": "by its interface for programs",
        "form": "by its form on the web",
        "phone": "by telephone",
        "police": "the police",
    }
)
MARKINGS: Final = MappingProxyType(
    {
        Tlp.RED: "only the recipients named may see it",
        Tlp.AMBER_STRICT: "their organisation, as far as it needs to know",
        Tlp.AMBER: "their organisation and its clients, as far as they need to know",
        Tlp.GREEN: "their community",
        Tlp.CLEAR: "everybody",
    }
)
BY_HAND: Final = "it waits for a person, who hands it over and records that. Until then nobody outside knows of it"
AT_ONCE: Final = "it is sent at once and cannot be called back"
FILED: Final = "a report is filed at once, and can be neither changed nor taken back"
THROWN_AWAY: Final = "a report is made in NCMEC's test system, which throws it away: nobody acts on it"


@dataclass(frozen=True, slots=True)
class Destination:
    """Who gets something, and how."""

    name: str
    """Of the body; of the channel, where it leads to no body by name."""
    how: str
    why: str = ""
    body: Addressee | Body | None = None
    """Its entry in the directory of bodies."""
    others: tuple[str, ...] = ()
    """Who else would take it."""
    test: bool = False
    """Whether nobody over there acts on it."""
    marking: str = ""
    follows: str = AT_ONCE
    """What the last approval does, after `then`."""
    sheet: Sheet | None = None
    """What a person hands over, to be read."""


def destination(channel: Channel, fields: Referral | None, written: bytes | None) -> Destination:
    """Return where a referral leads: to whom its bytes, `written`, are addressed, else to the channel."""
    marking = f"{fields.tlp}: {MARKINGS[fields.tlp]}" if fields and fields.tlp else ""
    if channel.kind == cybertipline.KIND and isinstance(channel.settings, Tipline):
        return _tipline(channel.settings, marking)
    if channel.kind == hand_over.KIND:
        return _by_hand(channel, fields, written, marking)
    return Destination(channel.name, f"by {channel.kind}", marking=marking)


def _tipline(settings: Tipline, marking: str) -> Destination:
    return Destination(
        "CyberTipline (NCMEC)" if settings.production else "CyberTipline (NCMEC), test system",
        KINDS["api"],
        why="The policy drafts to it by name. It is no emergency line.",
        test=not settings.production,
        marking=marking,
        follows=FILED if settings.production else THROWN_AWAY,
    )


def _by_hand(channel: Channel, fields: Referral | None, written: bytes | None, marking: str) -> Destination:
    try:
        sheet = read_sheet(written) if written is not None else None
    except ValidationError:
        sheet = None
    if sheet is not None and sheet.to is not None:
        others = tuple(other.name for other in sheet.others)
        made = Destination(sheet.to.name, KINDS[sheet.to.kind], sheet.why, sheet.to, others, sheet=sheet)
    else:
        made = _nobody_by_name(channel, fields)
    return replace(made, marking=marking, follows=BY_HAND)


def _nobody_by_name(channel: Channel, fields: Referral | None) -> Destination:
    """Return whom it would be for if it could be written out."""
    known, settings = channel.narrowed(fields) if fields else None, channel.settings
    who = hand_over.bodies_for(settings, known) if known and isinstance(settings, hand_over.Settings) else ()
    if not who or known is None or not isinstance(settings, hand_over.Settings):
        return Destination(channel.name, "by hand")
    others = tuple(other.name for other in who[1:])
    return Destination(who[0].name, KINDS[who[0].kind], hand_over.why(settings, known, who), who[0], others)
