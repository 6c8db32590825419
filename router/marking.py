"""Who may see what leaves the organisation: the marking that stands on it."""

from enum import StrEnum


class Tlp(StrEnum):
    """Who may see what leaves: the Traffic Light Protocol 2.0 of FIRST, its labels as they are written."""

    RED = "TLP:RED"
    """Only the recipients named."""
    AMBER_STRICT = "TLP:AMBER+STRICT"
    """The recipient's organisation, need to know."""
    AMBER = "TLP:AMBER"
    """The recipient's organisation and its clients, need to know."""
    GREEN = "TLP:GREEN"
    """The recipient's community."""
    CLEAR = "TLP:CLEAR"
    """Everybody."""
