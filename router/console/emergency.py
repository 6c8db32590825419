"""A country's emergency number, as the organisation wrote it down for its reporters."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Emergency:
    """Whom to call in one country when somebody is in danger now."""

    country: str
    """ISO 3166-1."""
    name: str
    number: str
