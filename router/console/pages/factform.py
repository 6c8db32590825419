"""A form for the facts that decide: what may be chosen is what the policy knows, and what was typed is kept.

Asked for where a case is re-routed and where somebody tries what would happen. Stores nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import orjson
from pydantic import ValidationError

from router.console.pages import factwords
from router.console.reroute import CORRECTABLE
from router.model import Facts, plain
from router.triage.policy import Policy
from router.vocabulary import EvidenceState, Involved, NoticedHow, Urgency, VerdictSource, WhereFound
from router.web.forms import Form

SEVERAL: Final = ("urgency", "involves")
NAMES: Final = " ".join(name for name in CORRECTABLE if name not in SEVERAL)
LISTS: Final = " ".join(SEVERAL)
_NEEDED: Final = frozenset({"category", "noticed_how"})
_CLOSED: Final[Mapping[str, type[StrEnum]]] = MappingProxyType(
    {
        "urgency": Urgency,
        "involves": Involved,
        "where_found": WhereFound,
        "noticed_how": NoticedHow,
        "evidence_state": EvidenceState,
        "verdict_source": VerdictSource,
    }
)
_HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "involves": "A team that this stands for is told nothing, and its backup comes in.",
        "subject_handle": "A team with this account among its members is told nothing.",
        "country": "Two letters, such as DE.",
    }
)
_MISTAKES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "subject_handle": "Letters, digits and . _ @ - \\ only, 64 at most.",
        "country": "Two letters, such as DE.",
    }
)
_CHOOSE: Final = "Choose one of the list."


@dataclass(frozen=True, slots=True)
class Option:
    """One value that may be chosen."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One fact to be filled in."""

    name: str
    label: str
    kind: str
    """`choice`, `several` or `text`."""
    needed: bool
    options: tuple[Option, ...]
    value: str
    hint: str
    mistake: str | None


Values = Mapping[str, tuple[str, ...]]


def of_facts(facts: Facts) -> Values:
    """Return what the form shows of facts that are there."""
    shown = plain(facts)
    return {name: _several(shown.get(name)) for name in CORRECTABLE}


def typed(form: Form) -> Values:
    """Return what somebody chose and typed."""
    return {
        name: form.several.get(name, ()) if name in SEVERAL else _several(form.get(name) or None)
        for name in CORRECTABLE
    }


def fields(policy: Policy, values: Values, mistakes: Mapping[str, str]) -> list[Field]:
    """Return the form's fields in order; `mistakes` says per field what is wrong with it.

    Where the policy has no sites there is nothing to choose.
    """
    asked = [name for name in CORRECTABLE if name != "site" or policy.sites or values.get(name)]
    return [_field(policy, name, values.get(name, ()), mistakes.get(name)) for name in asked]


def read(policy: Policy, values: Values, base: Facts | None = None) -> tuple[Facts | None, Mapping[str, str]]:
    """Return the facts, `base` with what the form says in its place; None and what is wrong, where they are none."""
    given: dict[str, Any] = plain(base) if base else {}
    for name in CORRECTABLE:
        given.pop(name, None)
        if values.get(name):
            given[name] = list(values[name]) if name in SEVERAL else values[name][0]
    if "country" in given:
        given["country"] = str(given["country"]).upper()
    wrong: set[str] = set()
    facts: Facts | None = None
    try:
        facts = Facts.model_validate_json(orjson.dumps(given))
    except ValidationError as error:
        wrong = {str(found["loc"][0]) for found in error.errors(include_input=False, include_url=False)}
    if facts is not None:
        wrong = set(policy.unknown_in(facts))
    return (None if wrong else facts), {name: _MISTAKES.get(name, _CHOOSE) for name in sorted(wrong)}


def _field(policy: Policy, name: str, values: tuple[str, ...], mistake: str | None) -> Field:
    choices = _choices(policy, name)
    kind = "several" if name in SEVERAL else "choice" if choices else "text"
    return Field(
        name=name,
        label=factwords.LABELS[name],
        kind=kind,
        needed=name in _NEEDED,
        options=tuple(Option(value, label, value in values) for value, label in choices),
        value=values[0] if values else "",
        hint=_HINTS.get(name, ""),
        mistake=mistake,
    )


def _choices(policy: Policy, name: str) -> list[tuple[str, str]]:
    if name == "category":
        return [(category.name, category.label) for category in policy.taxonomy.values()]
    if name == "site":
        return list(policy.sites.items())
    return [(word.value, factwords.plain(word.value)) for word in _CLOSED.get(name, ())]


def _several(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
