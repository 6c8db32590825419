"""One outside body, as `config/bodies.yaml` describes it.

Pure. What is not confirmed by a source has no `verified_on`, and whoever shows it says so.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

from router.model import Frozen
from router.vocabulary import Name

ANYWHERE: Final = "any"
"""In place of a country: for whoever has no body of their own in the directory."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f<>]*$")]


class BodyKind(StrEnum):
    """How a body is reached."""

    API = "api"
    FORM = "form"
    """A form on the web, which a person fills in."""
    PHONE = "phone"
    POLICE = "police"


class Takes(StrEnum):
    """What a body can act on."""

    URL = "url"
    """An address on the Internet."""
    DEVICE = "device"
    """What was found on a device."""
    ANY = "any"


class Body(Frozen):
    """One body. Its kind decides what must be there: `router.bodies.directory` checks that."""

    code: Name
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|any)$")]
    name: Line
    kind: BodyKind
    takes: Takes
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], ...] = ()
    """What it can be written to in; ISO 639-1."""
    address: Line | None = None
    """Where its form or its page of contacts is."""
    phone: Line | None = None
    inhope: bool = False
    """A member of the network of hotlines."""
    verified_on: date | None = None
    """When somebody compared this entry with its source; None: nobody has, and whoever uses it must."""
    source: Line
    """Where that stands."""
    note: Line | None = None
