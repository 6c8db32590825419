"""Which rows a sheet has: what each kind of body asks for, and nothing else.

From what police forces and hotlines say that they need, gathered in the reference on child-safety referrals: police
ask how the suspicion arose, for the child, the suspect, the place, the time and witnesses; a hotline for the address
and what it is; those that take more than addresses for time, place and user names as well.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.bodies.body import Body, BodyKind, Takes

BY_HAND: Final = frozenset({"child", "witnesses", "contact", "case_number"})
"""What the router does not know: whoever hands it over says or writes it there, if they should."""
NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "reference": ("reference",),
        "danger": ("urgency",),
        "place": ("country", "jurisdiction", "site"),
    }
)
"""Of which fields a row is made, where it is not the one it is called after; those by hand are made of none."""
_DEVICE: Final = (
    *("reference", "category", "danger", "noticed_how", "occurred_at", "noticed_at", "received_at"),
    *("place", "where_found", "asset_tag", "hashes", "verdict_source", "url", "subject_handle", "urgency"),
    *("evidence_state", "child", "witnesses", "contact", "case_number"),
)
_ADDRESS: Final = ("reference", "url", "category", "danger", "where_found", "noticed_at", "contact")
_ANY: Final = (
    *("reference", "url", "category", "danger", "where_found", "noticed_how", "occurred_at", "noticed_at"),
    *("place", "subject_handle", "contact"),
)


def rows(body: Body) -> tuple[str, ...]:
    """Return the rows of the sheet for this body, in order."""
    if body.kind is BodyKind.POLICE or body.takes is Takes.DEVICE:
        return _DEVICE
    return _ADDRESS if body.takes is Takes.URL else _ANY


def fields(row: str) -> tuple[str, ...]:
    """Return of which fields of a referral the row is made."""
    return () if row in BY_HAND else NEEDS.get(row, (row,))


def all_fields() -> frozenset[str]:
    """Return every field that some sheet shows, beside the reference."""
    return frozenset(field for row in {*_DEVICE, *_ADDRESS, *_ANY} for field in fields(row)) - {"reference"}
