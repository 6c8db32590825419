"""Quotas: who counts as one, how long one waits, and that they fail open."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from limits.storage import MemoryStorage

from router.intake.limits import Quotas, address_bucket
from router.telemetry import LIMITER_FAILED

DAY = date(2026, 11, 20)
SECRET = b"s" * 32


START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_lets_the_quota_through_on_average_and_twice_it_at_most() -> None:
    quotas = Quotas()
    passed = []
    with time_machine.travel(START, tick=False) as clock:
        for step in range(600):
            if quotas.wait_s("a", most=20, window_s=60) == 0:
                passed.append(step / 2)
            clock.shift(0.5)

    assert 80 <= len(passed) <= 120
    # The last window counts as if it had been spread evenly, so a burst may be followed by another.
    assert max(sum(1 for other in passed if 0 <= other - one < 60) for one in passed) <= 40


def test_says_how_long_to_wait_and_is_open_again_then() -> None:
    quotas = Quotas()
    with time_machine.travel(START, tick=False) as clock:
        assert quotas.wait_s("a", most=1, window_s=60) == 0
        wait_s = quotas.wait_s("a", most=1, window_s=60)
        clock.shift(120)

        assert 1 <= wait_s <= 120
        assert quotas.wait_s("a", most=1, window_s=60) == 0


def test_callers_do_not_share() -> None:
    quotas = Quotas()
    assert quotas.wait_s("a", most=1, window_s=60) == 0
    assert quotas.wait_s("b", most=1, window_s=60) == 0


def test_lets_everybody_through_when_it_cannot_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched, because the library's memory has no way to break."""
    quotas = Quotas()
    monkeypatch.setattr(MemoryStorage, "acquire_sliding_window_entry", lambda *_, **__: 1 / 0)
    before = LIMITER_FAILED._value.get()

    assert [quotas.wait_s("a", most=1, window_s=60) for _ in range(3)] == [0, 0, 0]
    assert LIMITER_FAILED._value.get() == before + 3


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
