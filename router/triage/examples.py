"""Examples: facts, and the decision that a policy must make of them; what differs, and which routes none reaches.

Pure. An example is part of the configuration: its facts are invented, so that they may be shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from router.configfile.shape import shape
from router.configfile.yamltext import Document, Path, nearest, read, shown
from router.errors import PolicyErrors
from router.model import Decision, Facts, Frozen
from router.triage.decide import decide
from router.triage.file import ReportedBy
from router.triage.parts import everyone
from router.triage.policy import FALLBACK, Policy
from router.vocabulary import Code, Name, Notice, ReferralState, Severity

FILE: Final = "policy.examples.yaml"
AT_FIRST: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
"""When an example is received that does not say when: a Monday morning."""
IN_ANY_ORDER: Final = frozenset({"escalated", "instead"})
_REFERENCE: Final = "CR-0000-0000-0000"


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | dict) else [value]


_Any = BeforeValidator(_one_or_many)
Title = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ExpectedDeadlines(Frozen):
    """By when; in any zone."""

    claim_by: AwareDatetime | None = None
    decide_by: AwareDatetime | None = None
    acknowledge_by: AwareDatetime | None = None
    feedback_by: AwareDatetime | None = None


class Expected(Frozen):
    """What must come out. What is not named may be anything; but `held` and `avoided`, not named, must be nothing."""

    severity: Severity | None = None
    route: Name | None = None
    teams: Annotated[tuple[Code, ...] | None, _Any] = None
    """In this order."""
    told: Annotated[tuple[Name, ...] | None, _Any] = None
    """Channels that are sent at once, in this order."""
    held: Annotated[tuple[Name, ...], _Any] = ()
    """Drafts for outside."""
    avoided: Annotated[tuple[Code, ...], _Any] = ()
    say: Annotated[tuple[Name, ...] | None, _Any] = None
    """Names of the sentences that the reporter is shown."""
    deadlines: ExpectedDeadlines = ExpectedDeadlines()
    escalated: Annotated[tuple[Name, ...] | None, _Any] = None
    """Channels that are told later, if nothing happens; in any order."""
    instead: Annotated[tuple[Name, ...] | None, _Any] = None
    """Channels that get the case when another one does not; in any order."""


class Example(Frozen):
    """One concern, and what must come of it."""

    name: Title
    reported_by: ReportedBy = Field(default=ReportedBy.PERSON, alias="from")
    at: AwareDatetime | None = None
    facts: Facts
    expect: Expected


class ExamplesFile(Frozen):
    """The whole file."""

    examples: tuple[Example, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise than an example wants."""

    field: str
    wanted: str
    got: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one example."""

    example: Example
    line: int
    differences: tuple[Difference, ...]
    reached: frozenset[str]
    """The routes that matched."""


def read_examples(text: str, policy: Policy, *, file: str = FILE) -> tuple[tuple[int, Example], ...]:
    """Return the examples with their lines; raises PolicyErrors with every problem, unknown names included."""
    document = read(text, file)
    written = shape(document, ExamplesFile)
    if written is not None:
        for number, example in enumerate(written.examples):
            _names(document, ("examples", number), example, policy)
        _once(document, written.examples)
    if written is None or document.problems:
        raise PolicyErrors(document.problems)
    return tuple((document.line(("examples", number)), example) for number, example in enumerate(written.examples))


def run(policy: Policy, examples: Sequence[tuple[int, Example]]) -> tuple[Outcome, ...]:
    """Return what came of each example."""
    return tuple(_run(policy, line, example) for line, example in examples)


def unreached(policy: Policy, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the routes that no example reached, in the policy's order."""
    reached = {route for outcome in outcomes for route in outcome.reached}
    return tuple(route.name for route in everyone(policy.routes) if route.name not in reached)


def _names(document: Document, path: Path, example: Example, policy: Policy) -> None:
    known: dict[str, Sequence[str]] = {
        "route": [*(route.name for route in everyone(policy.routes)), FALLBACK],
        "teams": list(policy.teams),
        "avoided": list(policy.teams),
        "told": list(policy.channels.channels),
        "held": list(policy.channels.channels),
        "escalated": list(policy.channels.channels),
        "instead": list(policy.channels.channels),
        "say": list(policy.sentences),
    }
    for key, names in known.items():
        for place, word in document.words(*path, "expect", key):
            if word not in names:
                said = f"unknown {key.rstrip('s')} {shown(word)}{nearest(word, names)}"
                document.complain(place, "unknown_name", said)
    listed = {"category": policy.taxonomy, "site": policy.sites}
    for key in policy.unknown_in(example.facts):
        word = str(getattr(example.facts, key))
        document.complain(
            (*path, "facts", key), f"unknown_{key}", f"unknown {key} {shown(word)}{nearest(word, listed[key])}"
        )
    if example.at is None and example.expect.deadlines != ExpectedDeadlines():
        document.complain((*path, "expect", "deadlines"), "no_time", "deadlines depend on the time: say `at`, too")


def _once(document: Document, examples: Sequence[Example]) -> None:
    first: dict[str, int] = {}
    for number, example in enumerate(examples):
        before = first.setdefault(example.name, number)
        if before != number:
            line = document.line(("examples", before))
            document.complain(("examples", number, "name"), "duplicate_id", f"this name stands in line {line} already")


def _run(policy: Policy, line: int, example: Example) -> Outcome:
    decision = decide(
        policy,
        example.facts,
        reference=_REFERENCE,
        received_at=example.at or AT_FIRST,
        statutory=example.reported_by is ReportedBy.PERSON,
        console_url="https://console.invalid",
    )
    tried = (rule.rule.partition(":") for rule in decision.trace if rule.matched)
    return Outcome(
        example=example,
        line=line,
        differences=tuple(_differences(policy, example.expect, decision)),
        reached=frozenset(name for kind, _, name in tried if kind == "route"),
    )


def _differences(policy: Policy, expect: Expected, decision: Decision) -> Iterator[Difference]:
    got: dict[str, str | Sequence[str]] = {
        "severity": decision.severity,
        "route": decision.route,
        "teams": decision.teams,
        "told": channels_in(decision, ReferralState.DUE),
        "held": channels_in(decision, ReferralState.DRAFT),
        "avoided": decision.avoided,
        "say": tuple(_sentence_names(policy, decision)),
        "escalated": tuple(sorted(escalated_in(decision))),
        "instead": tuple(sorted(instead_in(decision))),
    }
    for field, has in got.items():
        wants = getattr(expect, field)
        if field in IN_ANY_ORDER and wants is not None:
            wants = tuple(sorted(wants))
        if wants is not None and wants != has:
            yield Difference(field, _listed(wants), _listed(has))
    for field in ExpectedDeadlines.model_fields:
        wants, has_by = getattr(expect.deadlines, field), getattr(decision.deadlines, field)
        if wants is not None and wants != has_by:
            has = has_by.astimezone(wants.tzinfo).isoformat() if has_by else "none"
            yield Difference(field, wants.isoformat(), has)


def channels_in(decision: Decision, state: ReferralState) -> tuple[str, ...]:
    """Return the channels whose referrals are in `state`, in order, each once."""
    return tuple(dict.fromkeys(planned.channel for planned in decision.referrals if planned.state is state))


def escalated_in(decision: Decision) -> frozenset[str]:
    """Return the channels that are told later, if nothing happens."""
    return frozenset(one.channel for one in decision.referrals if one.fields.notice is Notice.ESCALATION)


def instead_in(decision: Decision) -> frozenset[str]:
    """Return the channels that get the case when another one does not."""
    return frozenset(one.channel for one in decision.referrals if one.instead_of is not None)


def _sentence_names(policy: Policy, decision: Decision) -> Iterator[str]:
    names = {text: name for name, text in policy.sentences.items()}
    yield from (names[text] for text in decision.say)


def _listed(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return str(value)
    return ", ".join(value) or "nothing"
