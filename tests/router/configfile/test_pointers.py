"""Where something stands in another system's JSON: found, or not there; never an error that holds the document."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from router.configfile.pointers import Pointer, at

DOCUMENT = {"issue": {"id": 7, "fields": [{"value": "a"}, {"value": None}], "a/b": 1, "m~n": 2, "": 3}}
SETTING: TypeAdapter[str] = TypeAdapter(Pointer)


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", DOCUMENT),
        ("/issue/id", 7),
        ("/issue/fields/0/value", "a"),
        ("/issue/a~1b", 1),
        ("/issue/m~0n", 2),
        ("/issue/", 3),
    ],
)
def test_finds_what_stands_there(pointer: str, found: Any) -> None:
    assert at(DOCUMENT, SETTING.validate_python(pointer)) == found


@pytest.mark.parametrize(
    "pointer",
    [
        "/none",
        "/issue/id/deeper",
        "/issue/fields/2/value",
        "/issue/fields/-",
        "/issue/fields/-/value",
        "/issue/fields/01/value",
        "/issue/fields/value",
        "/issue/fields/1/value",
        "/issue/fields/1/value/deeper",
        "/issue/fields/" + "9" * 200,
        "no pointer",
    ],
)
def test_what_is_not_there_is_none(pointer: str) -> None:
    assert at(DOCUMENT, pointer) is None


@pytest.mark.parametrize("text", ["issue/id", "/a~2b", "/a~", "/a\nb", "/" + "a" * 256])
def test_what_is_no_pointer_does_not_load(text: str) -> None:
    with pytest.raises(ValidationError, match="odd_pointer"):
        SETTING.validate_python(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(document=JSON, pointer=st.text(alphabet="/~01-ab", max_size=12))
def test_raises_nothing_whatever_the_document_and_the_pointer(document: Any, pointer: str) -> None:
    at(document, pointer)
