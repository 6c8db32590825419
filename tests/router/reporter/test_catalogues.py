"""The catalogues of the reporters' pages: nothing is missing in any, and each says the same with the right words."""

import re
import unicodedata
from typing import Any, Final

import pytest
import yaml
from babel.messages.catalog import Catalog, Message

from router.reporter import words
from router.reporter.languages import LOCALES
from router.reporter.stateduty import STATES
from router.web.refusals import GUIDANCE
from tests.catalogues import ROOT, TRANSLATED, brought_up, forms, sources, stored, wanted, written

GLOSSARY: Final[dict[str, Any]] = yaml.safe_load((LOCALES / "glossary.yaml").read_text())
SAME: Final = frozenset({"Chat", "Forum", "Laptop", "Newsgroup", "Name", "Ticket", "Information", "Status", "Team"})
"""What reads alike in two languages."""
_PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
_TAG: Final = re.compile(r"</?[a-z][^>]*>|&[a-z]+;")
_ENDS: Final = {"؟": "?", "…": "..."}

languages = pytest.mark.parametrize("code", TRANSLATED)


def sentences(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


@languages
def test_make_messages_has_nothing_left_to_do(code: str) -> None:
    catalogue = brought_up(code)

    assert [sources(one) for one in sentences(catalogue) if not all(text.strip() for text in forms(one))] == []
    assert [sources(one) for one in sentences(catalogue) if one.fuzzy] == []
    assert not stored(code).obsolete
    assert (LOCALES / f"{code}.po").read_bytes() == written(catalogue)


@languages
def test_a_translation_holds_what_its_sentence_holds(code: str) -> None:
    wrong = [
        (sources(message)[0], text)
        for message in sentences(stored(code))
        for text in filter(None, forms(message))
        if message.check() or not holds_the_same(sources(message)[-1], text, is_plural=message.pluralizable)
    ]

    assert wrong == []


def holds_the_same(said: str, text: str, *, is_plural: bool) -> bool:
    placeholders, wanted_ones = marks(_PLACEHOLDER, text), marks(_PLACEHOLDER, said)
    return (
        marks(_TAG, text) == marks(_TAG, said)
        # A form for exactly one or two may say the number as a word.
        and (set(placeholders) <= set(wanted_ones) if is_plural else placeholders == wanted_ones)
        and ending(text) == ending(said)
        and text == " ".join(text.split())
        and not any(unicodedata.category(sign) in {"Cf", "Cc", "Co", "Cn"} for sign in text)
    )


@languages
def test_the_forms_for_large_numbers_say_the_number(code: str) -> None:
    several = [one for one in sentences(stored(code)) if one.pluralizable]

    assert [one.id for one in several if marks(_PLACEHOLDER, forms(one)[-1]) != marks(_PLACEHOLDER, one.id[-1])] == []


def marks(pattern: re.Pattern[str], text: str) -> list[str]:
    return sorted(found[0] for found in pattern.finditer(text))


def ending(text: str) -> str:
    last = _ENDS.get(text[-1:], text[-1:])
    return last if last in {"?", ":", "!", "."} else ""


@languages
def test_nothing_stayed_english(code: str) -> None:
    same = {text for one in sentences(stored(code)) for text in forms(one) if text in sources(one)}

    assert same <= SAME | set(STATES.values())


def test_arabic_is_written_in_arabic_letters_and_in_digits_that_everybody_reads() -> None:
    said = [text for one in sentences(stored("ar")) for text in filter(None, forms(one))]

    assert [text for text in said if not re.search("[\u0621-\u064a]", text)] == []
    assert [text for text in said if re.search("[\u0660-\u0669\u06f0-\u06f9]", text)] == []
    assert [text for text in said if re.search(r"[,;?](\s|$)", text)] == []


@languages
def test_each_thing_has_its_one_word(code: str) -> None:
    wrong = []
    for message in filter(lambda one: all(forms(one)), sentences(stored(code))):
        english = " ".join(sources(message))
        for thing, term in GLOSSARY["terms"].items():
            meant = re.search(term["en"], english, re.IGNORECASE)
            other = "unless" in term and re.search(term["unless"], english, re.IGNORECASE)
            if (
                meant
                and not other
                and not any(word in bare(text) for word in map(bare, term[code]) for text in forms(message))
            ):
                wrong.append((thing, english))

    assert wrong == []


@pytest.mark.parametrize("code", ["en", *TRANSLATED])
def test_no_sentence_says_what_the_guidelines_warn_of(code: str) -> None:
    said = [
        text
        for one in sentences(wanted() if code == "en" else stored(code))
        for text in (sources(one) if code == "en" else forms(one))
    ]

    assert [text for text in said for word in GLOSSARY["never"][code] if bare(word) in bare(text)] == []


HOUSES = ("config/house.yaml", "config/us/house.yaml", "config/uk/house.yaml")


def test_our_example_of_a_house_says_none_of_it_either() -> None:
    never = {bare(word) for words_of in GLOSSARY["never"].values() for word in words_of} - {"whistleblow"}
    said = {place: bare((ROOT / place).read_text()) for place in HOUSES}

    assert [(place, word) for place, text in said.items() for word in never if word in text] == []


def bare(text: str) -> str:
    """Return a text in small letters and without the vowel signs that Arabic may leave out."""
    return re.sub("[\u064b-\u0652]", "", text).lower()


def test_templates_give_gettext_sentences_alone() -> None:
    # What comes from a variable may hold a % or a <, and is for visit.say, which fills and believes nothing.
    pages = {page.name: page.read_text() for page in (LOCALES.parent / "templates").glob("*.html")}

    assert [(name, found) for name, text in pages.items() for found in re.findall(r"\b_\([^\")].*", text)] == []


def test_whatever_is_refused_is_said_in_every_language() -> None:
    said = wanted()

    assert [code for code in GUIDANCE if words.plainly(code) not in said] == []
