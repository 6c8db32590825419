"""Where a case stands, as its reporter may know it: in a sentence, and in days. No team and no channel is named.

Pure: what the receipt gives and which channels lead outside is given.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from router.reporter.languages import N_
from router.store.byreceipt import FollowedCase


class Stage(StrEnum):
    """How far a case is."""

    RECEIVED = "received"
    """Nobody was told yet."""
    WAITS = "waits"
    """It came in a flood: somebody looks through it first."""
    TOLD = "told"
    TAKEN = "taken"
    """Somebody works on it."""
    REFERRED = "referred"
    """Somebody outside has it too; whether they act is not ours to say."""
    CLOSED = "closed"
    CLOSED_UNREAD = "closed_unread"
    """With the flood that it came in."""
    WITHDRAWN = "withdrawn"


IN_WORDS: Final[Mapping[Stage, str]] = MappingProxyType(
    {
        Stage.RECEIVED: N_("We have your report. The people in charge are being told now."),
        Stage.WAITS: N_(
            "We have your report. Very many came in at the same time, and we look through them first. "
            "The people in charge will be told within a day."
        ),
        Stage.TOLD: N_("We have your report, and the people in charge have been told."),
        Stage.TAKEN: N_("A team has taken your report and is working on it."),
        Stage.REFERRED: N_("Your report was passed on to those outside who deal with such cases."),
        Stage.CLOSED: N_("Your report has been dealt with, and the case is closed."),
        Stage.CLOSED_UNREAD: N_(
            "Your report came in together with very many others, and was closed with them. Nothing was done about it. "
            "Was it meant in earnest? Then please write to us below."
        ),
        Stage.WITHDRAWN: N_("The report was withdrawn."),
    }
)


def stage_of(case: FollowedCase, outside: Collection[str]) -> Stage:
    """Return how far `case` is; `outside` names the channels that lead out of the organisation."""
    if case.state != "open":
        closed = Stage.CLOSED_UNREAD if case.flood == "closed" else Stage.CLOSED
        return Stage.WITHDRAWN if case.state == "withdrawn" else closed
    if not case.sent.isdisjoint(outside):
        return Stage.REFERRED
    if case.taken or case.acknowledged_at:
        return Stage.TAKEN
    if case.sent:
        return Stage.TOLD
    return Stage.WAITS if case.flood == "waits" else Stage.RECEIVED
