"""What somebody asks of the queue, as it stands in an address: read strictly, written back in one form, named in codes.

Everything is of a closed list or matches a pattern; what does not is named by its field and never repeated.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from router.store.queuefilter import Filter, Holder, Place, State
from router.vocabulary import Severity

TICKS: Final = ("unread", "overdue", "wrote", "parked")
NAMES: Final = ("state", "severity", "category", "site", "team", "claimed", *TICKS, "q", "after")
_Word = TypeVar("_Word", State, Holder)
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_SOUGHT: Final = re.compile(r"[A-Za-z0-9._#-]{1,64}")
_REFERENCE: Final = re.compile(r"(?:CR-?)?([0-9A-HJKMNP-TV-Z]{4})-?([0-9A-HJKMNP-TV-Z]{4})-?([0-9A-HJKMNP-TV-Z]{4})")
_AFTER: Final = re.compile(r"([0-9]|1[0-5])~(-?[0-9]{1,19})~(CR(?:-[0-9A-HJKMNP-TV-Z]{4}){3})")
_BIGGEST: Final = 2**63 - 1
_CHOOSE: Final = "Choose one of the list."
MISTAKES: Final[Mapping[str, str]] = {
    **dict.fromkeys(NAMES, _CHOOSE),
    **dict.fromkeys(TICKS, "Tick it or leave it."),
    "q": "Give a whole reference, asset tag, source ticket or hash: letters, digits and . _ # - only, no blanks.",
    "after": "This page of the list cannot be; the list begins at its top.",
}
"""What is wrong with a field, and what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and which of it cannot be."""

    wanted: Filter
    sought: str
    """What is searched for; empty: nothing, the filter counts."""
    after: Place | None
    mistakes: Mapping[str, str]
    """What to do about it, by field."""


def read(query: QueryParams, teams: Collection[str]) -> Asked:
    """Return what an address asks for; parts that are none of ours are passed over, teams of others are a mistake."""
    wrong: set[str] = set()

    def one(name: str, pattern: re.Pattern[str] = _CODE) -> str | None:
        values = [value.strip() for value in query.getlist(name) if value.strip()]
        if not values:
            return None
        if len(values) > 1 or not pattern.fullmatch(values[0]):
            wrong.add(name)
            return None
        return values[0]

    def known(name: str, words: type[_Word]) -> _Word | None:
        given = one(name)
        if given is not None and given not in set(words):
            wrong.add(name)
            return None
        return words(given) if given else None

    severities = {value for value in query.getlist("severity") if value}
    if not severities <= set(Severity):
        wrong.add("severity")
    team = one("team")
    if team is not None and team not in teams:
        wrong.add("team")
        team = None
    wanted = Filter(
        state=known("state", State) or State.WAITING,
        severities=frozenset(Severity(value) for value in severities & set(Severity)),
        category=one("category"),
        site=one("site"),
        team=team,
        claimed_by=known("claimed", Holder),
        unread=one("unread", re.compile("1")) is not None,
        overdue=one("overdue", re.compile("1")) is not None,
        parked=one("parked", re.compile("1")) is not None,
        wrote=one("wrote", re.compile("1")) is not None,
    )
    sought, after = one("q", _SOUGHT), _place(one("after", _AFTER), wrong)
    return Asked(wanted, _whole(sought or ""), after, {name: MISTAKES[name] for name in NAMES if name in wrong})


def _whole(sought: str) -> str:
    """Return a reference as we write it, however much of its signs was typed; anything else as it is."""
    parts = _REFERENCE.fullmatch(sought.upper())
    return f"CR-{'-'.join(parts.groups())}" if parts else sought


def _place(given: str | None, wrong: set[str]) -> Place | None:
    parts = _AFTER.fullmatch(given or "")
    if parts is None:
        return None
    place = Place(int(parts[1]), int(parts[2]), parts[3])
    if abs(place.place) > _BIGGEST:
        wrong.add("after")
        return None
    return place


def written(wanted: Filter, *, after: Place | None = None) -> str:
    """Return the query of the address that asks for this; nothing for all that waits."""
    pairs = _pairs(wanted)
    if after is not None:
        pairs.append(("after", "~".join(map(str, after))))
    return urlencode(pairs)


def coded(wanted: Filter) -> str:
    """Return the filter for a line of the audit: codes only."""
    return " ".join(f"{name}={value}" for name, value in _pairs(wanted)) or "state=waiting"


def _pairs(wanted: Filter) -> list[tuple[str, str]]:
    exact = (("category", wanted.category), ("site", wanted.site), ("team", wanted.team))
    return [
        *([("state", wanted.state.value)] if wanted.state is not State.WAITING else []),
        *(("severity", severity.value) for severity in reversed(Severity) if severity in wanted.severities),
        *((name, value) for name, value in exact if value),
        *([("claimed", wanted.claimed_by.value)] if wanted.claimed_by else []),
        *((name, "1") for name in TICKS if getattr(wanted, name)),
    ]
