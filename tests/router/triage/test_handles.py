"""Account names: many ways to write one, compared as keyed digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.triage.handles import Handles, normal

OWN = ("CORP", "Example.org")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.svensson", "A.Svensson"),
        ("a.svensson", "CORP\\a.svensson"),
        ("a.svensson", "corp\\A.SVENSSON"),
        ("a.svensson", "a.svensson@example.org"),
        ("a.svensson", "a.svensson@EXAMPLE.ORG"),
        ("a.svensson", "CORP\\a.svensson@example.org"),
        ("a.svensson", " a.svensson "),
        ("a.svensson", "a.svensson@example.org."),  # the same domain, with its root
        ("a.svensson", "a.svensson."),  # the end of somebody's sentence
        ("a.svensson", "CORP\\\\a.svensson"),  # escaped once too often
        ("a.svensson", ".\\a.svensson"),  # of whichever machine this is
        ("a.svensson", "\\a.svensson"),
        ("a.svensson", "a.svensson@"),
        ("a.svensson", "example.org\\a.svensson@corp@example.org"),
        ("a.svensson", "\uff41.svensson"),  # a full-width letter
        ("strasse", "stra\u00dfe"),
        ("\u00e5sa", "a\u030asa"),  # one character, or a letter and a ring
    ],
)
def test_two_ways_to_write_one_account_are_the_same(one: str, other: str) -> None:
    assert normal(one, OWN) == normal(other, OWN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.svensson", "asvensson"),
        ("a.svensson", "a.svensson@elsewhere.example"),
        ("a.svensson", "OTHER\\a.svensson"),
        ("a.svensson", "OTHER\\CORP\\a.svensson"),
        ("a.svensson", "a.svensson@elsewhere.example@example.org"),
        ("a.svensson@elsewhere.example", "a.svensson@elsewhere.org"),
        ("a.svensson@example.org", "a.svensson@sub.example.org"),
    ],
)
def test_accounts_elsewhere_are_not_ours(one: str, other: str) -> None:
    assert normal(one, OWN) != normal(other, OWN)


@pytest.mark.parametrize("written", ["ANYWHERE\\asv", "asv@anywhere.example", "X\\asv@y.example"])
def test_without_domains_of_our_own_all_of_them_are(written: str) -> None:
    assert normal(written, ()) == "asv"


@pytest.mark.parametrize("written", ["@example.org", "corp\\", "@", "\\", ""])
def test_what_is_only_a_domain_stays_what_it_is(written: str) -> None:
    assert normal(written, OWN) == written


@given(st.text(max_size=40))
def test_a_name_made_comparable_is_compared_as_it_is(written: str) -> None:
    once = normal(written.replace("@", "").replace("\\", ""), OWN)

    assert normal(once, OWN) == once


def test_a_digest_needs_the_key_and_shows_no_name() -> None:
    digest = Handles(b"key", OWN).digest("a.svensson")

    assert digest == Handles(b"key", OWN).digest("CORP\\A.Svensson")
    assert digest != Handles(b"other", OWN).digest("a.svensson")
    assert b"svensson" not in digest
    assert "key" not in repr(Handles(b"key", OWN))


def test_a_list_is_not_its_joined_parts() -> None:
    handles = Handles(b"key")

    assert len({handles.digest_of("ab", "c"), handles.digest_of("a", "bc"), handles.digest_of("abc")}) == 3


def test_a_handle_is_never_mistaken_for_a_list() -> None:
    handles = Handles(b"key")

    assert handles.digest("a") != handles.digest_of("a")
