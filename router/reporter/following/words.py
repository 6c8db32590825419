"""Words of the page that follows a report up: what its forms ask, and what became of what was sent with them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.reporter import words
from router.reporter.languages import N_
from router.reporter.words import INVOLVES
from router.store.byreceipt import Written
from router.vocabulary import ReporterKind

__all__ = ["INVOLVES"]

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "receipt": N_("Receipt"),
        "message": N_("Your message"),
        "narrative": N_("What happened to you since your report?"),
        "involves": N_("Is one of these involved?"),
        "reason": N_("Why do you want to withdraw it?"),
    }
)
"""Questions of the page, by field."""
_CLOSED: Final = N_("Your report was closed before. There is nothing left to withdraw.")
_GONE: Final = N_("We could not keep that. Please send it again.")
_KEPT: Final = N_("We have kept what you wrote. The team is told that there is something to read.")
_ASKED: Final = N_("We have told the team that you want to withdraw your report.")

DONE: Final[Mapping[tuple[ReporterKind, Written], str]] = MappingProxyType(
    {
        **{
            (kind, written): _KEPT
            for kind in (ReporterKind.ANSWER, ReporterKind.ADDITION)
            for written in (Written.KEPT, Written.REPEATED)
        },
        **{
            (ReporterKind.WITHDRAWAL, written): _ASKED
            for written in (Written.KEPT, Written.REPEATED, Written.ASKED_BEFORE)
        },
        (ReporterKind.WITHDRAWAL, Written.NOT_OPEN): _CLOSED,
        **{(kind, Written.UNKNOWN): _GONE for kind in ReporterKind},
    }
)
"""What the reporter is told, by what they sent and what became of it."""


def plainly(code: str) -> str:
    """Return what a person is told to do about `code`: everything that must be filled in here is words."""
    return N_("Please write something.") if code == "missing" else words.plainly(code)


NOT_NOW: Final = N_("This does not work right now. Please try again in a moment.")
