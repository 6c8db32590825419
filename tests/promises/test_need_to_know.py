"""Promise 4: each channel gets only the fields on its list, and whoever is involved is not told; promise 7 beside it.

Every value of every fact alone, every pair of values, every subset of `involves`, and random concerns.
"""

from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.catalogue import ALWAYS_CARRIED
from router.model import IDENTIFIERS, Decision, Facts, plain
from router.triage.policy import Policy
from router.vocabulary import (
    EvidenceState,
    Involved,
    NoticedHow,
    ReferralState,
    Scope,
    Urgency,
    VerdictSource,
    WhereFound,
)
from tests.policies import decided, facts, shipped

POLICY: Final = shipped()
VALUES: Final[dict[str, list[Any]]] = {
    "category": sorted(POLICY.taxonomy),
    "noticed_how": list(NoticedHow),
    "where_found": list(WhereFound),
    "site": sorted(POLICY.sites),
    "urgency": [(value,) for value in Urgency],
    "evidence_state": list(EvidenceState),
    "country": ["DE", "FR", "LU", "US"],
    "involves": [(value,) for value in Involved],
    "verdict_source": list(VerdictSource),
    "source_ticket": ["HD-1"],
    "asset_tag": ["LT-1"],
    "hashes": [({"algorithm": "md5", "value": "0" * 32},)],
    "url": ["https://example.org/"],
    "subject_handle": ["somebody"],
    "occurred_at": ["2026-11-01T00:00:00Z"],
    "noticed_at": ["2026-11-02T00:00:00Z"],
}


def singles() -> Iterator[dict[str, Any]]:
    for field, values in VALUES.items():
        yield from ({field: value} for value in values)


def involved_names(policy: Policy, involves: tuple[Involved, ...]) -> set[str]:
    """Say it again in other words than the code's: a team is involved when one of its values was ticked."""
    return {name for name, team in policy.teams.items() for value in team.involved_as if value in involves}


def breaches(policy: Policy, concern: Facts, decision: Decision) -> list[str]:
    """Return each way in which `decision` breaks the promise."""
    involved = involved_names(policy, concern.involves)
    found = [f"key for {team}" for team in decision.teams if team in involved]
    reached = False
    for planned in decision.referrals:
        channel = policy.channels.channels[planned.channel]
        if involved & set(channel.readable_by):
            found.append(f"{channel.name} is read by somebody involved")
        surplus = set(plain(planned.fields)) - ALWAYS_CARRIED - set(channel.carries)
        found += [f"{field} to {channel.name}" for field in surplus]
        if channel.scope is Scope.EXTERNAL and planned.state is not ReferralState.DRAFT:
            found.append(f"{channel.name} is outside")
        told = set(channel.readable_by) & set(decision.teams) - involved
        reached = reached or (planned.state is ReferralState.DUE and bool(told))
    return list(dict.fromkeys(found if reached else [*found, "nobody is told"]))


def assert_kept(concern: Facts, *, statutory: bool = True) -> None:
    assert breaches(POLICY, concern, decided(POLICY, concern, statutory=statutory)) == []


def test_holds_for_every_value_alone() -> None:
    for values in singles():
        assert_kept(facts(**values))


def test_holds_for_every_pair_of_values() -> None:
    for one, other in combinations(singles(), 2):
        assert_kept(facts(**{**one, **other}))


@pytest.mark.parametrize("category", sorted(POLICY.taxonomy))
def test_holds_for_every_subset_of_involves(category: str) -> None:
    subsets = chain.from_iterable(combinations(Involved, size) for size in range(len(Involved) + 1))
    for subset in subsets:
        assert_kept(facts(category=category, involves=subset, where_found="web_page", urgency=("danger_to_life",)))


concerns = st.fixed_dictionaries(
    {"category": st.sampled_from(VALUES["category"])},
    optional={
        **{field: st.sampled_from(values) for field, values in VALUES.items() if field != "category"},
        "urgency": st.lists(st.sampled_from(Urgency), unique=True).map(tuple),
        "involves": st.lists(st.sampled_from(Involved), unique=True).map(tuple),
    },
)


@settings(max_examples=1000)
@given(values=concerns, statutory=st.booleans())
def test_holds_for_random_concerns(values: dict[str, Any], statutory: bool) -> None:  # noqa: FBT001 - hypothesis
    assert_kept(facts(**values), statutory=statutory)


def test_holds_when_deciding_fails() -> None:
    for subset in chain.from_iterable(combinations(Involved, size) for size in range(len(Involved) + 1)):
        assert_kept(facts(category="unheard_of", involves=subset))


def test_identifiers_go_only_where_they_are_listed_by_name() -> None:
    cleared = {
        (channel.name, field)
        for channel in POLICY.channels.channels.values()
        for field in set(channel.carries) & IDENTIFIERS
    }

    assert cleared == {
        ("security-desk", "source_ticket"),
        ("security-desk", "asset_tag"),
        ("privacy-desk", "source_ticket"),
        ("privacy-desk", "asset_tag"),
        ("police-handover", "asset_tag"),
        ("police-handover", "hashes"),
        ("police-handover", "url"),
        ("hotline-handover", "url"),
    }


def test_the_check_sees_a_breach() -> None:
    concern = facts(category="harassment", involves=("hr",))
    careless = decided(POLICY, facts(category="harassment"))

    assert breaches(POLICY, concern, careless) == [
        "key for hr",
        "hr-desk is read by somebody involved",
        "nobody is told",
    ]
