"""What a form lets people choose from: the policy's categories and sites, and offsets from UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ZONES: Final = tuple(
    f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    for minutes in sorted({*range(-720, 841, 60), -570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765})
)
"""Offsets in use, in hours and minutes from UTC."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A category as the page lists it."""

    name: str
    label: str
    group: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page offers: categories in their order, and sites with their labels."""

    categories: Sequence[Kind]
    sites: Mapping[str, str]
    custodians: bool = True
    """Whether somebody keeps who reported apart from those who work on a report."""

    @property
    def groups(self) -> Mapping[str, Sequence[Kind]]:
        """Return the categories under their headings."""
        groups: dict[str, list[Kind]] = {}
        for kind in self.categories:
            groups.setdefault(kind.group, []).append(kind)
        return groups
