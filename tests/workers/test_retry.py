"""When to try again: a table for the decision, properties for the rule."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workers.retry import (
    FEWEST_TRIES,
    FIRST_WAIT_S,
    GIVE_UP_S,
    LONGEST_ASKED_S,
    LONGEST_WAIT_S,
    MOST_BROKEN,
    MOST_TRIES,
    wait_before,
)

ATTEMPTS = st.integers(2, 2000)
AGES = st.floats(0, 10 * GIVE_UP_S)
JITTERS = st.floats(0, 1, exclude_max=True)


def test_the_numbers_are_those_that_the_readme_names() -> None:
    assert (FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_ASKED_S) == (5, 3600, 6 * 3600)
    assert (GIVE_UP_S, FEWEST_TRIES, MOST_TRIES, MOST_BROKEN) == (72 * 3600, 5, 1000, 10)


@pytest.mark.parametrize(
    ("attempt", "jitter", "retry_after_s", "wait_s"),
    [
        (2, 0.5, 0, 2.5),
        (3, 0.5, 0, 5),
        (4, 0.5, 0, 10),
        (11, 0.5, 0, 1280),
        (12, 0.5, 0, 1800),
        (500, 0.5, 0, 1800),
        (2, 0.0, 0, 0),
        (2, 0.5, 30, 30),
        (12, 0.5, 30, 1800),
        (2, 0.5, 9e9, LONGEST_ASKED_S),
    ],
)
def test_waits_as_the_table_says(attempt: int, jitter: float, retry_after_s: float, wait_s: float) -> None:
    assert wait_before(attempt, age_s=0, jitter=jitter, retry_after_s=retry_after_s) == wait_s


@pytest.mark.parametrize(
    ("attempt", "age_s", "wait_s"),
    [
        (30, GIVE_UP_S - 60, 60),
        (30, GIVE_UP_S, None),
        (30, GIVE_UP_S + 1, None),
        (FEWEST_TRIES + 1, GIVE_UP_S, None),
        (FEWEST_TRIES, GIVE_UP_S, 20),
    ],
)
def test_gives_up_after_three_days_but_not_before_five_tries(attempt: int, age_s: float, wait_s: float | None) -> None:
    assert wait_before(attempt, age_s=age_s, jitter=0.5) == wait_s


@given(ATTEMPTS, AGES, JITTERS, st.floats(0, 1e9))
@example(2, 0.0, 0.0, 0.0)
def test_never_waits_longer_than_allowed(attempt: int, age_s: float, jitter: float, asked_s: float) -> None:
    wait_s = wait_before(attempt, age_s=age_s, jitter=jitter, retry_after_s=asked_s)

    assert wait_s is None or 0 <= wait_s <= max(LONGEST_WAIT_S, min(asked_s, LONGEST_ASKED_S))


@given(st.floats(0.2, 1, exclude_max=True))
def test_every_referral_is_given_up_in_the_end(jitter: float) -> None:
    age_s, tries = 0.0, 1
    while (wait_s := wait_before(tries + 1, age_s=age_s, jitter=jitter)) is not None:
        age_s, tries = age_s + wait_s, tries + 1

    assert age_s == pytest.approx(GIVE_UP_S)
    assert tries < MOST_TRIES


@given(JITTERS)
def test_jitter_spreads_over_the_whole_wait(jitter: float) -> None:
    assert wait_before(2, age_s=0, jitter=jitter) == jitter * FIRST_WAIT_S


@given(ATTEMPTS, st.floats(0, GIVE_UP_S, exclude_max=True), JITTERS, st.floats(0, 1e9))
def test_a_channel_is_never_asked_sooner_than_it_wants_up_to_the_cap(
    attempt: int, age_s: float, jitter: float, asked_s: float
) -> None:
    wait_s = wait_before(attempt, age_s=age_s, jitter=jitter, retry_after_s=asked_s)

    assert wait_s is not None
    assert wait_s >= min(asked_s, LONGEST_ASKED_S, GIVE_UP_S - age_s)


@given(ATTEMPTS, JITTERS)
def test_the_ceiling_doubles_with_each_try_and_never_shrinks(attempt: int, jitter: float) -> None:
    now, then = (wait_before(number, age_s=0, jitter=jitter) for number in (attempt, attempt + 1))

    assert now is not None
    assert then is not None
    assert now <= then <= max(2 * now, jitter * LONGEST_WAIT_S)


@given(ATTEMPTS, st.floats(0, GIVE_UP_S, exclude_max=True), JITTERS)
def test_the_last_try_is_when_the_three_days_are_over_and_not_after(attempt: int, age_s: float, jitter: float) -> None:
    wait_s = wait_before(attempt, age_s=age_s, jitter=jitter)

    assert wait_s is not None
    assert age_s + wait_s <= GIVE_UP_S * (1 + 1e-9)


@given(ATTEMPTS, AGES, JITTERS, st.floats(0, 1e9))
def test_it_is_over_exactly_after_three_days_and_five_tries(
    attempt: int, age_s: float, jitter: float, asked_s: float
) -> None:
    over = wait_before(attempt, age_s=age_s, jitter=jitter, retry_after_s=asked_s) is None

    assert over == (age_s >= GIVE_UP_S and attempt > FEWEST_TRIES)
