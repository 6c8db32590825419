"""Whether a channel is used: when its circuit breaker opens, for how long, and what its rate allows.

Pure: no clock, no database, no randomness; `channelstates.py` supplies all three.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from router.vocabulary import Breaker

MOST_FAILURES: Final = 5
"""Attempts in a row that a channel could not take, and it is left alone."""
FIRST_COOL_S: Final = 15.0
LONGEST_COOL_S: Final = 600.0
LONGEST_ASKED_S: Final = 3600.0
"""A channel's own Retry-After shuts it no longer: one answer must not stop every case for a day."""
BURST_S: Final = 5.0
"""A rate's bucket holds what comes in this time, and one at least."""
STEP_S: Final = 1.0
"""A clock that goes back by less was only corrected."""

HOPELESS: Final = frozenset(
    {
        "not_authorised",
        "secret_missing",
        "secret_malformed",
        "redirected",
        "foreign_host",
        "refused_address",
        "tls_failed",
        "tls_missing",
        "sender_refused",
        "recipient_refused",
        "wrong_path",
        "not_switched_on",
        "test_credentials",
        "schema_unusable",
    }
)
"""Codes that every other referral would get as well: the first one shuts the channel."""
ASKS: Final = frozenset({"http_429", "http_503"})
"""Answers whose Retry-After is meant for everybody."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one attempt says of the channel, beside what became of the referral."""

    code: str
    worked: bool | None
    """True: it answered, a no included. False: it could not take it. None: it says nothing of the channel."""
    asked_s: float = 0.0
    """The pause that the channel asked for."""
    probe: bool = False
    """It was sent to see whether the channel is back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a channel's breaker stands."""

    breaker: Breaker = Breaker.CLOSED
    failures: int = 0
    """In a row."""
    opened: int = 0
    """Times in a row, without a success between."""
    shut_s: float | None = None
    """How long it is shut from now on; None: this was not decided now."""
    code: str | None = None
    """Why it was shut, if it was now."""


def cool_down(opened: int, *, jitter: float) -> float:
    """Return seconds until a channel is tried again that opened `opened` times in a row (1 is the first).

    The ceiling doubles from FIRST_COOL_S up to LONGEST_COOL_S. `jitter` in [0, 1) spreads the wait over the ceiling's
    top half, so that channels on one dead host are not all tried at once.
    """
    ceiling = min(LONGEST_COOL_S, FIRST_COOL_S * 2.0 ** min(max(opened, 1) - 1, 16))
    return ceiling * (1 + jitter) / 2


def after(standing: Standing, heard: Iterable[Heard], *, jitter: float) -> Standing:
    """Return where the breaker stands after these attempts, in the order in which they ended.

    While it is not closed only the probe counts: what else ends then was under way before. A probe that says nothing
    of the channel lets the next one through at once.
    """
    for one in heard:
        if standing.breaker is Breaker.CLOSED:
            standing = _heard_closed(standing, one, jitter)
        elif standing.breaker is Breaker.HALF_OPEN and one.probe:
            standing = _heard_probe(standing, one, jitter)
    return standing


def _heard_closed(standing: Standing, one: Heard, jitter: float) -> Standing:
    if one.worked:
        return Standing()
    if one.worked is None:
        return standing
    failures = standing.failures + 1
    if failures >= MOST_FAILURES or one.code in HOPELESS or _asks(one):
        return shut(replace(standing, failures=failures), one, jitter=jitter)
    return replace(standing, failures=failures)


def _heard_probe(standing: Standing, one: Heard, jitter: float) -> Standing:
    if one.worked:
        return Standing()
    if one.worked is None:
        return replace(standing, breaker=Breaker.OPEN, shut_s=0.0)
    return shut(replace(standing, failures=standing.failures + 1), one, jitter=jitter)


def shut(standing: Standing, why: Heard, *, jitter: float) -> Standing:
    """Return the standing of a channel that is shut now: for as long as it asked, else for its next cool-down."""
    opened = standing.opened + 1
    shut_s = min(why.asked_s, LONGEST_ASKED_S) if _asks(why) else cool_down(opened, jitter=jitter)
    return replace(standing, breaker=Breaker.OPEN, opened=opened, shut_s=shut_s, code=why.code)


def _asks(one: Heard) -> bool:
    return one.asked_s > 0 and one.code in ASKS


def burst(per_s: float) -> float:
    """Return how many a bucket that fills with `per_s` holds."""
    return max(1.0, BURST_S * per_s)


def refilled(tokens: float | None, elapsed_s: float, per_s: float) -> float:
    """Return what is in the bucket after `elapsed_s`; one never used is full.

    So is one used in the future: that was before the clock was set back.
    """
    if tokens is None or elapsed_s < -STEP_S:
        return burst(per_s)
    return min(burst(per_s), max(tokens, 0.0) + max(elapsed_s, 0.0) * per_s)


def next_token_s(tokens: float, per_s: float) -> float:
    """Return seconds until a bucket with `tokens` holds a whole one; 0 when it does."""
    return max(0.0, 1.0 - tokens) / per_s
