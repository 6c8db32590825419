"""The sheet that a person hands over: what its body asks for, in its language, of what the channel may carry alone."""

import json
from enum import StrEnum
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.bodies.directory import parse_directory
from router.bodies.together import joined
from router.catalogue import Channel, parse_catalogue
from router.channels.hand_over import asked
from router.channels.hand_over.english import ENGLISH
from router.channels.hand_over.sheet import WORDINGS, Sheet, read_sheet
from router.channels.hand_over.steps import UNVERIFIED, URGENT, steps
from router.errors import PolicyErrors, Unrenderable
from router.marking import Tlp
from router.model import Referral
from router.vocabulary import Notice
from tests.handing import BODIES, CHANNELS_IN_HAND

MARK = "MARKED-7f3a"
REFERENCE = "CR-AAAA-BBBB-CCCC"
EVERYTHING = {
    "category": "csam_suspected",
    "noticed_how": "endpoint_hash_match",
    "where_found": "removable_usb",
    "site": "stockholm",
    "occurred_at": "2026-11-20T10:00:00+01:00",
    "noticed_at": "2026-11-21T10:00:00Z",
    "received_at": "2026-11-21T10:05:00Z",
    "urgency": ["child_in_immediate_danger", "ongoing"],
    "evidence_state": "device_isolated",
    "country": "SE",
    "jurisdiction": "SE",
    "verdict_source": "hash_list",
    "source_ticket": MARK,
    "asset_tag": MARK,
    "hashes": [{"algorithm": "md5", "value": "a" * 32}],
    "url": f"https://{MARK}.example/",
    "subject_handle": MARK,
    "severity": "critical",
}
HOTLINE = """\
hotline:
  {kind: hand_over, scope: external, carries: [category, jurisdiction, url, subject_handle], to: hotline}
"""


def channel(text: str = CHANNELS_IN_HAND, name: str = "police", **own: str) -> Channel:
    for key, value in own.items():
        text = text.replace("  to: police\n", f"  to: police\n  {key}: {value}\n")
    return parse_catalogue(joined(text, BODIES)).channels[name]


def referral(**fields: Any) -> Referral:
    return Referral.model_validate({"reference": REFERENCE, "tlp": Tlp.RED, **fields})


def sheet(made: Channel, of: Referral) -> Sheet:
    return read_sheet(made.render(made.narrowed(of), key="k").body)


def values(of: Sheet) -> dict[str, str]:
    return {row.name: row.value.text for row in of.rows if row.value}


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("removable_usb", "What is found on a device is for the police, of SE, "),
        ("web_page", "What somebody did is for the police, wherever it was found, of SE, "),
        (None, "What somebody did is for the police, wherever it was found, of SE, "),
    ],
)
def test_a_sheet_for_the_police_says_why_and_calls_no_web_page_a_device(where: str | None, why: str) -> None:
    told = sheet(channel(), referral(**{**EVERYTHING, "where_found": where})).why

    assert told.startswith(why)


def test_every_language_has_every_word_that_english_has() -> None:
    closed = {
        field: {word.value for kind in get_args(Referral.model_fields[field].annotation) for word in _words(kind)}
        for field in ENGLISH.words
    }
    for one in WORDINGS:
        assert set(one.labels) == set(ENGLISH.labels)
        assert set(one.categories) == set(ENGLISH.categories)
        assert {field: set(words) for field, words in one.words.items()} == closed
        assert set(one.marking) == {tlp.value for tlp in Tlp}
    named = {row for body in parse_directory(BODIES) for row in asked.rows(body)}
    assert named == set(ENGLISH.labels)
    assert len({one.code for one in WORDINGS}) == len(WORDINGS)


def _words(kind: Any) -> list[StrEnum]:
    inner = kind if isinstance(kind, type) else next(iter(get_args(kind)), None)
    return list(inner) if isinstance(inner, type) and issubclass(inner, StrEnum) else []


def test_the_police_get_what_they_ask_for_in_their_language_and_nothing_else() -> None:
    made = sheet(channel(), referral(**EVERYTHING))

    assert made.to is not None
    assert (made.to.code, made.language, [other.code for other in made.others]) == ("se-police", "sv", ["any-police"])
    assert values(made) == {
        "reference": REFERENCE,
        "category": "Misstänkt dokumentation av sexuella övergrepp mot barn (CSAM)",
        "danger": "Ja, enligt det som rapporterades",
        "noticed_how": "Ett program på en enhet kände igen en fil på dess hashvärde",
        "received_at": "2026-11-21 10:05 UTC",
        "place": "SE",
        "where_found": "Ett USB-minne",
        "asset_tag": MARK,
        "hashes": f"md5 {'a' * 32}",
        "url": f"https://{MARK}.example/",
        "urgency": "Ett barn är i fara just nu\nDet pågår",
    }
    assert [row.name for row in made.rows if row.by_hand] == ["child", "witnesses", "contact", "case_number"]
    [where] = [row for row in made.rows if row.name == "where_found"]
    assert (where.label.english, where.value and where.value.english) == ("Where it was found", "A USB stick")
    assert made.marking is not None
    assert made.marking.text.startswith("TLP:RED: ")
    assert steps(made)[0] == URGENT


def test_a_hotline_for_addresses_gets_the_address_and_what_it_is() -> None:
    made = sheet(channel(HOTLINE, "hotline"), referral(**{**EVERYTHING, "country": "GB", "jurisdiction": "GB"}))

    assert [row.name for row in made.rows] == [
        *("reference", "url", "category", "danger", "where_found", "noticed_at", "contact")
    ]
    assert values(made) == {
        "reference": REFERENCE,
        "url": f"https://{MARK}.example/",
        "category": "Suspected child sexual abuse material (CSAM)",
    }
    assert all(row.label.english is None for row in made.rows)
    assert UNVERIFIED in steps(made)


def test_what_is_missing_is_said_and_nothing_is_written_out() -> None:
    hotline, police = channel(HOTLINE, "hotline"), channel()
    device = referral(category="csam_suspected", jurisdiction="GB")

    assert hotline.lacks(device) == ("url",)
    assert hotline.lacks(referral(jurisdiction="GB")) == ("category", "url")
    # A hotline that takes more than addresses can do without one; where the directory has nobody, nobody is guessed.
    assert hotline.lacks(referral(category="csam_suspected", jurisdiction="SE")) == ()
    assert hotline.lacks(referral(category="csam_suspected", jurisdiction="FR")) == ("jurisdiction",)
    assert police.lacks(referral()) == ("category",)
    with pytest.raises(Unrenderable, match="lacks_url"):
        hotline.render(device, key="k")


def test_whoever_is_for_anybody_comes_last_and_a_withdrawal_is_for_whoever_has_it() -> None:
    elsewhere = sheet(channel(), referral(category="csam_suspected", jurisdiction="US-TX"))
    withdrawal = sheet(channel(), referral(notice=Notice.RECALLED, revision=2))
    corrected = sheet(channel(), referral(**{**EVERYTHING, "notice": Notice.CORRECTED, "revision": 2}))

    assert elsewhere.to is not None
    assert elsewhere.to.code == "any-police"
    assert "the directory names none of US-TX" in elsewhere.why
    assert (withdrawal.to, values(withdrawal)) == (None, {"reference": REFERENCE})
    assert withdrawal.says is not None
    assert withdrawal.says.text == ENGLISH.recalled
    assert corrected.says is not None
    assert corrected.says.english == ENGLISH.corrected
    assert "asset_tag" in values(corrected)


def test_what_channels_yaml_may_not_say_of_it_is_refused_at_its_line() -> None:
    def problems(text: str) -> list[str]:
        with pytest.raises(PolicyErrors) as caught:
            parse_catalogue(joined(text, BODIES))
        return [problem.code for problem in caught.value.problems]

    assert problems(CHANNELS_IN_HAND.replace("jurisdiction, ", "")) == ["not_carried"]
    assert problems(CHANNELS_IN_HAND.replace("  to: police\n", "  to: police\n  bodies: []\n")) == ["no_effect"]
    assert "told_outside" in problems(CHANNELS_IN_HAND.replace("external", "internal"))
    assert problems(CHANNELS_IN_HAND.replace("  to: police\n", "  to: police\n  prefer: [nobody]\n")) == [
        "unknown_value"
    ]


FIELDS = sorted(EVERYTHING)


@given(st.sets(st.sampled_from(FIELDS)), st.sets(st.sampled_from(FIELDS)))
def test_no_field_shows_that_the_channel_may_not_carry_and_the_same_makes_the_same(
    there: set[str], carried: set[str]
) -> None:
    carries = sorted(carried | {"jurisdiction", "category"})
    text = HOTLINE.replace("[category, jurisdiction, url, subject_handle]", f"[{', '.join(carries)}]")
    text = text.replace("to: hotline", "to: police")
    made = channel(text, "hotline")
    full = referral(**{name: EVERYTHING[name] for name in there | {"category", "jurisdiction"}})
    narrow = referral(**{name: EVERYTHING[name] for name in (there & set(carries)) | {"category", "jurisdiction"}})

    written = made.render(made.narrowed(full), key="k").body
    assert written == made.render(narrow, key="k").body
    shown = {field for row in values(read_sheet(written)) for field in asked.fields(row)} - {"reference"}
    assert shown <= made.fields_shown | {"country", "site"}
    if not {"asset_tag", "url", "subject_handle"} & there & set(carries):
        assert MARK not in json.dumps(json.loads(written))
