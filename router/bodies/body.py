"""One outside body, as `config/bodies.yaml` describes it.

Pure. What is not confirmed by a source has no `verified_on`, and whoever shows it says so.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from router.countries import COUNTRIES
from router.model import Frozen
from router.vocabulary import Name

ANYWHERE: Final = "any"
"""In place of a country: for whoever has no body of their own in the directory."""
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f<>\u2028-\u202E\u2066-\u2069]*$"),
]
"""A line that reads on paper as it does on a screen: nothing in it turns its direction, or breaks it."""
Address = Annotated[
    str, StringConstraints(max_length=300, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!#-;=?-~]*)?$")
]
"""A page; it holds no name and no password."""


def known_country(code: str) -> str:
    """Return `code`, which begins with a country's; raises PydanticCustomError when there is no such country."""
    country = code[:2]
    if country not in COUNTRIES:
        hint = "; the United Kingdom is GB" if country == "UK" else ""
        said = "no country has this code; they are two capital letters (ISO 3166-1), such as SE{hint}"
        raise PydanticCustomError("odd_value", said, {"hint": hint})
    return code


def _place(code: str) -> str:
    return code if code == ANYWHERE else known_country(code)


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


class Entry(Frozen):
    """What the file says below a body's code. Its kind decides what must be there: `directory` checks that."""

    country: Annotated[str, AfterValidator(_place)]
    """ISO 3166-1 alpha-2, or `any`."""
    name: Line
    kind: BodyKind
    takes: Takes
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], ...] = ()
    """What it can be written to in; ISO 639-1."""
    address: Address | None = None
    """Where its form or its page of contacts is; nobody here ever calls it."""
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{1,28}[0-9]$")] | None = None
    inhope: bool = False
    """A member of the network of hotlines."""
    verified_on: date | None = None
    """When somebody compared this entry with its source; None: nobody has, and whoever uses it must."""
    source: Line
    """Where that stands."""
    note: Line | None = None


class Body(Entry):
    """One body."""

    code: Name
