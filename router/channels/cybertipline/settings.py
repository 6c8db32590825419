"""What `channels.yaml` says for CyberTipline: which of the two systems, and who reports to it.

Pure. Without more it is NCMEC's test system, where reports are thrown away; the real one needs to be asked for by name
and signed off. Secrets stand here by reference alone.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.channels.cybertipline.words import INCIDENTS, Incident
from router.channels.overhttp import OverHttp
from router.channels.setting import HOME, SecretReference, WebService
from router.countries import COUNTRIES
from router.model import Frozen
from router.vocabulary import Code, Country

TEST_BASE: Final = "https://exttest.cybertip.org/ispws"
PRODUCTION_BASE: Final = "https://report.cybertip.org/ispws"
_STATE: Final = re.compile(
    "A[KLRZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]"
)
"""What NCMEC's schema knows as a state: 50, the District of Columbia, Guam, Puerto Rico and the Virgin Islands."""

_PLAIN: Final = r"^[^\x00-\x1f\x7f-\x9f\uFFFE\uFFFF]*$"
_LINES: Final = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f\uFFFE\uFFFF]*$"


def _state(code: str) -> str:
    if not _STATE.fullmatch(code):
        raise PydanticCustomError("odd_value", "a state such as TX is wanted; elsewhere: region")
    return code


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise PydanticCustomError("odd_value", "a country such as SE is wanted")
    return code


def _phone(number: str) -> str:
    if not re.fullmatch(r"\+?[0-9(][0-9 ()./-]{2,48}", number):
        raise PydanticCustomError("odd_value", "a phone number such as +46 8 123 45 67 is wanted")
    return number


def _email(address: str) -> str:
    if not re.fullmatch(r"[!#-'*+/-9=?A-Z^-~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", address):
        raise PydanticCustomError("odd_value", "a plain address such as safeguarding@example.org is wanted")
    return address


Text20 = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_PLAIN)]
Text100 = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PLAIN)]
Text255 = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_PLAIN)]
Lines = Annotated[str, StringConstraints(min_length=1, max_length=3000, pattern=_LINES)]
Phone = Annotated[str, AfterValidator(_phone)]
Email = Annotated[str, StringConstraints(max_length=255), AfterValidator(_email)]
Land = Annotated[Country, AfterValidator(_country)]
State = Annotated[str, AfterValidator(_state)]


class Environment(StrEnum):
    """Which of NCMEC's two systems."""

    TEST = "test"
    PRODUCTION = "production"


BASES: Final[Mapping[Environment, str]] = MappingProxyType(
    {Environment.TEST: TEST_BASE, Environment.PRODUCTION: PRODUCTION_BASE}
)


class Postal(Frozen):
    """Where the organisation is."""

    street: Text255 | None = None
    city: Text100 | None = None
    zip_code: Text20 | None = None
    state: State | None = None
    """In the United States."""
    region: Text100 | None = None
    """Elsewhere."""
    country: Land | None = None


class Contact(Frozen):
    """Whom NCMEC and the police may ask, day and night."""

    first_name: Text100 | None = None
    last_name: Text100 | None = None
    phone: Phone | None = None
    email: Email | None = None


class Reporter(Frozen):
    """Who reports, for the organisation; never who told us."""

    first_name: Text100 | None = None
    last_name: Text100 | None = None
    phone: Phone | None = None
    email: Email
    """NCMEC takes no report without one."""
    address: Postal | None = None


class Settings(OverHttp):
    """What `channels.yaml` says for CyberTipline."""

    url: WebService = TEST_BASE
    """Left out: the system that `environment` names. Anything else only on this machine, for tests."""
    environment: Environment = Environment.TEST
    """test: NCMEC throws reports away. production: they are acted on, and cannot be taken back."""
    signed_off: date | None = None
    """The day from which NCMEC and whoever answers for this agreed to real reports; production needs it."""
    test_url: WebService = TEST_BASE
    """Where credentials are tried that must not be those of the test system; another only for tests, as `url`."""
    user: SecretReference
    """Where the name stands that NCMEC gave us."""
    password: SecretReference
    """Where its password stands."""
    reporter: Reporter
    contact: Contact | None = None
    company_template: Lines | None = None
    """What NCMEC shall know of the organisation in each report; the same words every time."""
    legal_url: WebService | None = None
    """Where to find whom to serve with legal process."""
    esp_service: Text100 | None = None
    """What of ours it was found on or with, such as `Example Corp workplace devices`."""
    incident_types: Annotated[Mapping[Code, Incident], AfterValidator(MappingProxyType)] = Field(
        default_factory=lambda: MappingProxyType({})
    )
    """Which kind of incident a category of the policy is, beside and before those that are known."""
    platform: bool = False
    """Whether NCMEC's `platform` says on what kind of place or thing it was found, in words of a closed list."""
    subject_handle: bool = False
    """Whether the account that a concern names is said: a pseudonym, never a number of the payroll."""

    @model_validator(mode="before")
    @classmethod
    def _where_the_environment_is(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("environment") == Environment.PRODUCTION and "url" not in given:
            return {**given, "url": PRODUCTION_BASE}
        return given

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        wanted = BASES[self.environment]
        if not _here(self.url) and self.url.rstrip("/") != wanted:
            said = "environment {environment} is {base}: leave url out"
            context = {"environment": self.environment.value, "base": wanted}
            raise PydanticCustomError("odd_address", said, context)
        if self.test_url != TEST_BASE and not (_here(self.url) and _here(self.test_url)):
            raise PydanticCustomError("odd_address", "test_url is for tests on this machine: leave it out")
        if self.environment is Environment.PRODUCTION and self.signed_off is None:
            said = "production needs signed_off: the day on which NCMEC and whoever answers for this agreed to it"
            raise PydanticCustomError("not_signed_off", said)
        return self

    @property
    def production(self) -> bool:
        """Whether reports are acted on."""
        return self.environment is Environment.PRODUCTION

    def incident(self, category: Code | None) -> Incident | None:
        """Return which kind of incident the category is; None where there is none."""
        return self.incident_types.get(category or "") or INCIDENTS.get(category or "")


def _here(url: str) -> bool:
    return urlsplit(url).hostname in HOME
