"""An address says what is asked of the queue, and says it in one way."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from router.console.pages.filters import NAMES, coded, read, written
from router.store.queuefilter import Filter, Holder, Place, State
from router.vocabulary import Severity

codes = st.none() | st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
wanted = st.builds(
    Filter,
    state=st.sampled_from(State),
    severities=st.frozensets(st.sampled_from(Severity)),
    category=codes,
    site=codes,
    team=st.sampled_from([None, "security"]),
    claimed_by=st.none() | st.sampled_from(Holder),
    unread=st.booleans(),
    overdue=st.booleans(),
)
places = st.none() | st.builds(
    Place, st.integers(0, 15), st.integers(-(2**63) + 1, 2**63 - 1), st.just("CR-0Z1H-2222-3333")
)


@given(wanted, places)
def test_what_is_written_is_read_as_it_was(one: Filter, after: Place | None) -> None:
    asked = read(QueryParams(written(one, after=after)), {"security"})

    assert (asked.wanted, asked.after, dict(asked.mistakes)) == (one, after, {})


@given(st.dictionaries(st.sampled_from(NAMES), st.text()))
def test_anything_is_read_and_nothing_of_it_comes_back_but_codes(typed: dict[str, str]) -> None:
    asked = read(QueryParams(typed), {"security"})

    assert set(asked.mistakes) <= set(NAMES)
    assert coded(asked.wanted).isascii()
    assert not set(coded(asked.wanted)) & set("<>\"'&;\r\n")


def test_a_reference_may_be_typed_as_it_was_read_out() -> None:
    typed = ("cr-7f3a-0000-zz11", "7F3A-0000-ZZ11", "7f3a0000zz11", " CR7F3A0000ZZ11 ")

    assert {read(QueryParams({"q": one}), ()).sought for one in typed} == {"CR-7F3A-0000-ZZ11"}


def test_a_field_that_stands_twice_is_a_mistake_where_one_counts() -> None:
    asked = read(QueryParams([("site", "a"), ("site", "b"), ("severity", "low"), ("severity", "high")]), ())

    assert set(asked.mistakes) == {"site"}
    assert asked.wanted.severities == {Severity.LOW, Severity.HIGH}
