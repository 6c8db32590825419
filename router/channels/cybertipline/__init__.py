"""NCMEC's CyberTipline, by its Reporting API: one report for each case, of facts alone, with no file.

Pure: makes the report; the worker opens it over there and finishes it. No narrative, no file and no file's name, no
victim can be in one: there is no place for them. For firms that NCMEC gave credentials to; most employers have none.
An emergency line it is not: whoever knows of a child in danger calls the emergency number first.

What keeps a second delivery from becoming a second report is the report's number, which NCMEC gives when it is opened
and we note before it is finished: to finish it twice is refused over there. What was opened and lost is never finished.
"""

from typing import Final

from router.channels.cybertipline import report, writing
from router.channels.cybertipline.settings import Settings
from router.errors import Unrenderable
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Notice, Proven

__all__ = [
    "FINAL",
    "GUARANTEE",
    "KIND",
    "OUTSIDE",
    "PROVES",
    "Settings",
    "fields_named",
    "fields_shown",
    "lacks",
    "place",
    "render",
    "search_lag_s",
]

KIND: Final = "cybertipline"
GUARANTEE: Final = Guarantee.KEYED
PROVES: Final = Proven.ACCEPTED
"""It says that a report is filed, with its number; nobody outside NCMEC can look at it later."""
OUTSIDE: Final = True
FINAL: Final = True
_REPORTS: Final = frozenset({None, Notice.CORRECTED, Notice.INSTEAD})
"""What makes a report. Nothing else can be said there: what is filed can be neither changed nor taken back."""


def fields_named(settings: Settings) -> frozenset[str]:
    """Return the fields that the channel must be allowed to carry: those without which there is no report."""
    return report.NEEDED | ({"subject_handle"} if settings.subject_handle else frozenset())


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:
    """Return which of the fields that the channel may carry a report can show."""
    return carries & (report.SHOWN | fields_named(settings))


def place(settings: Settings) -> str | None:  # noqa: ARG001 - the kind's contract
    """Return what no other channel may share: nothing, since each report is known by its own number."""
    return None


def search_lag_s(settings: Settings) -> float:  # noqa: ARG001 - the kind's contract
    """Return how many seconds may pass until what was made is found: nothing is looked for."""
    return 0.0


def lacks(settings: Settings, referral: Referral) -> tuple[str, ...]:
    """Return the fields without which there is no report, or with a value that NCMEC has no kind of incident for."""
    return report.lacks(settings, referral)


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the report as XML, the same bytes at every attempt; raises Unrenderable when there can be none."""
    if referral.notice not in _REPORTS:
        raise Unrenderable("filed_for_good" if referral.notice is Notice.RECALLED else "no_report")
    return Payload(body=writing.written(report.report(settings, referral)), media_type=writing.MEDIA_TYPE)
