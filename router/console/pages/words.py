"""What the console says: its navigation, why something was refused, what was done, times in words. No case in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from router.console.rights import Right
from router.errors import RouterError, Taken


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the navigation."""

    path: str
    label: str
    right: Right


NAVIGATION: Final = (
    Entry("/console", "Queue", Right.WORK_ON_CASES),
    Entry("/console/approvals", "Approvals", Right.APPROVE),
    Entry("/console/identity", "Identity", Right.GRANT_IDENTITY),
    Entry("/console/routing", "Routing", Right.SEE_ROUTING),
    Entry("/console/channels", "Channels", Right.SEE_CHANNELS),
    Entry("/console/audit", "Audit", Right.READ_AUDIT),
    Entry("/console/people", "People", Right.MANAGE_PEOPLE),
)
"""All places, in order; each person sees those that they have the right to."""

TOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "role_missing": "Your role does not include this page. An administrator gives roles.",
        "signed_out": "Your session has ended. Sign in again; nothing that you sent was stored.",
        "form_outdated": "This form is from another session or from before you signed in. Open the page again.",
        "sent_from_elsewhere": "Another site made your browser send this. Nothing was done.",
        "unknown_case": "There is no case with this reference.",
        "unknown_page": "There is no such page.",
        "not_a_member": "No team of yours has a key to this case.",
        "recused": "You took yourself out of this case.",
        "in_conflict": "Your team must know nothing of this case.",
        "already_claimed": "Somebody else has this case.",
        "not_claimed": "Nobody has this case; claim it first.",
        "changed_since": "Somebody changed this while your page was open. Nothing was overwritten.",
        "locked": "Unlock with your passphrase first.",
        "reason_malformed": "Give a reason of 3 to 200 characters on one line.",
        "wrong_passphrase": "This is not your passphrase.",
        "unavailable": "The database does not answer. Nothing was stored; try again in a moment.",
        "key_missing": "The audit's public key, audit.pub, is not within reach of the console. Nothing was checked.",
        "unknown_field": "The form had a field that this page does not ask for. Nothing was done.",
        "body_too_large": "That is more text than fits. Shorten it.",
    }
)
"""Why something was refused, and what to do, by code."""

SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "locked": "Locked: what is sealed needs your passphrase again.",
        "signed_out": "You are signed out.",
    }
)
"""What was done, by the code in the address of where a form leads."""


def told(error: RouterError) -> str:
    """Return what a person is told of an error; of one that nobody wrote words for, that it failed."""
    if isinstance(error, Taken):
        return f"{error.holder} has this case since {error.since:%-d %B, %H:%M} UTC."
    known = TOLD.get(error.code) or (TOLD["unavailable"] if error.code.startswith("database_") else None)
    return known or "This did not work. It is on record; if it stays, tell the operator this code."


_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


def left(moment: datetime, now: datetime) -> str:
    """Return how far away a time is, in two units: `in 3 h 20 min`, `2 d 4 h ago`."""
    away = moment - now
    text = span(abs(away))
    return f"in {text}" if away > timedelta(0) else f"{text} ago"


def span(length: timedelta) -> str:
    """Return a length of time in at most two units; under a minute says so."""
    rest = int(length.total_seconds())
    parts: list[str] = []
    for unit, name in _UNITS:
        count, rest = divmod(rest, unit)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or "less than 1 min"
