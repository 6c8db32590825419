"""What `house.yaml` may say: the organisation's own part of the reporters' pages, field by field.

A text is written once, or once for each language. Pure: reads no file, and knows no policy.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from babel import Locale
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.model import Frozen
from router.reporter.house.prose import Block, blocks
from router.reporter.house.theme import Colours
from router.reporter.languages import CODES, DEFAULT
from router.vocabulary import Country

EVERY: Final = ""
"""Stands for the language of a text that is written once."""
AWAY: Final = "/away"
"""A blank page of ours."""
LONGEST_TEXT: Final = 20_000


class Place(StrEnum):
    """Where the operator may say something more."""

    START = "start"
    GUIDANCE = "guidance"
    CHECK = "check"
    RECEIPT = "receipt"
    FOLLOW_UP = "follow_up"
    ELSEWHERE = "elsewhere"
    POSTER = "poster"


def _refused(said: str, code: str = "odd_value") -> PydanticCustomError:
    return PydanticCustomError(code, "{said}", {"said": said})


def _known_language(code: str) -> str:
    if code not in (*CODES, EVERY):
        raise _refused(f"no language of ours; there are {', '.join(CODES)}")
    return code


def _known_country(code: str) -> str:
    if code not in Locale(DEFAULT).territories:
        raise _refused("no country's code; they have two capital letters (ISO 3166-1)")
    return code


def _frozen(given: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(given) if isinstance(given, dict) else given


def _for_every(written: object) -> object:
    return {EVERY: written} if isinstance(written, str) else written


def _prose(written: object) -> object:
    """Return the blocks of a text; what is no text is left to be complained of."""
    if not isinstance(written, str):
        return written
    if len(written) > LONGEST_TEXT or "<" in written:
        raise _refused(f"at most {LONGEST_TEXT} characters are wanted, and no tags: a line `# ...` is a heading")
    return blocks(written)


def _a_day(written: object) -> object:
    try:
        return date.fromisoformat(written) if isinstance(written, str) else written
    except ValueError:
        raise _refused("a day such as '2026-11-30' is wanted") from None


Code = Annotated[str, AfterValidator(_known_language)]
KnownCountry = Annotated[Country, AfterValidator(_known_country)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f<>]*$")]
Own = Annotated[Mapping[Code, Line], BeforeValidator(_for_every), AfterValidator(_frozen), Field(min_length=1)]
"""A line of the operator's, by language; under EVERY if it is written once."""
Prose = Annotated[tuple[Block, ...], BeforeValidator(_prose), Field(min_length=1)]
OwnProse = Annotated[Mapping[Code, Prose], BeforeValidator(_for_every), AfterValidator(_frozen), Field(min_length=1)]
"""Paragraphs of the operator's, by language."""
Telephone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{1,24}$")]
MailAddress = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}$")]
_HTTPS = r"https://[A-Za-z0-9.-]+(:\d+)?(/[!-;=?-~]*)?"
HttpsAddress = Annotated[str, StringConstraints(pattern=f"^{_HTTPS}$", max_length=500)]
_Readings = Annotated[Mapping[Line, Line], AfterValidator(_frozen)]
Day = Annotated[date, BeforeValidator(_a_day)]


class Contact(Frozen):
    """Whom to ask about this service."""

    who: Own
    email: MailAddress | None = None
    phone: Telephone | None = None
    address: Own | None = None
    hours: Own | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not (self.email or self.phone or self.address):
            raise _refused("a contact needs one of email, phone and address", "incomplete")
        return self


class Desk(Frozen):
    """Somebody of the organisation's own who answers the telephone."""

    who: Own
    number: Telephone
    hours: Own | None = None


class Authority(Frozen):
    """An outside body to which anybody may turn directly."""

    country: KnownCountry
    name: Own
    takes: Own
    """What it takes reports of, and what it asks for."""
    url: HttpsAddress | None = None
    phone: Telephone | None = None
    source: HttpsAddress | None = None
    """Where this was read."""
    verified_on: Day | None = None
    """When it was last compared with what the body itself says."""

    @model_validator(mode="after")
    def _can_be_reached_and_says_from_where(self) -> Self:
        if not (self.url or self.phone):
            raise _refused("an authority needs a url or a phone", "incomplete")
        if self.verified_on and not self.source:
            raise _refused("verified_on needs a source: where it was compared", "incomplete")
        return self


class LogoFile(Frozen):
    """A picture beside house.yaml."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,60}\.(svg|png)$")]
    alt: Own | None = None
    """What it shows, for who does not see it; the organisation's name if left out."""


class HouseFile(Frozen):
    """The whole file."""

    house: Literal["concern-router/1"]
    """The file's name and version."""
    name: Line
    """What the organisation is called."""
    languages: Annotated[tuple[Code, ...], Field(min_length=1)] = CODES
    """Offered, the default one first."""
    contact: Contact
    privacy: OwnProse
    """The privacy notice, in each of the languages."""
    emergency: Annotated[Mapping[KnownCountry, Telephone], AfterValidator(_frozen), Field(min_length=1)]
    """Whom to call when somebody is in danger, by country."""
    numbers: tuple[Desk, ...] = ()
    """Whom to call in the house."""
    leave_to: Annotated[str, StringConstraints(pattern=f"^({AWAY}|{_HTTPS})$", max_length=500)] = AWAY
    """Where the quick exit leads."""
    guidance: Annotated[Mapping[Place, OwnProse], AfterValidator(_frozen)] = Field(default_factory=dict)
    """What is said more, by place."""
    authorities: tuple[Authority, ...] = ()
    translations: Annotated[Mapping[Code, _Readings], AfterValidator(_frozen)] = Field(default_factory=dict)
    """By language: how labels and sentences of the policy's own, and texts here that are written once, read in it."""
    colours: Colours | None = None
    logo: LogoFile | None = None

    @model_validator(mode="after")
    def _languages_fit(self) -> Self:
        if len(set(self.languages)) < len(self.languages) or EVERY in self.languages:
            raise _refused("languages: each of them once", "incomplete")
        return self
