"""What the organisation that runs this says of itself on the reporters' pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.reporter.languages import CODES


@dataclass(frozen=True, slots=True)
class House:
    """The organisation's own part of the pages."""

    name: str
    languages: tuple[str, ...] = CODES
    """Offered, the default one first."""
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language: how the policy's own labels and sentences read in it."""
