"""Promise 4: each channel gets only the fields on its list, and whoever is involved is not told; promise 7 beside it.

Every value of every fact alone, every pair of values, every subset of `involves` beside every member of a team, and
random concerns: under the shipped policies and under many that nobody would write. What is said later counts as told.
"""

import random
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from router.catalogue import ALWAYS_CARRIED
from router.model import IDENTIFIERS, Decision, Facts
from router.triage.policy import Policy, load_policy
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
from tests.nastypolicies import nasty
from tests.policies import CONFIG, decided, facts, shipped

RANDOM_CONCERNS: Final = 10_000
OF_EACH_NASTY_ONE: Final = 60
NASTY_POLICIES: Final = 100
HASH: Final = {"algorithm": "md5", "value": "0" * 32}


class Known:
    """A policy, and what its file says of people: read here again, not by the code under test."""

    def __init__(self, policy: Policy, text: str) -> None:
        self.policy = policy
        written = yaml.safe_load(text)
        people = written.get("people", {})
        self.domains = [domain.lower() for domain in several(written.get("handles", {}).get("domains", []))]
        self.accounts = {
            name: [
                self.account(handle)
                for person in several(team.get("members", []))
                for handle in several(people[person]["handles"])
            ]
            for name, team in written["teams"].items()
        }
        """For each team those of its members, without domains and in small letters."""
        self.involved_as = {name: set(several(team.get("involved_as", []))) for name, team in written["teams"].items()}

    def account(self, handle: str) -> str:
        account = handle.lower()
        domain, _, name = account.rpartition("\\")
        account = name if not self.domains or domain in self.domains else account
        name, _, domain = account.partition("@")
        return name if not self.domains or domain in self.domains else account

    def in_conflict(self, concern: Facts) -> set[str]:
        """Say it again in other words than the code's."""
        named = self.account(concern.subject_handle) if concern.subject_handle else None
        return {
            name
            for name, accounts in self.accounts.items()
            if self.involved_as[name] & set(concern.involves) or named in accounts
        }

    def handles(self) -> list[str | None]:
        """Return nobody, and for each team an account of one of its members as somebody might write it."""
        members = dict.fromkeys(accounts[-1] for accounts in self.accounts.values() if accounts)
        domain = next(iter(self.domains), "anywhere")
        ways = ("{0}", "{1}\\{0}", "{0}@{1}")
        return [None, *(ways[n % 3].format(account, domain).upper() for n, account in enumerate(members))]


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def known(folder: Path) -> Known:
    return Known(load_policy(folder), (folder / "policy.yaml").read_text())


def made(seed: int) -> Known:
    return Known(*nasty(seed))


SHIPPED: Final = {folder.name: known(folder) for folder in (CONFIG, CONFIG / "us", CONFIG / "uk")}
policies = pytest.mark.parametrize("policy", [*SHIPPED.values(), made(0)], ids=[*SHIPPED, "nasty"])


def values_of(policy: Policy) -> dict[str, list[Any]]:
    return {
        "category": sorted(policy.taxonomy),
        "noticed_how": list(NoticedHow),
        "where_found": list(WhereFound),
        "site": sorted(policy.sites),
        "urgency": [(value,) for value in Urgency],
        "evidence_state": list(EvidenceState),
        "country": ["DE", "FR", "LU", "US"],
        "involves": [(value,) for value in Involved],
        "verdict_source": list(VerdictSource),
        "source_ticket": ["HD-1"],
        "asset_tag": ["LT-1"],
        "hashes": [(HASH,)],
        "url": ["https://example.org/"],
        "subject_handle": ["marked-7f3a"],
        "occurred_at": ["2026-11-01T00:00:00Z"],
        "noticed_at": ["2026-11-02T00:00:00Z"],
    }


def singles(policy: Policy) -> Iterator[dict[str, Any]]:
    least = {"category": next(iter(policy.taxonomy))}
    for field, values in values_of(policy).items():
        yield from (least | {field: value} for value in values)


def subsets() -> Iterator[tuple[Involved, ...]]:
    return chain.from_iterable(combinations(Involved, size) for size in range(len(Involved) + 1))


def breaches(policy: Known, concern: Facts, decision: Decision) -> list[str]:
    """Return each way in which `decision` breaks the promise."""
    in_conflict = policy.in_conflict(concern)
    found = [f"key for {team}" for team in decision.teams if team in in_conflict]
    reached = False
    for planned in decision.referrals:
        channel = policy.policy.channels.channels[planned.channel]
        if in_conflict & set(channel.readable_by):
            found.append(f"{channel.name} is read by somebody involved")
        said = {name for name, value in planned.fields.__dict__.items() if value is not None}
        found += [f"{field} to {channel.name}" for field in said - ALWAYS_CARRIED - set(channel.carries)]
        if (channel.scope is Scope.EXTERNAL) != (planned.state is ReferralState.DRAFT):
            found.append(f"{channel.name} is {channel.scope} and {planned.state}")
        told = set(channel.readable_by) & set(decision.teams) - in_conflict
        reached = reached or (planned.state is ReferralState.DUE and bool(told))
    found += stand_ins(policy, in_conflict, decision)
    shown = {value.lower() for rule in decision.trace for test in rule.tests for value in (*test.actual, *test.wanted)}
    if concern.subject_handle and policy.account(concern.subject_handle) in shown:
        found.append("the account is in the explanation")
    return list(dict.fromkeys(found if reached else [*found, "nobody is told"]))


def stand_ins(policy: Known, in_conflict: set[str], decision: Decision) -> list[str]:
    """Return what is wrong about who gets the case instead: said again in other words than the code's."""
    ways = policy.policy.channels.channels
    at_once = [planned.channel for planned in decision.referrals if planned.state is ReferralState.DUE]
    wanted = [
        (name, other)
        for name in at_once
        if (other := ways[name].instead) is not None
        and other not in at_once
        and ways[other].scope is not Scope.EXTERNAL
        and not in_conflict & set(ways[other].readable_by)
    ]
    planned_so = [planned for planned in decision.referrals if planned.instead_of is not None]
    has = [(planned.instead_of, planned.channel) for planned in planned_so]
    found = [f"{planned.channel} gets it at once" for planned in planned_so if planned.state != ReferralState.STANDBY]
    return [*found, *([] if sorted(has) == sorted(wanted) else [f"instead {has}, not {wanted}"])]


def assert_kept(policy: Known, values: dict[str, Any], *, statutory: bool = True, error: bool = False) -> None:
    concern = facts(**values)
    decision = decided(policy.policy, concern, statutory=statutory)

    assert breaches(policy, concern, decision) == [], values
    assert (decision.reason == "policy_error") == error, values


@policies
def test_holds_for_every_value_alone(policy: Known) -> None:
    for values in singles(policy.policy):
        assert_kept(policy, values)


@policies
def test_holds_for_every_pair_of_values(policy: Known) -> None:
    for one, other in combinations(singles(policy.policy), 2):
        assert_kept(policy, {**one, **other})


@policies
def test_holds_for_every_subset_of_involves_beside_every_member(policy: Known) -> None:
    handles = policy.handles()
    for category in policy.policy.taxonomy:
        for subset, handle in ((subset, handle) for subset in subsets() for handle in handles):
            assert_kept(policy, {"category": category, "involves": subset, "subject_handle": handle})


def random_concern(rng: random.Random, policy: Known, handles: list[str | None]) -> dict[str, Any]:
    values = {field: rng.choice(some) for field, some in values_of(policy.policy).items() if rng.random() < 0.6}
    return {
        **values,
        "category": rng.choice(sorted(policy.policy.taxonomy)),
        "urgency": rng.sample(list(Urgency), rng.randrange(len(Urgency))),
        "involves": rng.sample(list(Involved), rng.choice([0, 0, 1, 2, len(Involved)])),
        "subject_handle": rng.choice(handles),
    }


@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_holds_for_random_concerns(policy: Known) -> None:
    rng = random.Random(20261130)
    handles = policy.handles()
    for _ in range(RANDOM_CONCERNS):
        assert_kept(policy, random_concern(rng, policy, handles), statutory=rng.random() < 0.5)


def test_holds_for_random_concerns_under_policies_that_nobody_would_write() -> None:
    rng = random.Random(20261201)
    for seed in range(NASTY_POLICIES):
        policy = made(seed)
        handles = policy.handles()
        for _ in range(OF_EACH_NASTY_ONE):
            assert_kept(policy, random_concern(rng, policy, handles), statutory=rng.random() < 0.5)


@policies
def test_holds_when_deciding_fails(policy: Known) -> None:
    for subset, handle in ((subset, handle) for subset in subsets() for handle in policy.handles()):
        assert_kept(policy, {"category": "unheard_of", "involves": subset, "subject_handle": handle}, error=True)


def test_identifiers_go_only_where_they_are_listed_by_name() -> None:
    cleared = {
        (channel.name, field)
        for channel in shipped().channels.channels.values()
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
    careless = decided(shipped(), facts(category="harassment"))

    assert breaches(SHIPPED["config"], concern, careless) == [
        "key for hr",
        "hr-desk is read by somebody involved",
        "nobody is told",
    ]
