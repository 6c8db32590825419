"""The questions of a report in their order, one a page, and which of them are asked after what was answered.

Pure: knows answers and words, no request, no page, no database. Never asks what content shows, nor anybody to look
again: a label's number is asked for devices alone, a web address for places on the internet alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from router.reporter import words
from router.reporter.form import DAY, TIME, ZONE, Typed
from router.reporter.guided.topics import ADVICE, EVIDENCE, NOTICED, STORY, URGENT, WHERE, Advice, Wording, topic_of
from router.reporter.languages import N_
from router.vocabulary import CALL_FIRST, Identity, WhereFound

DEVICES: Final = frozenset(
    {
        *(WhereFound.WORKSTATION, WhereFound.LAPTOP, WhereFound.COMPANY_PHONE),
        *(WhereFound.REMOVABLE_USB, WhereFound.EXTERNAL_DISK),
    }
)
"""What has a label with a number on it."""
ON_THE_INTERNET: Final = frozenset(
    {
        *(WhereFound.WEB_PAGE, WhereFound.FORUM, WhereFound.SOCIAL_MEDIA, WhereFound.GENERATIVE_AI_SERVICE),
        *(WhereFound.CLOUD_STORAGE, WhereFound.LIVE_STREAM, WhereFound.ONLINE_GAME),
    }
)
"""What has a web address."""


class Shape(StrEnum):
    """How a page asks."""

    ADVICE = "advice"
    """It asks nothing, and says what to do."""
    CALL = "call"
    """It asks nothing, and says whom to call first."""
    KIND = "kind"
    """One of the policy's categories."""
    ONE = "one"
    SEVERAL = "several"
    LINE = "line"
    MOMENT = "moment"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the report."""

    name: str
    """The field of a concern that it asks for; of a page that asks nothing, a name of our own."""
    shape: Shape
    title: str = ""
    hint: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    most: int = 0
    """Characters of what is written."""
    advice: Advice | None = None

    @property
    def asks(self) -> bool:
        """Say whether there is something to answer."""
        return self.shape not in {Shape.ADVICE, Shape.CALL}

    @property
    def fields(self) -> frozenset[str]:
        """Return the names that the page's form sends."""
        if not self.asks:
            return frozenset()
        return frozenset({DAY, TIME, ZONE}) if self.shape is Shape.MOMENT else frozenset({self.name})

    def answered(self, typed: Typed) -> bool:
        """Say whether there is an answer that can be chosen here now."""
        return bool(self.part_of(typed).concern({self.name}))

    def part_of(self, typed: Typed) -> Typed:
        """Return what of `typed` answers this question; what cannot be chosen here any more does not."""

        def offered(value: str) -> bool:
            return not self.options or value in self.options

        single = {name: value for name, value in typed.single.items() if name in self.fields and offered(value)}
        chosen = {name: tuple(filter(offered, typed.several[name])) for name in self.fields & set(typed.several)}
        return Typed(single, chosen)


CATEGORY: Final = Step(
    "category",
    Shape.KIND,
    N_("What is it about?"),
    N_("Choose what comes closest. You can say more in your own words later."),
    required=True,
)
CALL: Final = Step("call", Shape.CALL)
ASSET: Final = Step(
    "asset_tag",
    Shape.LINE,
    N_("What is the number on the device's label?"),
    N_("Only if you know it already. Do not go back to look. Letters, digits, dots and dashes only."),
    most=64,
)
ADDRESS: Final = Step(
    "url",
    Shape.LINE,
    N_("What is the web address?"),
    N_("Only if you know it already. Do not open it again to look it up."),
    most=2083,
)
MOMENT: Final = Step(
    "occurred_at",
    Shape.MOMENT,
    N_("When did it happen?"),
    N_("As well as you know. If you do not know the time, leave it empty."),
)
INVOLVED: Final = Step(
    "involves",
    Shape.SEVERAL,
    N_("Is one of these involved?"),
    N_("Whoever you tick here is not told of your report."),
    words.INVOLVES,
)
IDENTITY: Final = Step("identity", Shape.ONE, words.LABELS["identity"], options=words.IDENTITY)
CONTACT: Final = Step(
    "contact",
    Shape.LINE,
    N_("How can we reach you?"),
    N_("A name, a telephone number or an e-mail address. Better not one of your work's."),
    required=True,
    most=400,
)


_ANYWHERE: Final = (
    {"where_found": WhereFound.LAPTOP, "identity": Identity.NAMED},
    {"where_found": WhereFound.WEB_PAGE},
)
"""Answers with which every question is asked in one or the other place."""


def steps(typed: Typed, sites: Mapping[str, str]) -> tuple[Step, ...]:
    """Return the pages of a report with these answers, in their order; `sites` are the policy's, if it has any."""
    topic = topic_of(typed.get("category"))
    urgent, where = _asked("urgency", Shape.SEVERAL, URGENT[topic]), WHERE.get(topic)
    place = _asked("where_found", Shape.ONE, where) if where else None
    found = place.part_of(typed).get("where_found") if place else ""
    evidence = EVIDENCE.get(topic)
    asked: Sequence[Step | None] = (
        CATEGORY,
        Step(ADVICE[topic].name, Shape.ADVICE, advice=ADVICE[topic]),
        urgent,
        CALL if CALL_FIRST & set(urgent.part_of(typed).several.get("urgency", ())) else None,
        _asked("noticed_how", Shape.ONE, NOTICED[topic], required=True),
        place,
        ASSET if found in DEVICES else None,
        ADDRESS if found in ON_THE_INTERNET else None,
        _asked("site", Shape.ONE, Wording(N_("Which of our places or companies?"), options=sites)) if sites else None,
        MOMENT,
        _asked("evidence_state", Shape.ONE, evidence) if evidence else None,
        INVOLVED,
        _asked("narrative", Shape.TEXT, STORY[topic], most=4000),
        IDENTITY,
        CONTACT if typed.get("identity") in {Identity.CONFIDENTIAL, Identity.NAMED} else None,
    )
    return tuple(step for step in asked if step is not None)


def any_step(name: str, sites: Mapping[str, str]) -> Step | None:
    """Return the page that asks for a field, in general words, when nobody knows the answers before it."""
    anywhere = [step for known in _ANYWHERE for step in steps(Typed(known), sites)]
    return next((step for step in anywhere if step.name == name), None)


def concern(typed: Typed, asked: Sequence[Step]) -> Typed:
    """Return what is sent: the answers to what is asked, without those to questions that are not asked any more."""
    parts = [step.part_of(typed) for step in asked]
    return Typed(
        {name: value for part in parts for name, value in part.single.items()},
        {name: values for part in parts for name, values in part.several.items()},
    )


def _asked(name: str, shape: Shape, wording: Wording, *, required: bool = False, most: int = 0) -> Step:
    return Step(name, shape, wording.title, wording.hint, wording.options, required=required, most=most)
