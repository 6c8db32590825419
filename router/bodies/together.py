"""The channels' file and the bodies' as one text, so that whoever keeps, compares or follows the one has the other.

A policy that is stored and given to workers holds both; of an older one, which had no bodies, the channels alone.
"""

from typing import Final

MARK: Final = "--- # bodies.yaml"
"""The line between the two; what follows is a document of its own, whose lines count from one again."""
_BETWEEN: Final = f"\n{MARK}\n"


def joined(channels_text: str, bodies_text: str | None) -> str:
    """Return both as one text."""
    return channels_text if bodies_text is None else f"{channels_text}{_BETWEEN}{bodies_text}"


def parted(text: str) -> tuple[str, str | None]:
    """Return the channels' text and the bodies'; None when `text` holds no bodies."""
    channels, mark, bodies = text.partition(_BETWEEN)
    return channels, bodies if mark else None
