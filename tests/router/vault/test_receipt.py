"""The receipt: forgiving to people, unguessable, and not to be found from what is stored."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.clock import CROCKFORD
from router.vault.codes import decoded, encoded, grouped, normalised
from router.vault.receipt import new_receipt, receipt_key

SECRET = bytes(range(32))
FULL_WIDTH = "".join(chr(0xFF10 + digit) for digit in range(10))
CODES = st.text(CROCKFORD, min_size=24, max_size=24)


@given(
    code=CODES,
    case=st.sampled_from([str.lower, str.upper]),
    spoken=st.sampled_from(["01", "OI", "ol"]),
    digits=st.sampled_from(["0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669", FULL_WIDTH]),
    between=st.sampled_from(["", "-", " ", " - ", "\u2013", ".", "_", "\u2212\u200f", "\u2067\u00ad\r\n"]),
)
def test_case_blanks_dashes_and_look_alikes_do_not_matter(
    code: str, case: Callable[[str], str], spoken: str, digits: str, between: str
) -> None:
    typed = case(between.join(grouped(code).split("-"))).translate(str.maketrans("01", spoken))
    typed = typed.translate(str.maketrans("0123456789", digits))

    assert receipt_key(f" {typed}\n", SECRET) == receipt_key(code, SECRET)


@pytest.mark.parametrize(
    "typed", ["", "-", "0000", "U" * 24, "0" * 23, "0" * 25, "é" * 24, "0" * 24 + "\x00", "\u4e00" * 24, "0" * 100_000]
)
def test_what_cannot_be_a_receipt_has_no_key(typed: str) -> None:
    assert receipt_key(typed, SECRET) is None


def test_a_receipt_has_120_bits_in_six_groups() -> None:
    receipt = new_receipt()

    assert [len(group) for group in receipt.split("-")] == [4] * 6
    assert set(receipt) - {"-"} <= set(CROCKFORD)
    assert len(CROCKFORD) ** 24 == 2**120
    assert receipt != new_receipt()


@given(one=CODES, other=CODES)
def test_different_receipts_never_meet(one: str, other: str) -> None:
    first, second = receipt_key(one, SECRET), receipt_key(other, SECRET)

    assert (first == second) == (one == other)


def test_another_deployment_s_secret_gives_other_ids_and_keys() -> None:
    receipt = new_receipt()
    here, there = receipt_key(receipt, SECRET), receipt_key(receipt, bytes(32))

    assert here is not None
    assert there is not None
    assert here.lookup != there.lookup
    assert here.public != there.public
    assert here.lookup != here.public


@given(raw=st.binary(min_size=0, max_size=8).map(lambda part: part * 5))
def test_base32_gives_back_what_it_was_given(raw: bytes) -> None:
    code = encoded(raw)

    assert decoded(code) == raw
    assert normalised(grouped(code).lower(), len(code)) == code
