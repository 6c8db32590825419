"""Facts, acts and states in words for people who work on cases. Says nothing that is not in the values it is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from router.model import IDENTIFIERS, Facts, FileHash
from router.triage.policy import Policy
from router.vocabulary import Awaited, CaseOutcome, Notice

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "category": "Category",
        "noticed_how": "How it was noticed",
        "where_found": "Where it was found",
        "site": "Site",
        "occurred_at": "When it happened",
        "noticed_at": "When it was noticed",
        "urgency": "What cannot wait",
        "evidence_state": "Where the evidence is",
        "country": "Country",
        "involves": "Said to be involved",
        "verdict_source": "Who says what it is",
        "source_ticket": "Ticket it came from",
        "asset_tag": "Device",
        "hashes": "Hashes",
        "url": "Address",
        "subject_handle": "Account of the person named",
    }
)
OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CaseOutcome.ACTED: "Acted: the organisation did something about it",
        CaseOutcome.REFERRED: "Referred: an outside body has it now",
        CaseOutcome.UNFOUNDED: "Unfounded: it was looked into, and it is not so",
        CaseOutcome.DUPLICATE: "Duplicate: another case is about the same",
        CaseOutcome.NO_ACTION: "No action: nothing could or need be done",
        CaseOutcome.WITHDRAWN: "Withdrawn: the reporter asked for that, and nothing speaks against it",
    }
)
AWAITED: Final[Mapping[str, str]] = MappingProxyType(
    {
        Awaited.CLAIM: "Somebody takes the case",
        Awaited.DECIDE: "It is decided and closed",
        Awaited.ACKNOWLEDGE: "The reporter is told that it arrived",
        Awaited.FEEDBACK: "The reporter is told what was done",
        Awaited.DELIVERY: "Everybody who must know was told",
    }
)
STANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "running": ("running", "plain"),
        "kept": ("kept", "good"),
        "late": ("done late", "warn"),
        "passed": ("overdue", "alarm"),
    }
)
"""How a deadline stands, and in which tone."""
STATES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "draft": ("draft, waits for approval", "warn"),
        "standby": ("waits for its time", "plain"),
        "due": ("to be sent", "here"),
        "leased": ("being sent", "here"),
        "in_hand": ("to be handed over by a person", "warn"),
        "sent": ("sent", "good"),
        "acknowledged": ("taken over there", "good"),
        "recalled": ("withdrawn", "plain"),
        "dead": ("undeliverable", "alarm"),
    }
)
"""How a referral stands, and in which tone."""
NOTICES: Final[Mapping[str | None, str]] = MappingProxyType(
    {
        None: "the case",
        Notice.REMINDER: "reminder",
        Notice.OVERDUE: "deadline passed",
        Notice.ESCALATION: "escalation",
        Notice.RECALLED: "recall",
        Notice.INSTEAD: "instead of another channel",
        Notice.TAKEN_OVER: "note in the ticket it came from",
        Notice.CLOSED: "the case is closed",
        Notice.CORRECTED: "what counts now, in place of what was said before",
        Notice.REPORTER_WROTE: "the reporter has written",
        Notice.WITHDRAWAL_ASKED: "the reporter asks for withdrawal",
    }
)
_SPOKEN: Final[Mapping[str, str]] = MappingProxyType(
    {"removable_usb": "USB stick or memory card", "hr": "HR", "it_helpdesk": "IT helpdesk", "in_person": "in person"}
)


@dataclass(frozen=True, slots=True)
class Known:
    """One fact that is known: its name, its values in words, and whether it names a thing or a person."""

    label: str
    values: tuple[str, ...]
    identifies: bool
    moment: datetime | None = None


def plain(code: str) -> str:
    """Return a code as words."""
    return _SPOKEN.get(code) or code.replace("_", " ")


def known(facts: Facts, policy: Policy | None) -> Iterator[Known]:
    """Yield the facts that are there, in words; category and site as the policy calls them."""
    for name, label in LABELS.items():
        value: Any = getattr(facts, name)
        if value is None or value == ():
            continue
        if isinstance(value, datetime):
            yield Known(label, (), identifies=False, moment=value.astimezone(UTC))
            continue
        several = value if isinstance(value, tuple) else (value,)
        yield Known(label, tuple(_text(name, one, policy) for one in several), identifies=name in IDENTIFIERS)


def category(name: str, policy: Policy | None) -> str:
    """Return a category as the policy calls it; its code when the policy does not know it."""
    found = policy.taxonomy.get(name) if policy else None
    return found.label if found else plain(name)


def site(name: str, policy: Policy | None) -> str:
    """Return a site as the policy calls it."""
    return (policy.sites.get(name) if policy else None) or plain(name)


def notice(code: str | None) -> str:
    """Return what a referral says beside the facts."""
    return NOTICES.get(code) or plain(code or "")


def _text(name: str, value: Any, policy: Policy | None) -> str:
    if isinstance(value, FileHash):
        return f"{value.algorithm.value} {value.value}"
    if name == "category":
        return category(value, policy)
    if name == "site":
        return site(value, policy)
    return str(value) if name in IDENTIFIERS or name == "country" else plain(str(value))
