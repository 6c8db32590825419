"""The parts of a CyberTipline report that we may send, typed, in the order that the schema demands.

A field of a model is an element of that name, `type` an attribute, and `text` what stands in the element itself. What
is not here cannot be sent: no content, no file and its name, no victim, no profile, no law-enforcement officer.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field

from router.model import Frozen

CALLED: Final[Mapping[str, str]] = MappingProxyType({"legal_url": "legalURL"})
"""Elements that are not called as our words, each begun with a capital."""


class Element(Frozen):
    """One element: its fields stand in the schema's order."""


class Typed(Element):
    """A text of a kind."""

    type: str
    text: str


class Flags(Element):
    """What NCMEC sorts by; there or not there."""

    sextortion: bool = False


class Summary(Element):
    """What it is about, and when."""

    incident_type: str
    platform: str | None = None
    escalate_to_high_priority: str | None = None
    report_annotations: Flags | None = None
    incident_date_time: str


class Nothing(Element):
    """An element that says something by being there."""


class WebPage(Element):
    """An address; nobody looks it up here."""

    url: tuple[str, ...] = ()


class Where(Element):
    """One place; exactly one of these is set."""

    web_page_incident: WebPage | None = None
    email_incident: Nothing | None = None
    newsgroup_incident: Nothing | None = None
    chat_im_incident: Nothing | None = None
    online_gaming_incident: Nothing | None = None
    cell_phone_incident: Nothing | None = None
    non_internet_incident: Nothing | None = None
    peer2peer_incident: Nothing | None = None


class Address(Element):
    """Where the organisation is."""

    type: str
    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = None
    non_usa_state: str | None = None
    country: str | None = None


class ReportingPerson(Element):
    """Who reports, for the organisation."""

    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Typed, ...] = ()
    email: Annotated[tuple[Typed, ...], Field(min_length=1)]
    address: tuple[Address, ...] = ()


class ContactPerson(Element):
    """Whom the police may ask."""

    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Typed, ...] = ()
    email: tuple[Typed, ...] = ()


class Reporter(Element):
    """The organisation, by its own settings alone."""

    reporting_person: ReportingPerson
    contact_person: ContactPerson | None = None
    company_template: str | None = None
    legal_url: str | None = None


class Device(Element):
    """A thing, by the number that is on it."""

    id_type: str
    id_value: str


class Reported(Element):
    """On what of ours, by which account and device."""

    esp_identifier: str | None = None
    esp_service: str | None = None
    device_id: tuple[Device, ...] = ()


class Report(Element):
    """One report."""

    incident_summary: Summary
    internet_details: tuple[Where, ...] = ()
    reporter: Reporter
    person_or_user_reported: Reported | None = None
    additional_info: str | None = None


def called(field: str) -> str:
    """Return the element's name: `espIdentifier` of `esp_identifier`."""
    first, *others = field.split("_")
    return CALLED.get(field) or first + "".join(word.capitalize() for word in others)
