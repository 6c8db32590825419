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
    MOST_TRIES,
    wait_before,
)

ATTEMPTS = st.integers(2, 2000)
AGES = st.floats(0, 10 * GIVE_UP_S)
JITTERS = st.floats(0, 1, exclude_max=True)


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
