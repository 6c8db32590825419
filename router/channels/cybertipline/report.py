"""What a referral is as a report to CyberTipline: each fact in the element that is meant for it.

Pure, and of the same referral always the same: no clock is read. A finding on a device has no place on the Internet;
it is told by the device's number, and by the line of facts.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from router.channels import notices
from router.channels.cybertipline import elements, machineline
from router.channels.cybertipline.settings import Contact, Postal, Settings
from router.channels.cybertipline.words import CALLED, EXTORTION, MEDIA, PLATFORMS, REASONS, Incident, Medium
from router.errors import Unrenderable
from router.model import Referral

NEEDED: Final = frozenset({"category", "received_at"})
"""Without them there is no report: its kind, and the time that none of its times may be after."""
SHOWN: Final = NEEDED | {"where_found", "occurred_at", "urgency", "asset_tag", "url"} | machineline.SHOWN
"""The fields that a report can show, the switched ones left out."""
ASSET_TAG: Final = "Asset tag"
BUSINESS: Final = "Business"


def lacks(settings: Settings, referral: Referral) -> tuple[str, ...]:
    """Return the fields without which there is no report, or with a value that NCMEC has no kind of incident for."""
    missing = [] if settings.incident(referral.category) else ["category"]
    return tuple(missing if referral.received_at is not None else [*missing, "received_at"])


def report(settings: Settings, referral: Referral) -> elements.Report:
    """Return the report; raises Unrenderable `lacks` when something is missing for it."""
    incident, received_at = settings.incident(referral.category), referral.received_at
    if incident is None or received_at is None:
        raise Unrenderable("lacks")
    return elements.Report(
        incident_summary=_summary(settings, referral, incident, received_at),
        internet_details=tuple(_places(referral)),
        reporter=_reporter(settings),
        person_or_user_reported=_reported(settings, referral),
        additional_info=machineline.line(referral),
    )


def _summary(settings: Settings, referral: Referral, incident: Incident, received_at: datetime) -> elements.Summary:
    happened = referral.occurred_at or referral.noticed_at or received_at
    urgent = referral.urgency or ()
    platform = PLATFORMS.get(referral.where_found) if settings.platform and referral.where_found else None
    return elements.Summary(
        incident_type=CALLED[incident],
        platform=platform,
        escalate_to_high_priority=next((said for reason, said in REASONS.items() if reason in urgent), None),
        report_annotations=elements.Flags(sextortion=True) if referral.category == EXTORTION else None,
        # NCMEC takes no time to come, and the clock of whoever reported it may have gone before ours.
        incident_date_time=notices.moment(min(happened, received_at)),
    )


def _places(referral: Referral) -> Iterator[elements.Where]:
    """Yield the place on the Internet, and the address, which is a page's wherever it was seen."""
    medium = MEDIA.get(referral.where_found) if referral.where_found else None
    if medium is Medium.WEB_PAGE or referral.url is not None:
        urls = (referral.url,) if referral.url is not None else ()
        yield elements.Where(web_page_incident=elements.WebPage(url=urls))
    if medium is not None and medium is not Medium.WEB_PAGE:
        yield elements.Where.model_validate({medium.value: elements.Nothing()})


def _reported(settings: Settings, referral: Referral) -> elements.Reported | None:
    """Return on what and by whom; None where no device and no account is known: a service alone is nobody."""
    handle = referral.subject_handle if settings.subject_handle else None
    if referral.asset_tag is None and handle is None:
        return None
    tag = referral.asset_tag
    devices = (elements.Device(id_type=ASSET_TAG, id_value=tag),) if tag is not None else ()
    return elements.Reported(esp_identifier=handle, esp_service=settings.esp_service, device_id=devices)


def _reporter(settings: Settings) -> elements.Reporter:
    """Return the organisation; never who told us."""
    who = settings.reporter
    return elements.Reporter(
        reporting_person=elements.ReportingPerson(
            first_name=who.first_name,
            last_name=who.last_name,
            phone=_typed(who.phone),
            email=_typed(who.email),
            address=_address(who.address),
        ),
        contact_person=_contact(settings.contact),
        company_template=settings.company_template,
        legal_url=settings.legal_url,
    )


def _contact(contact: Contact | None) -> elements.ContactPerson | None:
    if contact is None:
        return None
    return elements.ContactPerson(
        first_name=contact.first_name,
        last_name=contact.last_name,
        phone=_typed(contact.phone),
        email=_typed(contact.email),
    )


def _address(postal: Postal | None) -> tuple[elements.Address, ...]:
    if postal is None:
        return ()
    return (
        elements.Address(
            type=BUSINESS,
            address=postal.street,
            city=postal.city,
            zip_code=postal.zip_code,
            state=postal.state,
            non_usa_state=postal.region,
            country=postal.country,
        ),
    )


def _typed(text: str | None) -> tuple[elements.Typed, ...]:
    return (elements.Typed(type=BUSINESS, text=text),) if text is not None else ()
