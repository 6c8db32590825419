"""Somebody may be in danger now: that the emergency number comes first, and which one, on every page of such a case.

Nothing here calls anybody, and no outside body that we write to is an emergency line.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from router.console.emergency import Emergency
from router.console.pages.ask import Ask
from router.model import Facts
from router.triage.policy import Policy
from router.vocabulary import CALL_FIRST


@dataclass(frozen=True, slots=True)
class Urgent:
    """What a page says of the danger."""

    numbers: tuple[Emergency, ...]
    """Of the country that the concern is for; all that are known when nobody said which, or nobody knows its."""


def urgent(ask: Ask, facts: Facts, policy: Policy | None) -> Urgent | None:
    """Return what to say when the concern is of somebody in danger now; None when it is not."""
    if CALL_FIRST.isdisjoint(facts.urgency or ()):
        return None
    region = policy.regions.whose(facts).region if policy else facts.country
    return Urgent(numbers(ask.desk.emergency, region))


def numbers(known: Iterable[Emergency], region: str | None) -> tuple[Emergency, ...]:
    """Return the number of the country that `region` lies in; all, when it is not among those that are known."""
    everywhere = tuple(known)
    there = tuple(one for one in everywhere if region is not None and one.country == region[:2])
    return there or everywhere
