"""Ten thousand concerns, made at random from all that the door lets in, as reports to CyberTipline.

Each is a document of our profile (and of NCMEC's schema, where CYBERTIP_XSD names it), and whatever stands in one is of
a field that its channel may carry, of the operator's settings, or a word of a closed list.
"""

import json
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import pytest
from lxml import etree

from router.catalogue import Channel
from router.channels import cybertipline, notices
from router.channels.cybertipline.words import CALLED, EXTORTION, PLATFORMS, REASONS
from router.errors import PolicyErrors, Refused, Unrenderable
from router.intake.guard import Vocabulary, admit
from router.model import Facts, Referral
from router.triage.policy import Policy, parse_policy
from router.vocabulary import (
    HEX_DIGITS,
    EvidenceState,
    HashAlgorithm,
    Involved,
    NoticedHow,
    Urgency,
    VerdictSource,
    WhereFound,
)
from tests.oddities import DESK, ROUTES
from tests.oddities import policy as odd
from tests.policies import CONSOLE, RECEIVED, REFERENCE, decided
from tests.tiplines import LEAST, MOST, fits, line

CHANNELS, CONCERNS = 50, 200
CATEGORIES: Final = (
    "csam_suspected",
    "livestreamed_abuse_suspected",
    "grooming_suspected",
    "sexual_extortion",
    "child_at_risk",
    "fraud",
)
SITE: Final = "site_7f3a"
VOCABULARY: Final = Vocabulary(frozenset(CATEGORIES), frozenset({SITE}))
CONTENT: Final = "MARKED-7f3a"
TAGS: Final = string.ascii_letters + string.digits + "._-"
PRINTED: Final = "".join(map(chr, range(0x21, 0x7F)))
ANY: Final = string.printable + "".join(map(chr, (*range(0x20), 0xE5, 0x416, 0x5D0, 0xFFFE, 0xFFFD, 0x1F600, 0x7F)))
CARRIABLE: Final = sorted({*Referral.model_fields} - {"reference", "revision", "notice", "awaited", "about", "tlp"})
OF_FIELD: Final = {
    "incidentType": "category",
    "sextortion": "category",
    "platform": "where_found",
    "escalateToHighPriority": "urgency",
    "url": "url",
    "espIdentifier": "subject_handle",
    "idValue": "asset_tag",
}
"""Elements, and the one field that each is of."""
IN_LINE: Final = {
    "match": "noticed_how",
    "noticed": "noticed_how",
    "list": "verdict_source",
    "found": "where_found",
    "evidence": "evidence_state",
    "hashes_left_out": "hashes",
    **{algorithm.value: "hashes" for algorithm in HashAlgorithm},
    **{name: name for name in ("urgency", "country", "jurisdiction", "noticed_at", "received_at")},
}
"""Keys of the line, and the field that each is of."""
ALWAYS: Final = {"ref": REFERENCE, "tlp": ""}
OPERATORS: Final = ("reporter", "espService", "idType")
"""Elements that say what stands in the settings alone."""


@dataclass(frozen=True)
class Tip:
    """A channel made at random, and a policy that holds everything back for it."""

    policy: Policy
    channel: Channel
    settings: cybertipline.Settings

    @property
    def sayable(self) -> frozenset[str]:
        """Return the fields that a report by it may say."""
        switched = frozenset() if self.settings.subject_handle else frozenset({"subject_handle"})
        return frozenset(self.channel.carries) - switched


def texts(chance: Random, letters: str, most: int) -> str:
    return "".join(chance.choices(letters, k=chance.randint(1, most)))


def own_words(chance: Random) -> dict[str, Any]:
    """Return settings; whatever no XML can hold may be among them, and then they do not load."""
    given = {**LEAST, **{key: value for key, value in MOST.items() if chance.random() < 0.6}}
    for key, most in (("esp_service", 110), ("company_template", 3100)):
        if chance.random() < 0.5:
            given[key] = texts(chance, chance.choice((ANY, PRINTED, "aé \n<&>]")), most)
    return given


def a_tip(chance: Random) -> Tip:
    taxonomy = ", ".join(f"{name}: {{label: Some, floor: low}}" for name in CATEGORIES)
    more = f"sites: {{{SITE}: {{label: Some}}}}\nregion: SE"
    text = odd(ROUTES.replace("to: desk", "to: desk, hold: tip"), more=more)
    start, end = text.index("taxonomy: "), text.index("teams: ")
    while True:
        given = own_words(chance)
        carries = {"category", "received_at", *chance.sample(CARRIABLE, chance.randint(0, len(CARRIABLE)))}
        if given.get("subject_handle"):
            carries.add("subject_handle")
        entry = {"kind": "cybertipline", "scope": "external", "carries": sorted(carries), **given}
        channels = f"{DESK}\ntip: {json.dumps(entry, ensure_ascii=False)}\n"
        try:
            policy = parse_policy(f"{text[:start]}taxonomy: {{{taxonomy}}}\n{text[end:]}", channels)
        except PolicyErrors:
            continue
        channel = policy.channels.channels["tip"]
        assert isinstance(channel.settings, cybertipline.Settings)
        return Tip(policy, channel, channel.settings)


def sent(chance: Random) -> dict[str, Any]:
    """Return a concern as it comes to the door: any of its fields, at any length that they may have."""

    def some(of: Any) -> list[Any]:
        return chance.sample(list(of), chance.randint(0, len(list(of))))

    def moment() -> str:
        back = timedelta(seconds=chance.choice((-240, 0, 1, chance.randint(0, 10**9), chance.randint(0, 6 * 10**10))))
        return (RECEIVED - back).isoformat()

    hashes = [
        {"algorithm": algorithm, "value": "".join(chance.choices("0123456789abcdefABCDEF", k=HEX_DIGITS[algorithm]))}
        for algorithm in chance.choices(list(HashAlgorithm), k=chance.choice((1, 2, 64)))
    ]
    whole = {
        "where_found": chance.choice(list(WhereFound)),
        "site": SITE,
        "occurred_at": moment(),
        "noticed_at": moment(),
        "urgency": some(Urgency),
        "evidence_state": chance.choice(list(EvidenceState)),
        "country": chance.choice(["SE", "US", "GB"]),
        "involves": some(Involved),
        "verdict_source": chance.choice(list(VerdictSource)),
        "source_ticket": f"TICKET7f3a#{texts(chance, TAGS, 53)}",
        "asset_tag": f"TAG7f3a.{texts(chance, TAGS, 56)}",
        "hashes": hashes,
        "url": f"https://url7f3a.example/{texts(chance, PRINTED, chance.choice((9, 99, 2059)))}",
        "subject_handle": f"HANDLE7f3a\\{texts(chance, TAGS + '@', 53)}",
        "narrative": f"{CONTENT} {texts(chance, string.ascii_letters + ' <&>;=', 200)}",
        "contact": f"{CONTENT}@example.org",
    }
    chosen = {name: value for name, value in whole.items() if chance.random() < 0.7}
    return {"category": chance.choice(CATEGORIES), "noticed_how": chance.choice(list(NoticedHow)), **chosen}


def admitted(chance: Random) -> Facts:
    """Return what may travel of a concern that the door lets in; what it refuses is thrown away, as it does."""
    while True:
        try:
            return admit(sent(chance), VOCABULARY, now=RECEIVED).facts
        except Refused:
            continue


def said(field: str, facts: dict[str, Any]) -> set[str]:
    """Return every form in which the field's value may be said."""
    value = facts.get(field)
    if field == "category":
        return {*CALLED.values(), *(["true"] if value == EXTORTION else [])}
    if field == "where_found" and value is not None:
        return {value.value, PLATFORMS.get(value, value.value)}
    if field == "urgency":
        return {form for one in value or () for form in (one.value, REASONS.get(one, one.value))}
    if field == "hashes":
        known = value or ()
        return {*(one.value for one in known), str(len(known) - 32)}
    if isinstance(value, datetime):
        return {notices.moment(min(value, RECEIVED))}
    return {str(value)} if value is not None else set()


def spoken(document: "etree._Element") -> Iterator[tuple[str, str]]:
    """Yield each text of the document that is not of the operator's settings, with the field that it must be of."""
    for element in document.iter():
        if len(element) or element.text is None:
            continue
        above = {str(one.tag) for one in element.iterancestors()} | {str(element.tag)}
        if element.tag == "incidentDateTime":
            yield "times", element.text
        elif element.tag != "additionalInfo" and not above.intersection(OPERATORS):
            yield OF_FIELD[str(element.tag)], element.text
    for key, value in line(document):
        if key not in ALWAYS:
            yield IN_LINE[key], value


def mistakes(tip: Tip, facts: Facts, body: bytes) -> Iterator[str]:
    """Yield what is wrong with a report, in our own words."""
    whole = {**facts.__dict__, "received_at": RECEIVED, "jurisdiction": facts.country or "SE"}
    if not fits(body):
        yield "it is not of the schema"
    for field, text in spoken(etree.fromstring(body)):
        fields = ("occurred_at", "noticed_at", "received_at") if field == "times" else (field,)
        if not any(one in tip.sayable and text in said(one, whole) for one in fields):
            yield f"something says {field}"
    text = body.decode()
    for field in ("source_ticket", "asset_tag", "subject_handle", "site", "link"):
        value = getattr(facts, field, None) if field != "link" else CONSOLE
        if value is not None and field not in tip.sayable & {"asset_tag", "subject_handle"} and value in text:
            yield f"{field} shows"
    if "url" not in tip.sayable and "url7f3a" in text:
        yield "url shows"
    if CONTENT in text:
        yield "content shows"


@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_random_cases_are_documents_of_facts_that_their_channel_may_carry(seed: int) -> None:
    chance = Random(seed)
    found: Counter[str] = Counter()
    for _ in range(CHANNELS):
        tip = a_tip(chance)
        for _ in range(CONCERNS // 4):
            facts = admitted(chance)
            (draft,) = [one for one in decided(tip.policy, facts).referrals if one.state == "draft"]
            fields = tip.channel.narrowed(draft.fields)
            if tip.channel.lacks(fields):
                assert facts.category in {"fraud", "child_at_risk"}
                with pytest.raises(Unrenderable, match=r"^lacks$"):
                    tip.channel.render(fields, key="k")
                found["lacking"] += 1
                continue
            body = tip.channel.render(fields, key="k").body
            assert list(mistakes(tip, facts, body)) == []
            found["written"] += 1

    assert found.total() == CHANNELS * CONCERNS / 4
    assert found["written"] > found["lacking"] > 0
