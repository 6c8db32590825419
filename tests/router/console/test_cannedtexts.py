"""Canned texts: dates and nothing else are filled in, and a wrong file takes nothing away."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.console.cannedtexts import FILE, PLACES, CannedTexts, parse_texts
from router.errors import PolicyErrors
from router.vocabulary import MessageKind
from tests.conftest import CHECKOUT

GOOD = """\
first: {label: First, kind: acknowledgement, text: "Received on {received}."}
other: {label: Other, kind: feedback, text: "Done."}
"""
DAY = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)


def test_the_shipped_texts_are_right_and_of_every_kind() -> None:
    texts = parse_texts((CHECKOUT / "config" / FILE).read_text())

    assert {canned.kind for canned in texts.values()} == set(MessageKind)
    assert all(canned.filled(dict.fromkeys(PLACES, DAY)) for canned in texts.values())


def test_dates_are_filled_in_and_a_text_without_its_date_is_not_offered() -> None:
    first = parse_texts(GOOD)["first"]

    assert first.filled({"received": DAY}) == "Received on 3 November 2026."
    assert first.filled({"received": None}) is None
    assert first.filled({}) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "texts by name are wanted"),
        ("[]", "texts by name are wanted"),
        ("first: {label: First, kind: acknowledgement}", "'text' is missing"),
        ("first: {label: First, kind: thanks, text: x}", "unknown value 'thanks'"),
        ("first: {label: First, kind: question, text: 'Dear {name}'}", "only dates may stand in braces"),
        ("first: {label: First, kind: question, text: 'Dear {}'}", "only dates may stand in braces"),
        ("first: {label: First, kind: question, text: x, to: all}", "unknown key 'to'"),
        ("First: {label: First, kind: question, text: x}", "cannot name a text"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(PolicyErrors, match=said) as refused:
        parse_texts(text)

    assert {problem.file for problem in refused.value.problems} == {FILE}


def test_a_change_counts_at_once_and_a_wrong_file_leaves_the_last_good_texts(tmp_path: Path) -> None:
    path, texts = tmp_path / FILE, CannedTexts(tmp_path)
    none = texts()
    path.write_text(GOOD)
    good = texts()
    path.write_text("first: {label: First}")
    wrong = texts()
    path.write_text(GOOD.splitlines()[1])
    mended = texts()
    path.unlink()

    assert (dict(none.texts), none.wrong) == ({}, False)
    assert (list(good.texts), good.wrong) == (["first", "other"], False)
    assert (list(wrong.texts), wrong.wrong) == (["first", "other"], True)
    assert (list(mended.texts), mended.wrong) == (["other"], False)
    assert dict(texts().texts) == {}
