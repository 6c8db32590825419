"""The policy is changed while 200 concerns a second are offered: each case has one policy, and nothing is lost.

Each version of the files is a small change of the first. What is checked afterwards is checked with the stored
policies alone: decided again, each case must come out as it was stored, and what arrived must be what was stored.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest
from psycopg.rows import dict_row

from router import secretfiles
from router.model import Decision, Facts, plain
from router.triage.decide import decide
from router.triage.policy import Policy, parse_policy, policy_digest
from tests.bench.generator import Plan
from tests.bench.programs import generate
from tests.running import Product, running
from tests.servers import SINK_SECRET, Sink
from tests.workers.processes import wait_until

PER_S, FOR_S = 200, 20
POLICY = """\
policy: concern-router/1
taxonomy:
  fraud: {label: Fraud, floor: medium}
  security_incident: {label: Incident, floor: low}
  health_and_safety: {label: Hazard, floor: low}
  harassment: {label: Harassment, floor: high}
  other: {label: Other, floor: low}
teams:
  security: {label: Security, involved_as: security_team, backup: legal, desks: security-desk}
  legal: {label: Legal, involved_as: legal, backup: ombuds, desks: legal-desk}
  ombuds: {label: Ombudsperson, desks: ombuds-desk}
severity:
  - {id: ongoing, when: {urgency: ongoing}, set: high}
  - {id: otherwise, set: low}
deadlines:
  critical: {claim: 1h, decide: 1d}
  high: {claim: 4h, decide: 3d, escalate: late}
  medium: {claim: 2d, decide: 10d}
  low: {claim: 5d, decide: 30d}
reminders: {claim: 30m}
escalations:
  late: [{unclaimed: 3h, to: ombuds-desk}]
routes:
  - {id: money, when: {category: fraud}, teams: security, to: security-desk, hold: police}
  - {id: incident, when: {category: security_incident}, teams: [security, legal], to: [security-desk, legal-desk]}
  - {id: hazard, when: {category: health_and_safety}, teams: legal, to: legal-desk}
  - {id: people, when: {category: harassment}, teams: legal, to: legal-desk}
fallback: [legal, ombuds]
"""
FIELDS = "category, severity, claim_by, link"
CHANNELS = """\
security-desk: {{{webhook}/security-desk', carries: [{fields}], readable_by: [security]}}
legal-desk: {{{webhook}/legal-desk', carries: [{fields}, where_found], readable_by: [legal]}}
ombuds-desk: {{{webhook}/ombuds-desk', carries: [{fields}], readable_by: [ombuds]}}
police: {{kind: folder, scope: external, carries: [category, asset_tag], path: police}}
"""
Version = tuple[str, str]


@dataclass
class Room:
    """The running product, what is filed beside the load, and what the database says."""

    product: Product
    sink: Sink
    first: Version
    filed: list[str] = field(default_factory=list)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        dsn = json.loads((self.product.state / "servers.json").read_text())["database_url"]
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def write(self, version: Version) -> None:
        """Write one file after the other, in place, as an editor does."""
        for name, text in zip(("channels.yaml", "policy.yaml"), reversed(version), strict=True):
            (self.product.config / name).write_text(text)

    def file(self) -> str:
        """File a person's report; return its reference."""
        sent = {"category": "security_incident", "noticed_how": "told_by_someone", "narrative": "MARKED-7f3a"}
        answer = httpx2.post(f"{self.product.url}/api/v1/concerns", json=sent, timeout=60)
        assert answer.status_code == httpx2.codes.CREATED, answer.text
        self.filed.append(answer.json()["reference"])
        return self.filed[-1]

    def ready(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx2.get(f"{self.product.url}/readyz", timeout=60).json()
        return answer

    def follow(self, version: Version) -> None:
        """Change the files and wait until a concern was decided by them, and delivered by a worker."""
        self.write(version)
        digest = policy_digest(*version)
        decided_by: dict[str, str] = {}

        def decided() -> bool:
            [row] = self.rows("select digest from policy_activations order by id desc limit 1")
            if row["digest"] != digest:
                return False
            reference = self.file()
            [row] = self.rows("select policy from cases where reference = %s", reference)
            decided_by[row["policy"]] = reference
            return digest in decided_by

        assert wait_until(decided), "the public part goes by the new files"
        assert wait_until(lambda: self.delivered(decided_by[digest])), "and so do the workers"

    def delivered(self, reference: str) -> bool:
        rows = self.rows("select state from referrals where reference = %s and notice is null", reference)
        return {row["state"] for row in rows} == {"sent"}

    def refuse(self, version: Version) -> None:
        """Break the files and wait until that is said: by one of the web processes; another may never look in time."""
        before = self.refusals()
        self.write(version)
        assert wait_until(lambda: self.refusals() > before)
        assert wait_until(lambda: self.ready() == {"status": "degraded", "codes": ["policy_file_refused"]})

    def refusals(self) -> int:
        """Return how many notices of refused files were posted."""
        [row] = self.rows("select count(*) as count from referrals where notice = 'policy_refused'")
        return int(row["count"])

    def settled(self) -> bool:
        return not self.rows("select 1 from referrals where state in ('due', 'leased') limit 1")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with Sink() as sink:
        config = tmp_path / "config"
        config.mkdir()
        secret = config / "sink.secret"
        secret.write_text(SINK_SECRET)
        webhook = f"kind: webhook, scope: internal, secret: 'file:{secret}', url: '{sink.url}"
        first = (POLICY, CHANNELS.format(webhook=webhook, fields=FIELDS))
        for name, text in zip(("policy.yaml", "channels.yaml"), first, strict=True):
            (config / name).write_text(text)
        with running(tmp_path, env={"CONCERN_ROUTER_LOG_LEVEL": "INFO"}) as product:
            yield Room(product, sink, first)


def moved(version: Version) -> Version:
    """Money goes to legal now, an incident first to legal, and legal's desk has another address."""
    policy = version[0].replace("teams: security, to: security-desk, hold", "teams: legal, to: legal-desk, hold")
    policy = policy.replace("to: [security-desk, legal-desk]", "to: [legal-desk, security-desk]")
    return policy, version[1].replace("/legal-desk'", "/legal-desk-2'")


def renamed(version: Version) -> Version:
    """The security team has another desk, which may carry more, and the old one is gone."""
    policy, channels = (text.replace("security-desk", "guard-desk") for text in version)
    return policy, channels.replace(f"guard-desk', carries: [{FIELDS}]", f"guard-desk', carries: [{FIELDS}, asset_tag]")


def graver(version: Version) -> Version:
    """Hazards are high at least, and wait for an escalation."""
    return version[0].replace("Hazard, floor: low", "Hazard, floor: high"), version[1]


def misspelt(version: Version) -> Version:
    return version[0].replace("to: legal-desk}", "to: legal-dsek}"), version[1]


def cut_off(version: Version) -> Version:
    return version[0], version[1][:60]


def change_all_the_time(room: Room) -> list[Version]:
    """Change the files, good and bad, and return the good versions in the order in which they came into force."""
    second = moved(room.first)
    third = renamed(second)
    fourth = graver(third)
    room.follow(second)
    room.refuse(misspelt(second))
    room.follow(third)
    room.refuse(cut_off(third))
    room.follow(fourth)
    room.follow(second)
    assert wait_until(lambda: room.ready() == {"status": "ready", "codes": []})
    return [room.first, second, third, fourth, second]


@dataclass
class Again:
    """Decides stored cases again, by the policy that is stored with each."""

    room: Room
    policies: dict[str, Policy]

    @classmethod
    def of(cls, room: Room) -> "Again":
        key = secretfiles.intake_secrets(room.product.state / "secrets").handle
        stored = room.rows("select digest, policy, channels from policies")
        parsed = {row["digest"]: parse_policy(row["policy"], row["channels"], handle_key=key) for row in stored}
        assert all(policy.digest == digest for digest, policy in parsed.items())
        return cls(room, parsed)

    def decided(self, case: dict[str, Any]) -> Decision:
        return decide(
            self.policies[case["policy"]],
            Facts.model_validate(case["facts"]),
            reference=case["reference"],
            received_at=case["received_at"],
            statutory=case["client"] is None,
            console_url=self.room.product.console_url,
        )

    def check(self, case: dict[str, Any], referrals: list[dict[str, Any]]) -> None:
        """The case is as its own policy decides, and so is each of its referrals."""
        decision = self.decided(case)
        assert case["route"] == decision.route
        assert case["severity"] == decision.severity.rank
        assert tuple(case["decision"]["teams"]) == decision.teams
        stored = {
            (row["channel"], row["revision"]): (
                *(row[name] for name in ("kind", "policy", "fields", "notice", "awaited", "state")),
                row["due_at"] if row["state"] == "standby" else None,
            )
            for row in referrals
        }
        planned = {
            (plan.channel, plan.fields.revision): (
                *(plan.kind, decision.policy, plain(plan.fields), plan.fields.notice, plan.awaited),
                {"due": "sent"}.get(plan.state, plan.state),
                plan.due_at,
            )
            for plan in decision.referrals
        }
        assert stored == planned
        assert len(stored) == len(referrals)


def places(in_force: list[Version]) -> Callable[[dict[str, Any]], set[str]]:
    """Return what says where a referral may have gone: never to where a policy before its own had led."""
    policies = [(policy_digest(*version), parse_policy(*version)) for version in in_force]
    digests = [digest for digest, _ in policies]

    def path(channel: str, number: int) -> str:
        """As the policy says, or if it does not name the channel, the latest before it that does."""
        for _, policy in reversed(policies[: number + 1]):
            found = policy.channels.get(channel)
            if found:
                return urlsplit(str(getattr(found.settings, "url"))).path  # noqa: B009 - a webhook's own settings
        raise AssertionError(channel)

    def may_have_gone(row: dict[str, Any]) -> set[str]:
        begun = digests.index(row["policy"])
        return {path(row["channel"], number) for number in range(begun, len(policies))}

    return may_have_gone


def check_everything(room: Room, in_force: list[Version], accepted: set[str], *, refusals: int) -> None:
    cases = room.rows("select reference, received_at, client, policy, route, severity, facts, decision from cases")
    referrals: dict[str, list[dict[str, Any]]] = {}
    for row in room.rows("select * from referrals where case_reference is not null"):
        referrals.setdefault(row["reference"], []).append(row)
    kept = {case["reference"] for case in cases}
    assert accepted <= kept, "nothing is lost"
    assert len(kept - accepted) <= refusals, "nothing is there that nobody filed"
    again = Again.of(room)
    assert set(again.policies) == {policy_digest(*version) for version in in_force}
    by_policy = Counter(case["policy"] for case in cases)
    assert set(by_policy) == set(again.policies), "each policy decided some"
    for case in cases:
        again.check(case, referrals[case["reference"]])
    may_have_gone = places(in_force)
    sent = {row["id"]: row for rows in referrals.values() for row in rows if row["state"] == "sent"}
    arrived = {key: got for key, got in room.sink.taken.items() if got.json["data"]["reference"] in kept}
    assert set(arrived) == set(sent), "each is told once"
    assert not room.sink.repeats
    assert not room.sink.forged
    for key, request in arrived.items():
        assert request.json["data"] == sent[key]["fields"]
        assert request.path in may_have_gone(sent[key])


def notices(room: Room) -> list[tuple[str, str]]:
    return [
        (request.path, request.json["data"]["notice"])
        for request in room.sink.taken.values()
        if request.json["data"]["reference"].startswith("NOTICE-")
    ]


@pytest.mark.timeout(280)
def test_a_policy_changed_under_load_loses_doubles_and_misroutes_nothing(room: Room) -> None:
    product, sink = room.product, room.sink
    token = product.cli_json("clients", "add", "load", "--per-minute", "1000000")["token"]
    plan = Plan(int(urlsplit(product.url).port or 0), PER_S * FOR_S, per_s=PER_S, for_s=FOR_S, token=token)
    seen: dict[str, Any] = {}
    load = threading.Thread(target=lambda: seen.update(generate(plan)))
    load.start()
    in_force = change_all_the_time(room)
    load.join()

    assert wait_until(room.settled, 120)
    statuses = Counter({int(status): count for status, count in seen["statuses"].items()})
    accepted = {*seen["accepted_at"], *room.filed}
    assert set(statuses) <= {201, 503}
    check_everything(room, in_force, accepted, refusals=statuses[503])
    assert Counter(notices(room)) == {("/legal-desk-2", "policy_refused"): 2}

    product.stop()
    room.write(misspelt(room.first))
    product.start()
    assert room.ready() == {"status": "degraded", "codes": ["policy_file_refused"]}
    reference = room.file()
    assert wait_until(lambda: room.delivered(reference))
    [case] = room.rows("select policy from cases where reference = %s", reference)
    assert case["policy"] == policy_digest(*in_force[-1])
    assert sink.wait_until(lambda: len(notices(room)) == 3)
    logs = b"".join(path.read_bytes() for path in (product.state / "logs").glob("public*"))
    assert logs.count(b'"policy_refused"') >= 3, "each process says it for itself"
