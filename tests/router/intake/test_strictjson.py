"""JSON that two parsers could read differently is refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import Refused
from router.intake.strictjson import loads

REFUSED = {
    "": "not_json",
    "{": "not_json",
    "{} {}": "not_json",
    "{'a': 1}": "not_json",
    '{"a": 1,}': "not_json",
    '{"a": "\n"}': "not_json",
    '{"a": 1, "a": 2}': "duplicate_key",
    '{"b": {"a": 1, "\\u0061": 2}}': "duplicate_key",
    '{"a": NaN}': "number_refused",
    '{"a": -Infinity}': "number_refused",
    '{"a": 1111111111111111111}': "number_refused",
    '{"a": 1.00000000000000000000001}': "number_refused",
    '{"a": "\\ud800"}': "lone_surrogate",
    '{"\\udc00": 1}': "lone_surrogate",
    '{"a": "\\udc00\\ud800"}': "lone_surrogate",
    '{"a": "\\u0000"}': "nul_character",
    '{"\\u0000": 1}': "nul_character",
    '{"a": "\x00"}': "nul_character",
    "[" * 100_000: "too_deep",
    '{"a":' * 10_000: "too_deep",
}
REFUSED_BYTES = {
    b"\xff": "not_utf8",
    b'{"a": "\xc3"}': "not_utf8",
    b'{"a": "\xed\xa0\x80"}': "not_utf8",
    b'{"a": "\xc0\xaf"}': "not_utf8",
    b"\xef\xbb\xbf{}": "not_utf8",
    '{"a": 1}'.encode("utf-16"): "not_utf8",
    '{"a": 1}'.encode("utf-32-le"): "nul_character",
    b'{"a": ' + b"9" * 60_000 + b"}": "number_refused",
}


@pytest.mark.parametrize(
    ("body", "code"), [(text.encode(), code) for text, code in REFUSED.items()] + [*REFUSED_BYTES.items()]
)
def test_refuses_with_the_rule_it_breaks(body: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        loads(body)

    assert refused.value.code == code


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud83d\\ude00"}', '{"a": "\\\\u0000"}', '{"a": "\\\\ud800"}', '{"a": [1, 2.5, true, null, {}]}']
)
def test_reads_what_the_standard_means(text: str) -> None:
    assert loads(text.encode()) == json.loads(text)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**9), 10**9)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(categories=["L"])), inner),
    )
)
def test_reads_back_whatever_was_written(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Refused):
        loads(body)
