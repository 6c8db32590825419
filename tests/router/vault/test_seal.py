"""Sealing: what went in comes out for a recipient, and for nobody and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import SealBroken
from router.keyrecords import KeyWrap, RecipientKey, Sealed, SealedCase
from router.model import Content
from router.vault import suite
from router.vault.seal import SIZE_CLASSES, content_info, padded, seal_case, seal_message, unpadded
from router.vault.suite import DEFAULT, Private, new_pair, private_from
from router.vault.unseal import unseal_content, unseal_message, unwrap_case_key
from router.vocabulary import Identity

CASE, OTHER_CASE = "CR-0000-0000-0001", "CR-0000-0000-0002"
# Reported texts are UTF-8: any character but lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=2000)
CONTENTS = st.builds(Content, st.none() | TEXTS, st.none() | TEXTS, st.booleans())


def a_recipient(owner: str = "security") -> tuple[RecipientKey, Private]:
    private, public = new_pair()
    return RecipientKey(public.key_id, owner, public.suite, public.raw), private


def opened(sealed: SealedCase, recipient: Private, reference: str = CASE) -> Content:
    wrap = next(wrap for wrap in sealed.wraps if wrap.key_id == recipient.key_id)
    case_key = unwrap_case_key(reference, sealed.suite, wrap, recipient)
    assert sealed.content is not None
    return unseal_content(reference, sealed.content, case_key)


def same(one: Content, other: Content) -> bool:
    return (one.narrative, one.contact, one.named) == (other.narrative, other.contact, other.named)


@given(content=CONTENTS.filter(bool))
def test_every_recipient_reads_exactly_what_was_written(content: Content) -> None:
    people = [a_recipient(owner) for owner in ("security", "hr", "recovery")]

    sealed = seal_case(CASE, content, [key for key, _ in people])

    assert all(same(opened(sealed, private), content) for _, private in people)


def test_a_text_of_4000_characters_of_four_bytes_fits() -> None:
    key, private = a_recipient()
    content = Content("\U0001f642" * 4000, "\U0001f642" * 400)

    sealed = seal_case(CASE, content, [key])

    assert same(opened(sealed, private), content)


@given(plain=st.binary(max_size=SIZE_CLASSES[-1] - 4))
def test_padding_gives_back_what_it_was_given_in_the_smallest_class(plain: bytes) -> None:
    block = padded(plain)

    assert unpadded(block) == plain
    assert len(block) == min(size for size in SIZE_CLASSES if size >= len(plain) + 4)


@pytest.mark.parametrize("length", [1, 500, 980])
def test_the_length_of_the_ciphertext_says_only_the_size_class(length: int) -> None:
    key, _ = a_recipient()

    sealed = seal_case(CASE, Content("x" * length, None), [key])

    assert sealed.content is not None
    assert len(sealed.content.blob) == 1024 + 48


@pytest.mark.parametrize("block", [b"", b"\0" * 1023, b"\0\0\xff\xff" + b"\0" * 1020, b"\0\0\0\1ab".ljust(1024, b"\0")])
def test_padding_that_we_did_not_make_is_refused(block: bytes) -> None:
    with pytest.raises(SealBroken, match="padding_malformed"):
        unpadded(block)


def test_more_than_the_largest_class_is_refused_not_cut() -> None:
    key, _ = a_recipient()

    with pytest.raises(SealBroken, match="content_too_large"):
        seal_case(CASE, Content("x" * 65_536, None), [key])


def test_a_lone_surrogate_is_refused_without_naming_the_text() -> None:
    key, _ = a_recipient()

    with pytest.raises(SealBroken) as refused:
        seal_case(CASE, Content("MARKED-7f3a \ud800", None), [key])
    assert str(refused.value) == "content_not_text"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_no_content_seals_nothing_but_still_makes_the_case_a_key() -> None:
    key, private = a_recipient()

    sealed = seal_case(CASE, Content(None, None), [key])

    assert sealed.content is None
    case_key = unwrap_case_key(CASE, sealed.suite, sealed.wraps[0], private)
    assert case_key.key_id == suite.key_id(sealed.suite, sealed.public)


def test_without_recipients_nothing_is_sealed() -> None:
    with pytest.raises(SealBroken, match="no_recipient"):
        seal_case(CASE, Content("MARKED-7f3a", None), [])


def test_each_case_has_a_key_of_its_own() -> None:
    key, _ = a_recipient()

    first, second = (seal_case(CASE, Content("same", None), [key]) for _ in range(2))

    assert first.public != second.public
    assert first.content != second.content


def test_rows_swapped_between_cases_do_not_open() -> None:
    key, private = a_recipient()
    one = seal_case(CASE, Content("one", None), [key])
    two = seal_case(OTHER_CASE, Content("two", None), [key])
    assert one.content is not None
    assert two.content is not None

    # Both rows of the other case under this reference, the wrap alone, the content alone.
    for wrap, content, reference in (
        (two.wraps[0], two.content, CASE),
        (two.wraps[0], one.content, CASE),
        (one.wraps[0], two.content, CASE),
    ):
        with pytest.raises(SealBroken, match="does_not_open"):
            unseal_content(reference, content, unwrap_case_key(reference, one.suite, wrap, private))


def test_content_and_case_key_are_each_bound_to_their_case() -> None:
    key, private = a_recipient()
    sealed = seal_case(CASE, Content("one", None), [key])
    assert sealed.content is not None
    case_key = unwrap_case_key(CASE, sealed.suite, sealed.wraps[0], private)

    with pytest.raises(SealBroken, match="does_not_open"):
        unwrap_case_key(OTHER_CASE, sealed.suite, sealed.wraps[0], private)
    with pytest.raises(SealBroken, match="does_not_open"):
        unseal_content(OTHER_CASE, sealed.content, case_key)


@pytest.mark.parametrize(
    "plain",
    [b"MARKED", b'"MARKED"', b"[]", b"{}", b'{"narrative":5,"contact":null}', b'{"narrative":"","contact":"","x":1}'],
)
def test_what_somebody_else_sealed_to_the_case_is_no_content(plain: bytes) -> None:
    key, private = a_recipient()
    sealed = seal_case(CASE, Content("a", None), [key])
    foreign = suite.seal(padded(plain), sealed.suite, sealed.public, info=content_info(CASE))

    with pytest.raises(SealBroken, match=r"^content_malformed$") as broken:
        opened(replace(sealed, content=foreign), private)

    assert broken.value.__context__ is None or broken.value.__suppress_context__


def test_a_wrap_for_another_recipient_does_not_open() -> None:
    key, private = a_recipient()
    other_key, other_private = a_recipient("hr")
    sealed = seal_case(CASE, Content("one", None), [key, other_key])

    with pytest.raises(SealBroken, match="other_recipient"):
        unwrap_case_key(CASE, sealed.suite, sealed.wraps[0], other_private)
    # Renaming the row does not help.
    renamed = KeyWrap(other_private.key_id, sealed.wraps[0].sealed)
    with pytest.raises(SealBroken, match="does_not_open"):
        unwrap_case_key(CASE, sealed.suite, renamed, other_private)
    assert private.key_id != other_private.key_id


@pytest.mark.parametrize(
    ("written", "identity"),
    [
        (b'{"narrative":"n","contact":"c"}', Identity.CONFIDENTIAL),
        (b'{"narrative":"n","contact":null}', Identity.ANONYMOUS),
        (b'{"narrative":"n","contact":"c","named":true}', Identity.NAMED),
        (b'{"narrative":"n","contact":"c","named":"yes"}', None),
        (b'{"narrative":"n","contact":"c","known":true}', None),
    ],
)
def test_a_seal_of_before_names_nobody_and_one_of_others_does_not_open(
    written: bytes, identity: Identity | None
) -> None:
    private, public = new_pair()
    sealed = suite.seal(padded(written), public.suite, public.raw, info=content_info(CASE))

    if identity:
        assert unseal_content(CASE, sealed, private).identity is identity
    else:
        with pytest.raises(SealBroken, match=r"^content_malformed$"):
            unseal_content(CASE, sealed, private)


def test_a_message_does_not_open_as_content_nor_content_as_a_message() -> None:
    case_private, case_public = new_pair()
    message = seal_message(CASE, "hello", case_public.suite, case_public.raw)

    assert unseal_message(CASE, message, case_private) == "hello"
    with pytest.raises(SealBroken):
        unseal_message(OTHER_CASE, message, case_private)
    with pytest.raises(SealBroken):
        unseal_content(CASE, message, case_private)


@given(data=st.data())
def test_one_changed_bit_anywhere_and_it_does_not_open(data: st.DataObject) -> None:
    key, private = a_recipient()
    sealed = seal_case(CASE, Content("text", None), [key])
    assert sealed.content is not None
    for blob, broken_open in (
        (sealed.wraps[0].sealed.blob, lambda s: unwrap_case_key(CASE, DEFAULT, KeyWrap(key.key_id, s), private)),
        (
            sealed.content.blob,
            lambda s: unseal_content(CASE, s, unwrap_case_key(CASE, DEFAULT, sealed.wraps[0], private)),
        ),
    ):
        bit = data.draw(st.integers(0, 8 * len(blob) - 1))
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8

        with pytest.raises(SealBroken):
            broken_open(Sealed(DEFAULT, bytes(changed)))


@pytest.mark.parametrize("cut", [0, 1, 31, 47])
def test_a_cut_ciphertext_does_not_open(cut: int) -> None:
    key, private = a_recipient()
    wrap = seal_case(CASE, Content("text", None), [key]).wraps[0]

    with pytest.raises(SealBroken):
        unwrap_case_key(CASE, DEFAULT, KeyWrap(wrap.key_id, Sealed(DEFAULT, wrap.sealed.blob[:cut])), private)


def test_an_unknown_suite_is_said_not_guessed() -> None:
    private, public = new_pair()
    sealed = suite.seal(b"x", public.suite, public.raw, info=b"i")

    with pytest.raises(SealBroken, match="suite_unknown"):
        suite.seal(b"x", "rot13", public.raw, info=b"i")
    with pytest.raises(SealBroken, match="suite_unknown"):
        private_from("rot13", private.raw)
    with pytest.raises(SealBroken, match="suite_differs"):
        suite.unseal(Sealed("rot13", sealed.blob), private, info=b"i")


@pytest.mark.parametrize("public", [b"", b"short", b"\0" * 32])
def test_a_public_key_that_is_none_is_refused(public: bytes) -> None:
    with pytest.raises(SealBroken, match="key_malformed"):
        suite.seal(b"x", DEFAULT, public, info=b"i")


@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.text(max_size=20), max_size=4))
def test_different_names_never_bind_to_the_same_bytes(one: list[str], other: list[str]) -> None:
    assert (suite.bound("p", *one) == suite.bound("p", *other)) == (one == other)


def test_a_private_key_does_not_show_when_printed() -> None:
    private, _ = new_pair()

    assert private.raw.hex() not in repr(private)
    assert repr(private.raw)[2:-1] not in repr(private)
