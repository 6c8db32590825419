"""CyberTipline's settings and referrals for tests, and what stands in a document. Needs nothing of NCMEC."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from router.channels import cybertipline
from router.channels.cybertipline import writing
from router.model import Referral

if TYPE_CHECKING:
    from collections.abc import Sequence

OUR_SCHEMA: Final = Path(str(writing.__file__)).with_name("profile.xsd")
REFERENCE: Final = "CR-0123-4567-89AB"
RECEIVED: Final = datetime(2026, 11, 23, 8, 30, 15, 999_999, tzinfo=UTC)
LEAST: Final[dict[str, Any]] = {
    "user": "env:TIPLINE_USER",
    "password": "env:TIPLINE_PASSWORD",
    "reporter": {"email": "safeguarding@example.org"},
}
MOST: Final[dict[str, Any]] = {
    **LEAST,
    "reporter": {
        "first_name": "Åsa",
        "last_name": "O'Neill & <Söner>",
        "phone": "+46 8 123 45 67",
        "email": "safeguarding@example.org",
        "address": {
            "street": "Storgatan 1",
            "city": "Malmö",
            "zip_code": "211 34",
            "state": "TX",
            "region": "Skåne",
            "country": "SE",
        },
    },
    "contact": {
        "first_name": "Duty",
        "last_name": "Officer",
        "phone": "(202) 555-0100",
        "email": "duty@example.org",
    },
    "company_template": "Example Corp makes things.\nWhat is reported comes from its own staff.",
    "legal_url": "https://www.example.org/legal",
    "esp_service": "Example workplace devices",
    "incident_types": {"child_at_risk": "molestation"},
    "platform": True,
    "subject_handle": True,
}
FACTS: Final[dict[str, Any]] = {
    "reference": REFERENCE,
    "revision": 2,
    "tlp": "TLP:AMBER+STRICT",
    "category": "sexual_extortion",
    "noticed_how": "endpoint_hash_match",
    "where_found": "chat",
    "occurred_at": "2026-11-20T08:30:15+02:00",
    "noticed_at": "2026-11-22T08:30:15Z",
    "received_at": RECEIVED,
    "urgency": ["live_now", "child_in_immediate_danger"],
    "evidence_state": "left_in_place",
    "country": "SE",
    "jurisdiction": "US-TX",
    "verdict_source": "hash_list",
    "asset_tag": "LT-0042",
    "hashes": [{"algorithm": "sha256", "value": "ab" * 32}],
    "url": "https://a.example/b?c=1&d='<>\"",
    "subject_handle": "CORP\\a.b@example.org",
}
"""Everything that a report can show."""


def settings(**more: Any) -> cybertipline.Settings:
    return cybertipline.Settings.model_validate({**LEAST, **more})


def referral(**more: Any) -> Referral:
    return Referral.model_validate(
        {"reference": REFERENCE, "category": "csam_suspected", "received_at": RECEIVED, **more}
    )


def document(given: cybertipline.Settings, **more: Any) -> "etree._Element":
    """Return what is rendered, read back; it fits every schema that there is."""
    body = cybertipline.render(given, referral(**more), key="k").body
    assert fits(body)
    return etree.fromstring(body)


@cache
def schemas() -> "Sequence[etree.XMLSchema]":
    """Return our profile and, where CYBERTIP_XSD names a file of it, NCMEC's schema."""
    official = os.environ.get("CYBERTIP_XSD")
    theirs = (writing.schema(Path(official).read_bytes()),) if official else ()
    return (writing.profile(), *theirs)


def fits(body: bytes) -> bool:
    return all(writing.fits(body, schema) for schema in schemas())


def outline(element: "etree._Element") -> str:
    """Return the names below an element, in their order."""
    inner = " ".join(map(outline, element))
    tag = str(element.tag)
    return f"{tag}({inner})" if inner else tag


def shown(element: "etree._Element") -> Iterator[str]:
    """Yield every text and every attribute."""
    for one in element.iter():
        yield from filter(None, (one.text and one.text.strip(), *map(str, one.attrib.values())))


def line(element: "etree._Element") -> list[tuple[str, str]]:
    """Return the keys and values of the line of facts."""
    pairs = [pair.partition("=") for pair in (element.findtext("additionalInfo") or "").split("; ")]
    return [(key, value) for key, _, value in pairs]
