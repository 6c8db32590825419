"""Quotas: who counts as one, how long one waits, and that they fail open."""

from datetime import date

import pytest

from router.intake import limits
from router.intake.limits import Quotas, address_bucket
from router.telemetry import LIMITER_FAILED

DAY = date(2026, 11, 20)
SECRET = b"s" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_lets_the_quota_through_on_average_and_twice_it_at_most() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    passed = []
    for step in range(600):
        clock.now = 1_000_000 + step / 2
        if quotas.wait_s("a", most=20, window_s=60) == 0:
            passed.append(clock.now)

    assert 80 <= len(passed) <= 120
    # The last window counts as if it had been spread evenly, so a burst may be followed by another.
    assert max(sum(1 for other in passed if 0 <= other - one < 60) for one in passed) <= 40


def test_says_how_long_to_wait_and_is_open_again_then() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    assert quotas.wait_s("a", most=1, window_s=60) == 0

    wait_s = quotas.wait_s("a", most=1, window_s=60)

    assert 1 <= wait_s <= 60
    clock.now += 120
    assert quotas.wait_s("a", most=1, window_s=60) == 0


def test_callers_do_not_share() -> None:
    quotas = Quotas(Clock())
    assert quotas.wait_s("a", most=1, window_s=60) == 0
    assert quotas.wait_s("b", most=1, window_s=60) == 0


def test_looking_does_not_count() -> None:
    quotas = Quotas(Clock())
    assert [quotas.wait_s("a", most=1, window_s=60, take=False) for _ in range(3)] == [0, 0, 0]


def test_lets_newcomers_through_when_it_cannot_count_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 2)
    quotas = Quotas(Clock())
    before = LIMITER_FAILED._value.get()

    assert [quotas.wait_s(str(n % 4), most=1, window_s=60) > 0 for n in range(8)] == [False] * 4 + [True] * 2 + [
        False
    ] * 2
    assert LIMITER_FAILED._value.get() == before + 4


def test_forgets_those_who_stayed_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 2)
    clock = Clock()
    quotas = Quotas(clock)
    quotas.wait_s("a", most=1, window_s=60)
    quotas.wait_s("b", most=1, window_s=60)
    clock.now += 200

    quotas.wait_s("c", most=1, window_s=60)

    assert quotas.wait_s("c", most=1, window_s=60) > 0


def test_an_address_is_a_digest_that_changes_daily() -> None:
    bucket = address_bucket("192.0.2.7", SECRET, DAY)

    assert "192" not in bucket
    assert bucket != address_bucket("192.0.2.8", SECRET, DAY)
    assert bucket != address_bucket("192.0.2.7", SECRET, date(2026, 11, 21))
    assert bucket != address_bucket("192.0.2.7", b"t" * 32, DAY)
    assert bucket == address_bucket("::ffff:192.0.2.7", SECRET, DAY)


def test_one_ipv6_subscriber_is_one() -> None:
    assert address_bucket("2001:db8::1", SECRET, DAY) == address_bucket("2001:db8::ffff:1%eth0", SECRET, DAY)
    assert address_bucket("2001:db8::1", SECRET, DAY) != address_bucket("2001:db8:0:1::1", SECRET, DAY)


@pytest.mark.parametrize("odd", [None, "", "testclient", "MARKED"])
def test_what_is_no_address_shares_one_bucket(odd: str | None) -> None:
    assert address_bucket(odd, SECRET, DAY) == address_bucket(None, SECRET, DAY)
