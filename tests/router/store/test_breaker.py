"""When a channel is left alone, for how long, and how fast it is sent to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.store.breaker import (
    FIRST_COOL_S,
    HOPELESS,
    LONGEST_ASKED_S,
    LONGEST_COOL_S,
    MOST_FAILURES,
    Heard,
    Standing,
    after,
    burst,
    cool_down,
    next_token_s,
    refilled,
)
from router.vocabulary import Breaker

FINE = Heard("sent", worked=True)
NO = Heard("http_422", worked=True)
DOWN = Heard("unreachable", worked=False)
OF_ONE = Heard("not_seen_yet", worked=None)
PROBING = Standing(Breaker.HALF_OPEN, failures=5, opened=1)


def probe(heard: Heard) -> Heard:
    return Heard(heard.code, heard.worked, heard.asked_s, probe=True)


@pytest.mark.parametrize(
    ("opened", "ceiling_s"),
    [(1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 480), (7, 600), (8, 600), (400, 600)],
)
def test_a_channel_cools_down_twice_as_long_each_time_up_to_ten_minutes(opened: int, ceiling_s: float) -> None:
    assert cool_down(opened, jitter=0) == ceiling_s / 2
    assert cool_down(opened, jitter=0.5) == ceiling_s * 0.75


@given(opened=st.integers(0, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_a_cool_down_over_its_upper_half(opened: int, jitter: float) -> None:
    ceiling_s = 2 * cool_down(opened, jitter=0)

    assert FIRST_COOL_S <= ceiling_s <= LONGEST_COOL_S
    assert ceiling_s / 2 <= cool_down(opened, jitter=jitter) <= ceiling_s


def test_five_failures_in_a_row_shut_a_channel() -> None:
    four = after(Standing(), [DOWN] * 4, jitter=0)
    five = after(four, [DOWN], jitter=0)

    assert four == Standing(failures=4)
    assert five == Standing(Breaker.OPEN, failures=5, opened=1, shut_s=7.5, code="unreachable")


@pytest.mark.parametrize("between", [FINE, NO])
def test_an_answer_between_begins_the_row_anew_even_if_it_is_a_no(between: Heard) -> None:
    assert after(Standing(), [DOWN] * 4 + [between] + [DOWN] * 4, jitter=0) == Standing(failures=4)


def test_what_one_referral_alone_waits_for_neither_counts_nor_begins_anew() -> None:
    assert after(Standing(), [DOWN, OF_ONE] * 4 + [OF_ONE] * 9, jitter=0) == Standing(failures=4)
    assert after(Standing(), [DOWN, OF_ONE] * 5, jitter=0).breaker is Breaker.OPEN


@pytest.mark.parametrize("code", sorted(HOPELESS))
def test_what_every_referral_would_meet_shuts_a_channel_at_once(code: str) -> None:
    assert after(Standing(), [Heard(code, worked=False)], jitter=0).shut_s == 7.5


@pytest.mark.parametrize(
    ("code", "asked_s", "shut_s"),
    [
        ("http_429", 2.0, 2.0),
        ("http_503", 1800.0, 1800.0),
        ("http_429", 10e9, LONGEST_ASKED_S),
        ("http_429", 0.0, None),
        ("http_500", 60.0, None),
    ],
)
def test_a_pause_that_the_channel_asks_for_is_kept_up_to_an_hour(
    code: str, asked_s: float, shut_s: float | None
) -> None:
    assert after(Standing(), [Heard(code, worked=False, asked_s=asked_s)], jitter=0).shut_s == shut_s


def test_a_probe_that_works_closes_it_and_all_is_forgotten() -> None:
    assert after(PROBING, [probe(NO)], jitter=0) == Standing()


def test_a_probe_that_fails_shuts_it_for_longer() -> None:
    assert after(PROBING, [probe(DOWN)], jitter=0) == Standing(
        Breaker.OPEN, failures=6, opened=2, shut_s=15, code="unreachable"
    )


def test_a_probe_that_says_nothing_of_the_channel_lets_the_next_one_go_at_once() -> None:
    assert after(PROBING, [probe(OF_ONE)], jitter=0) == Standing(Breaker.OPEN, failures=5, opened=1, shut_s=0)


@pytest.mark.parametrize("before", [PROBING, Standing(Breaker.OPEN, 5, 1)])
@pytest.mark.parametrize("late", [FINE, DOWN, OF_ONE])
def test_what_was_under_way_before_changes_nothing_once_it_is_shut(before: Standing, late: Heard) -> None:
    assert after(before, [late] * 9, jitter=0) == before


@given(st.lists(st.sampled_from([FINE, NO, DOWN, OF_ONE])), st.floats(0, 1, exclude_max=True))
def test_it_is_shut_exactly_when_five_failed_in_a_row(heard: list[Heard], jitter: float) -> None:
    row = longest = 0
    for one in heard:
        row = row if one.worked is None else 0 if one.worked else row + 1
        longest = max(longest, row)

    standing = after(Standing(), heard, jitter=jitter)

    assert (standing.breaker is Breaker.OPEN) == (longest >= MOST_FAILURES)
    assert (standing.shut_s is None) == (standing.breaker is Breaker.CLOSED)


@pytest.mark.parametrize(("per_s", "holds"), [(10.0, 50.0), (1.0, 5.0), (0.2, 1.0), (1 / 3600, 1.0)])
def test_a_bucket_holds_five_seconds_and_one_at_least(per_s: float, holds: float) -> None:
    assert burst(per_s) == holds
    assert refilled(None, 0, per_s) == holds
    assert refilled(0, 1e9, per_s) == holds


def test_a_clock_that_was_set_back_empties_no_bucket() -> None:
    assert refilled(0.5, -86400, 10) == 50
    assert refilled(0.5, -0.2, 10) == 0.5


def test_the_next_token_comes_when_the_rate_says() -> None:
    assert next_token_s(0.25, 0.5) == 1.5
    assert next_token_s(1.5, 0.5) == 0


@given(
    per_s=st.floats(0.001, 1000),
    asks=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 64)), max_size=40),
)
def test_however_one_asks_the_rate_and_one_burst_are_all_that_is_given(
    per_s: float, asks: list[tuple[float, int]]
) -> None:
    tokens, given_out, waited_s = None, 0, 0.0
    for pause_s, wanted in asks:
        waited_s += pause_s
        there = refilled(tokens, pause_s, per_s)
        taken = min(wanted, int(there))
        tokens, given_out = there - taken, given_out + taken

    assert given_out <= burst(per_s) + per_s * waited_s + 1e-6
