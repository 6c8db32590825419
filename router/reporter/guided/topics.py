"""What a concern is about, as far as the pages ask and advise differently: children, people, money, data, safety.

Words and lists alone. A category that an operator added is of no topic that we know, and gets the general one, which
leaves nothing out. Nothing here asks what content shows, or to look again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from router.reporter import words
from router.reporter.languages import N_
from router.vocabulary import EvidenceState, NoticedHow, Urgency, WhereFound


class Topic(StrEnum):
    """A kind of concern that is asked about in its own words."""

    CHILDREN = "children"
    PEOPLE = "people"
    MONEY = "money"
    DATA = "data"
    SAFETY = "safety"
    GENERAL = "general"


_CATEGORIES: Final[Mapping[Topic, tuple[str, ...]]] = {
    Topic.CHILDREN: (
        *("csam_suspected", "grooming_suspected", "child_at_risk"),
        *("livestreamed_abuse_suspected", "sexual_extortion"),
    ),
    Topic.PEOPLE: ("harassment", "discrimination", "violence_or_threat", "retaliation"),
    Topic.MONEY: ("fraud", "corruption"),
    Topic.DATA: ("data_protection", "security_incident"),
    Topic.SAFETY: ("health_and_safety",),
}
_TOPICS: Final = {category: topic for topic, categories in _CATEGORIES.items() for category in categories}


def topic_of(category: str) -> Topic:
    """Return the topic of a category; the general one for those that we do not know."""
    return _TOPICS.get(category, Topic.GENERAL)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do and what not, before anything else is asked."""

    name: str
    do: tuple[str, ...]
    do_not: tuple[str, ...]
    then: str
    """What this form is not for."""


LEAVE_IT: Final = Advice(
    "leave_it",
    do=(
        N_("Stop, and look away."),
        N_("Leave the device where it is, as it is."),
        N_("Keep others away from it, without saying why."),
        N_("Write down on paper who, where and when. Take no pictures."),
    ),
    do_not=(
        N_("Do not open it again, and do not search for more."),
        N_("Do not copy, forward, photograph or print it."),
        N_("Do not delete anything."),
        N_("Do not confront or warn the person it is about."),
    ),
    then=N_(
        "Never put pictures, files or their contents into this form. Every copy can be a crime and does harm again."
    ),
)
KEEP_IT: Final = Advice(
    "keep_it",
    do=(
        N_("Keep your documents and messages as they are."),
        N_("The team will say how to hand them over."),
        N_("Write down on paper who, where and when."),
    ),
    do_not=(
        N_("Do not search files or rooms that you may not go into."),
        N_("Do not delete or change anything."),
        N_("Do not confront or warn the person it is about."),
    ),
    then=N_("This form takes words only, no documents."),
)
KEEP_AWAY: Final = Advice(
    "keep_away",
    do=(
        N_("Keep away from the danger."),
        N_("Keep others away from it if you can do so safely."),
        N_("Tell whoever is in charge there if somebody may be hurt."),
    ),
    do_not=(
        N_("Do not try to repair it yourself if that is not your job."),
        N_("Do not put yourself in danger to find out more."),
    ),
    then=N_("This form takes words only, no documents."),
)
EITHER: Final = Advice(
    "either",
    do=(
        N_("Keep your documents and messages as they are. The team will say how to hand them over."),
        N_("If it is about pictures or files: stop, look away, and leave the device where it is."),
        N_("Write down on paper who, where and when."),
    ),
    do_not=(
        N_("Do not search for more."),
        N_("Do not copy, forward, photograph or print pictures or files."),
        N_("Do not delete or change anything."),
        N_("Do not confront or warn the person it is about."),
    ),
    then=N_("This form takes words only, no documents and no pictures."),
)
ADVICE: Final[Mapping[Topic, Advice]] = MappingProxyType(
    {
        Topic.CHILDREN: LEAVE_IT,
        Topic.PEOPLE: KEEP_IT,
        Topic.MONEY: KEEP_IT,
        Topic.DATA: KEEP_IT,
        Topic.SAFETY: KEEP_AWAY,
        Topic.GENERAL: EITHER,
    }
)


@dataclass(frozen=True, slots=True)
class Wording:
    """How a question is asked."""

    title: str
    hint: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    """What can be chosen, in its order; empty where people write, or the policy says what there is."""


def _some(labels: Mapping[str, str], *values: str, **own: str) -> Mapping[str, str]:
    """Return some of `labels`, in the order of `values`, with `own` words for those that need them here."""
    return MappingProxyType({value: own.get(value) or labels[value] for value in values})


_NOT_MACHINES: Final = (NoticedHow.COLLEAGUE_WITNESS, NoticedHow.TOLD_BY_SOMEONE)
_FROM_OUTSIDE: Final = (NoticedHow.THIRD_PARTY_NOTICE, NoticedHow.POLICE_NOTICE)
_HOW: Final = N_("How did you notice?")
_HOW_KNOWN: Final = N_("How do you know of it?")
NOTICED: Final[Mapping[Topic, Wording]] = MappingProxyType(
    {
        Topic.CHILDREN: Wording(_HOW, options=words.NOTICED_HOW),
        Topic.PEOPLE: Wording(
            _HOW_KNOWN,
            options=_some(
                words.NOTICED_HOW,
                *(*_NOT_MACHINES, NoticedHow.SELF_DISCLOSURE, *_FROM_OUTSIDE),
                colleague_witness=N_("It happened to me, or I saw or heard it myself"),
            ),
        ),
        Topic.MONEY: Wording(
            _HOW_KNOWN,
            options=_some(words.NOTICED_HOW, *_NOT_MACHINES, NoticedHow.SELF_DISCLOSURE, *_FROM_OUTSIDE),
        ),
        Topic.DATA: Wording(_HOW, options=words.NOTICED_HOW),
        Topic.SAFETY: Wording(_HOW_KNOWN, options=_some(words.NOTICED_HOW, *_NOT_MACHINES, *_FROM_OUTSIDE)),
        Topic.GENERAL: Wording(_HOW, options=words.NOTICED_HOW),
    }
)

_TRUE: Final = N_("Is any of this true?")
_TICK: Final = N_("Tick all that you know to be true. You need not find out more.")
_FOR_ALL: Final = (Urgency.ONGOING, Urgency.EVIDENCE_AT_RISK)
URGENT: Final[Mapping[Topic, Wording]] = MappingProxyType(
    {
        Topic.CHILDREN: Wording(_TRUE, _TICK, words.URGENCY),
        Topic.PEOPLE: Wording(
            _TRUE,
            _TICK,
            _some(words.URGENCY, Urgency.DANGER_TO_LIFE, Urgency.CHILD_IN_IMMEDIATE_DANGER, *_FOR_ALL),
        ),
        Topic.MONEY: Wording(_TRUE, _TICK, _some(words.URGENCY, *_FOR_ALL, Urgency.DANGER_TO_LIFE)),
        Topic.DATA: Wording(_TRUE, _TICK, _some(words.URGENCY, *_FOR_ALL, Urgency.DANGER_TO_LIFE)),
        Topic.SAFETY: Wording(
            _TRUE,
            _TICK,
            _some(words.URGENCY, Urgency.DANGER_TO_LIFE, Urgency.CHILD_IN_IMMEDIATE_DANGER, *_FOR_ALL),
        ),
        Topic.GENERAL: Wording(_TRUE, _TICK, words.URGENCY),
    }
)

_PLACES: Final = (*(place for place in words.WHERE_FOUND if place != WhereFound.UNKNOWN), WhereFound.UNKNOWN)
_BETWEEN_PEOPLE: Final = (
    *(WhereFound.IN_PERSON, WhereFound.EMAIL, WhereFound.CHAT, WhereFound.COLLABORATION_SUITE),
    *(WhereFound.PHONE_CALL_OR_SMS, WhereFound.SOCIAL_MEDIA, WhereFound.FORUM, WhereFound.WEB_PAGE),
)
WHERE: Final[Mapping[Topic, Wording]] = MappingProxyType(
    {
        Topic.CHILDREN: Wording(N_("Where was it?"), N_("Do not go back to look."), _some(words.WHERE_FOUND, *_PLACES)),
        Topic.PEOPLE: Wording(
            N_("Where did it happen?"),
            options=_some(words.WHERE_FOUND, *_BETWEEN_PEOPLE, WhereFound.UNKNOWN),
        ),
        Topic.DATA: Wording(N_("Where was it?"), options=_some(words.WHERE_FOUND, *_PLACES)),
        Topic.GENERAL: Wording(N_("Where was it?"), options=_some(words.WHERE_FOUND, *_PLACES)),
    }
)
"""Money and safety have no such place: what their teams need stands in the reporter's own words."""

_PROOF: Final = N_("Are there documents or messages that show it?")
_NO_NEED_TO_LOOK: Final = N_("Say what you know already. You need not go and look.")
_DOCUMENTS: Final = Wording(
    _PROOF,
    _NO_NEED_TO_LOOK,
    _some(
        words.EVIDENCE_STATE,
        *(EvidenceState.DOCUMENTS_KEPT_BY_REPORTER, EvidenceState.LEFT_IN_PLACE, EvidenceState.WITH_POLICE),
        *(EvidenceState.NONE, EvidenceState.UNKNOWN),
        documents_kept_by_reporter=N_("Yes, and I keep them"),
        left_in_place=N_("Yes, and they are where they were"),
        with_police=N_("Yes, and the police have them"),
        none=N_("No"),
    ),
)
EVIDENCE: Final[Mapping[Topic, Wording]] = MappingProxyType(
    {
        Topic.CHILDREN: Wording(
            N_("Where is the device, or what you came across, now?"),
            _NO_NEED_TO_LOOK,
            _some(
                words.EVIDENCE_STATE,
                *(EvidenceState.LEFT_IN_PLACE, EvidenceState.DEVICE_ISOLATED, EvidenceState.WITH_POLICE),
                *(EvidenceState.NONE, EvidenceState.UNKNOWN),
            ),
        ),
        Topic.PEOPLE: _DOCUMENTS,
        Topic.MONEY: _DOCUMENTS,
        Topic.DATA: Wording(N_("Where is the evidence now?"), _NO_NEED_TO_LOOK, words.EVIDENCE_STATE),
        Topic.GENERAL: Wording(N_("Where is the evidence now?"), _NO_NEED_TO_LOOK, words.EVIDENCE_STATE),
    }
)
"""A hazard is no evidence."""

_OWN_WORDS: Final = N_("What happened, in your words?")
STORY: Final[Mapping[Topic, Wording]] = MappingProxyType(
    {
        Topic.CHILDREN: Wording(
            _OWN_WORDS,
            N_("Who, where, when, and how you came across it. Do not describe pictures, and do not look again."),
        ),
        Topic.PEOPLE: Wording(_OWN_WORDS, N_("Who did what, where and when? Who else knows of it?")),
        Topic.MONEY: Wording(
            _OWN_WORDS, N_("Who did what, where and when? What was lost or paid, as far as you know?")
        ),
        Topic.DATA: Wording(_OWN_WORDS, N_("What happened, where and when? Which system or whose data is it about?")),
        Topic.SAFETY: Wording(N_("What is dangerous, in your words?"), N_("What and where is it? Who could be hurt?")),
        Topic.GENERAL: Wording(_OWN_WORDS, N_("Who, what, where, when. Do not describe pictures.")),
    }
)
