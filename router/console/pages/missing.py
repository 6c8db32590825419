"""What a referral cannot be written out without, in words: which fact, for whom, and who can do something about it.

Said before anybody approves. Reads what it is given; says no value that is not on the page already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from router.catalogue import ALWAYS_CARRIED, Channel
from router.console.pages import factwords
from router.console.reroute import CORRECTABLE
from router.model import Referral

_LABELS: Final = MappingProxyType(
    {
        **factwords.LABELS,
        "url": "Address on the Internet",
        "received_at": "When it was received",
        "severity": "Severity",
        "jurisdiction": "Country",
        "link": "Link to the case",
        "tlp": "Who may see it",
    }
)


@dataclass(frozen=True, slots=True)
class Missing:
    """One fact that is missing, or that they have no word for."""

    label: str
    why: str
    correctable: bool
    """Whether the page where a case is re-routed can mend it."""


def missing(decided: Channel | None, now: Channel | None, fields: Referral | None) -> tuple[Missing, ...]:
    """Return what `fields` lacks for a channel; nothing when that is not why it cannot be written out.

    `decided` is the channel as the case's policy had it, by which the fields were chosen; `now` as it is.
    """
    if now is None or fields is None:
        return ()
    return tuple(_missing(decided, now, fields))


def _missing(decided: Channel | None, now: Channel, fields: Referral) -> Iterator[Missing]:
    for name in now.lacks(fields):
        correctable = name in CORRECTABLE
        if name not in ALWAYS_CARRIED | set(now.carries):
            why, correctable = f"this channel may not carry it; the operator can add {name} to its carries", False
        elif name == "jurisdiction" and fields.jurisdiction is not None:
            why = "the directory of bodies names nobody there who could act on this"
        elif getattr(fields, name, None) not in {None, ()}:
            why = "they have no kind for what the case says here"
        elif decided is not None and name not in decided.carries:
            why, correctable = "this channel could not carry it when the case was decided; decide it anew", True
        elif name == "jurisdiction":
            why, correctable = "neither the concern, nor its site, nor the policy says which", True
        else:
            why = "nobody has said it; whoever reported this may know"
        yield Missing(_LABELS.get(name) or factwords.plain(name).capitalize(), why, correctable)
