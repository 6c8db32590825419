"""The part of YAML that we read, and the traps that we refuse."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from router.configfile.yamltext import _NUMBER, Document, looks_secret, nearest, read, read_file


def codes(document: Document) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in document.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: -20", {"a": 1, "b": -20}),
        ("a: true\nb: false", {"a": True, "b": False}),
        ("a: 'NO'\nb: \"22:00\"\nc: '1'", {"a": "NO", "b": "22:00", "c": "1"}),
        ("a: [x, y]\nb: {c: d}", {"a": ["x", "y"], "b": {"c": "d"}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: ''", {"a": ""}),
        ("- a\n- b: c", ["a", {"b": "c"}]),
    ],
)
def test_reads_what_it_says_and_nothing_else(text: str, value: object) -> None:
    document = read(text, "f")

    assert document.problems == []
    assert document.value == value


@pytest.mark.parametrize(
    "trap",
    [
        *("on", "off", "yes", "no", "NO", "True", "FALSE", "null", "~"),
        *("22:00", "012", "0x1F", "0o17", "1_000", "1e3", "1.5", ".inf", "12345678901"),
        *("2026-11-30", "2026-11-30T09:00:00Z", "<<", "="),
    ],
)
def test_refuses_what_other_readers_take_for_something_else(trap: str) -> None:
    document = read(f"first: x\nlist: [fine, {trap}]", "f")

    assert codes(document) == [(2, "trap")]
    assert trap in document.problems[0].said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", [(3, "duplicate_key")]),
        ("a: {b: 1, b: {c: 1, c: 2}}", [(1, "duplicate_key"), (1, "duplicate_key")]),
        ("a:\nb: x", [(1, "empty")]),
        ("a: &x [1]\nb: *x", [(1, "anchor"), (2, "alias")]),
        ("a: !!python/object/apply:os.getcwd []", [(1, "tag")]),
        ("a: !secret x", [(1, "tag")]),
        ("a: 1\n---\nb: 2", [(2, "two_documents")]),
        ("? [a]\n: b", [(1, "odd_key")]),
        ("7: a", [(1, "odd_key")]),
        ("on: a", [(1, "trap")]),
        ("a: [1,\nb: 2", [(2, "not_yaml")]),
        ("a: b: c", [(1, "not_yaml")]),
        ("\0", [(1, "not_yaml")]),
        ("\ud800", [(1, "not_yaml")]),
        ("[" * 100_000, [(1, "too_deep")]),
        ("a: " + "{a: " * 100_000, [(1, "too_deep")]),
    ],
)
def test_says_the_line_of_each_problem(text: str, expected: list[tuple[int, str]]) -> None:
    assert codes(read(text, "f")) == expected


def test_refuses_a_file_beyond_its_size() -> None:
    assert codes(read("#" * 8_000_001, "f")) == [(1, "too_long")]


def test_a_file_that_fills_the_disk_does_not_fill_the_memory(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(2**40)

    text = read_file(tmp_path / "f")
    assert len(text) == 8_000_001
    assert codes(read(text, "f")) == [(1, "too_long")]


def test_keeps_the_first_of_two_keys() -> None:
    assert read("a: 1\na: 2", "f").value == {"a": 1}


def test_knows_the_line_of_what_it_read_and_of_what_stands_around_it() -> None:
    document = read("a:\n  b:\n    - x\n    - y: 1\n", "f")

    assert document.line(("a", "b", 1, "y")) == 4
    assert document.line(("a", "b", 1, "z", 7)) == 4
    assert document.line(("nowhere",)) == 1


def test_suggests_the_nearest_word() -> None:
    assert nearest("critcal", ["critical", "high"]) == "; did you mean 'critical'?"
    assert nearest("zzz", ["critical", "high"]) == "; known: critical, high"


@pytest.mark.parametrize(
    "text",
    [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "1-39-0123456789abcdef0123456789abcdef",
        "Bearer abc",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "https://hooks.example.org/services/T0000/B0000/a1B2c3D4e5F6g7H8i9J0k1L2",
    ],
)
def test_sees_a_secret(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    ["security-desk", "outbox/the-desk-of-the-second-plant", "https://rt.example.org/rt", "Reference id"],
)
def test_takes_no_plain_name_for_a_secret(text: str) -> None:
    assert not looks_secret(text)


plain_values = st.recursive(
    st.booleans()
    | st.integers(-999_999_999, 999_999_999)
    # A careful writer of YAML 1.2: PyYAML leaves 0E0 plain, which is a number there.
    | st.text(st.characters(codec="ascii", exclude_categories=["C"])).filter(lambda text: not _NUMBER.fullmatch(text)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text("abcdefg", min_size=1), plain_values, max_size=5))
def test_reads_back_what_a_careful_writer_wrote(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, default_style=None, allow_unicode=True)

    document = read(text, "f")

    assert document.problems == []
    assert document.value == value


@given(text=st.text(max_size=200))
def test_never_raises(text: str) -> None:
    read(text, "f")
