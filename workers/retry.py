"""When to try a delivery again, and when to stop.

Pure: no clock, no queue, no randomness; `attempt.py` supplies all three.
"""

from typing import Final

FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 3600.0
LONGEST_ASKED_S: Final = 6 * 3600.0
"""A channel's own Retry-After counts up to here: nobody parks a referral for a year."""
GIVE_UP_S: Final = 72 * 3600.0
"""A referral that could not be delivered for three days stands in front of a person."""
FEWEST_TRIES: Final = 5
"""Tries that it gets in any case, so that three days without a worker do not make it undeliverable."""
MOST_TRIES: Final = 1000
"""More than 72 hours of waiting can hold."""
MOST_BROKEN: Final = 10
"""Leases that no worker came back from: the referral is taken to be why, and a person must look. From the third on it
was sent alone."""


def wait_before(attempt: int, *, age_s: float, jitter: float, retry_after_s: float = 0.0) -> float | None:
    """Return seconds to wait before `attempt` (2 is the first retry); None means give up.

    The ceiling doubles from FIRST_WAIT_S up to LONGEST_WAIT_S, and `jitter` in [0, 1) picks a point
    below it ("full jitter"), so that a channel coming back does not meet every case at once. The
    channel's own Retry-After (RFC 9110, 10.2.3) wins when longer. `age_s` is how long the referral
    has been due: the last try is at GIVE_UP_S, but never before FEWEST_TRIES were made. When a
    person asks for it anew, attempts and age count from then.
    """
    if age_s >= GIVE_UP_S and attempt > FEWEST_TRIES:
        return None
    ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt - 2, 16))
    wait = max(jitter * ceiling, min(retry_after_s, LONGEST_ASKED_S))
    return wait if age_s >= GIVE_UP_S else min(wait, GIVE_UP_S - age_s)
