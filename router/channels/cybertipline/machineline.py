"""The one line of text in a report: what NCMEC has no element for, as keys and values of closed lists and digits.

Pure. Not a word that anybody wrote can stand in it: the profile refuses all but its grammar. Whether NCMEC's people or
programs read it is not known.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from router.channels import notices
from router.model import Referral
from router.vocabulary import NoticedHow, VerdictSource

LONGEST: Final = 3000
"""Characters; NCMEC states no limit, and others keep to this one."""
MOST_HASHES: Final = 32
"""Of the longest kind so many fit, whatever else is said; a concern has up to 64."""
SHOWN: Final = frozenset(
    {
        "noticed_how",
        "verdict_source",
        "where_found",
        "evidence_state",
        "urgency",
        "country",
        "jurisdiction",
        "noticed_at",
        "received_at",
        "hashes",
    }
)
"""The fields that it can show, beside what a referral always has."""
_MATCHES: Final = frozenset({NoticedHow.ENDPOINT_HASH_MATCH, NoticedHow.NETWORK_FILTER})
_NO_VERDICT: Final = frozenset({None, VerdictSource.NONE})


def line(referral: Referral) -> str:
    """Return the line: `ref=...; tlp=...; match=...; list=...; sha256=...`, of what is known."""
    return "; ".join(f"{key}={value}" for key, value in _said(referral))


def _said(referral: Referral) -> Iterator[tuple[str, str]]:
    yield "ref", referral.reference
    if referral.revision > 1:
        yield "revision", str(referral.revision)
    if referral.tlp is not None:
        yield "tlp", referral.tlp.value.partition(":")[2]
    if referral.noticed_how is not None:
        yield "match" if referral.noticed_how in _MATCHES else "noticed", referral.noticed_how.value
    if referral.verdict_source not in _NO_VERDICT:
        yield "list", str(referral.verdict_source)
    if referral.where_found is not None:
        yield "found", referral.where_found.value
    if referral.evidence_state is not None:
        yield "evidence", referral.evidence_state.value
    for urgency in referral.urgency or ():
        yield "urgency", urgency.value
    yield from _places(referral)
    for key, moment in (("noticed_at", referral.noticed_at), ("received_at", referral.received_at)):
        if moment is not None:
            yield key, notices.moment(_not_after(moment, referral.received_at))
    yield from _hashes(referral)


def _places(referral: Referral) -> Iterator[tuple[str, str]]:
    if referral.country is not None:
        yield "country", referral.country
    if referral.jurisdiction is not None:
        yield "jurisdiction", referral.jurisdiction


def _not_after(moment: datetime, received_at: datetime | None) -> datetime:
    """Return a time that is past: a clock elsewhere may have gone before ours."""
    return min(moment, received_at) if received_at is not None else moment


def _hashes(referral: Referral) -> Iterator[tuple[str, str]]:
    hashes = referral.hashes or ()
    for known in islice(hashes, MOST_HASHES):
        yield known.algorithm.value, known.value
    if len(hashes) > MOST_HASHES:
        yield "hashes_left_out", str(len(hashes) - MOST_HASHES)
