"""The door asks for the policy in force once for each concern, and tells persons what the policy says to them."""

import asyncio
from typing import Any

import orjson
import pytest

from router.errors import Refused
from router.intake.callers import Caller
from router.intake.limits import Quotas
from router.intake.submit import Door
from router.keyrecords import RECOVERY, ReceiptKey
from router.model import NewCase
from router.store.clients import Client
from router.telemetry import FALLBACKS
from router.triage.policy import Policy, parse_policy
from router.vault.keyring import make_team_key
from tests.policies import CHANNELS, POLICY

PERSON = Caller(None, "person")
AGENT = Caller(Client("agent", 1000), "client agent")
FRAUD = {"category": "fraud", "noticed_how": "told_by_someone"}
SAYING = POLICY.replace("routes:\n", 'sentences: {wait: "Wait, and call \\"112\\"."}\nroutes:\n').replace(
    "{category: fraud}, teams", "{category: fraud}, say: wait, teams"
)


class Kept:
    """A recorder that keeps cases in memory."""

    def __init__(self) -> None:
        self.cases: list[NewCase] = []

    async def record(self, case: NewCase) -> None:
        self.cases.append(case)


class InTurn:
    """Gives one policy after the other."""

    def __init__(self, *policies: Policy) -> None:
        self.left = iter(policies)

    def __call__(self) -> Policy:
        return next(self.left)


def a_door(kept: Kept, *policies: Policy) -> Door:
    keys = {owner: make_team_key(owner)[0] for owner in ("security", "legal", "ombuds", RECOVERY)}
    return Door(
        policy=InTurn(*policies),
        recipients=lambda: keys,
        recorder=kept,
        issue_receipt=lambda: ("MARKED-receipt", ReceiptKey(b"lookup", b"public")),
        idempotency_secret=b"s" * 32,
        quotas=Quotas(),
        flood=lambda _network, _now: None,
        console_url="http://127.0.0.1:8001",
    )


def submitted(door: Door, sent: dict[str, Any], caller: Caller = PERSON) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(asyncio.run(door.submit(sent, caller, None)))
    return answer


def test_each_concern_has_one_policy_from_beginning_to_end() -> None:
    first = parse_policy(POLICY, CHANNELS)
    second = parse_policy(POLICY.replace("fraud", "theft").replace("plant", "yard"), CHANNELS)
    kept = Kept()
    door = a_door(kept, first, second, second)
    submitted(door, {**FRAUD, "site": "plant"})
    submitted(door, {**FRAUD, "category": "theft", "site": "yard"})

    assert [case.decision.policy for case in kept.cases] == [first.digest, second.digest]
    assert [case.decision.route for case in kept.cases] == ["fraud-at-plant", "theft-at-yard"]
    with pytest.raises(Refused):
        submitted(door, FRAUD)


def test_persons_are_told_what_the_policy_says_to_them_and_machines_are_not() -> None:
    policy = parse_policy(SAYING, CHANNELS)
    door = a_door(Kept(), *[policy] * 3)

    assert submitted(door, FRAUD)["guidance"] == ['Wait, and call "112".']
    assert "guidance" not in submitted(door, {**FRAUD, "category": "other"})
    assert set(submitted(door, FRAUD, AGENT)) == {"reference", "acknowledge_by", "feedback_by"}


def test_where_no_law_sets_times_a_person_has_none() -> None:
    policy = parse_policy(POLICY.replace("taxonomy:", "legal_profile: us_employer\ntaxonomy:"), CHANNELS)
    answer = submitted(a_door(Kept(), policy), FRAUD)

    assert (answer["acknowledge_by"], answer["feedback_by"]) == (None, None)


def test_concerns_that_no_route_foresaw_are_counted() -> None:
    policy = parse_policy(POLICY, CHANNELS)
    before = FALLBACKS.labels("no_match")._value.get()
    for category in ("fraud", "other"):
        submitted(a_door(Kept(), policy), {**FRAUD, "category": category})

    assert FALLBACKS.labels("no_match")._value.get() == before + 1
