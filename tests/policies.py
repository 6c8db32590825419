"""Policies for tests: a small one to change, and the shipped one."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from router.errors import PolicyErrors, Problem
from router.model import Decision, Facts
from router.triage.decide import decide
from router.triage.policy import Policy, load_policy, parse_policy

CONFIG = Path(__file__).parents[1] / "config"
REFERENCE = "CR-0123-4567-89AB"
RECEIVED = datetime(2026, 11, 30, 9, tzinfo=UTC)
CONSOLE = "http://127.0.0.1:8001"

POLICY = """\
policy: concern-router/1
taxonomy:
  fraud: {label: Fraud, floor: medium}
  other: {label: Other, floor: low}
sites:
  plant: {label: Plant}
teams:
  security: {label: Security, involved_as: security_team, backup: legal, desks: security-desk}
  legal: {label: Legal, involved_as: legal, desks: legal-desk}
  ombuds: {label: Ombudsperson, desks: ombuds-desk}
severity:
  - {id: urgent, when: {urgency: [ongoing, live_now]}, set: high}
  - {id: otherwise, set: low}
deadlines:
  critical: {claim: 30m, decide: 1d}
  high: {claim: 4h, decide: 3d}
  medium: {claim: 2d, decide: 10d}
  low: {claim: 5d, decide: 30d}
routes:
  - {id: fraud-at-plant, when: {category: fraud, site: plant, from: person}, teams: legal, to: legal-desk, hold: police}
  - {id: fraud, when: {category: fraud}, teams: [security, legal], to: [security-desk, legal-desk]}
  - {id: serious, when: {severity_at_least: high}, teams: security, to: security-desk}
fallback: [legal, ombuds]
"""
CHANNELS = """\
security-desk: {kind: folder, scope: internal, carries: [category, severity], readable_by: [security], path: a}
legal-desk: {kind: folder, scope: internal, carries: [category, asset_tag], readable_by: [legal], path: b}
ombuds-desk: {kind: folder, scope: internal, carries: [], readable_by: [ombuds], path: c}
police: {kind: folder, scope: external, carries: [url], path: d}
"""

FULL = """\
policy: concern-router/1
legal_profile: eu_employer
taxonomy:
  fraud: {label: Fraud, floor: medium}
  other: {label: Other, floor: low}
calendars:
  hq: {tz: Europe/Berlin, days: [mon, tue], hours: ["08:00-12:00", "13:00-17:00"], holidays: ["2026-12-25"]}
  works: {tz: Europe/Athens, days: mon, hours: "06:00-24:00"}
sites:
  office: {label: Office, calendar: hq}
  plant: {label: Plant}
handles: {domains: [corp, example.org]}
people:
  anna: {handles: [a.svensson, CORP\\asv]}
  bert: {handles: b.olsen}
teams:
  security: {label: Security, involved_as: security_team, members: [anna, bert], backup: legal, desks: security-desk}
  legal: {label: Legal, involved_as: legal, desks: legal-desk}
  ombuds: {label: Ombudsperson, desks: ombuds-desk}
severity:
  - {id: urgent, when: {site: plant}, set: high}
  - {id: otherwise, set: low}
deadlines:
  calendar: works
  critical: {claim: 30m, decide: 1d, escalate: duty}
  high: {claim: 4h, decide: 3d}
  medium: {claim: 2d, decide: 10d, clock: working}
  low: {claim: 5d, decide: 30d}
reminders: {claim: 15m, decide: 4h, acknowledge: 2d, feedback: 14d}
escalations:
  duty:
    - {unclaimed: 30m, to: security-desk}
    - {undelivered: 15m, to: [security-desk, legal-desk]}
sentences: {call: Call somebody now.}
routes:
  - {id: page, continue: true, when: {urgency: live_now}, to: security-desk, say: call}
  - id: fraud
    when: {category: fraud}
    teams: [security, legal]
    to: [security-desk, legal-desk]
    link_duplicates: {by: [category, site], within: 72h}
    routes:
      - {id: fraud-at-plant, when: {site: plant}, teams: legal, to: legal-desk, hold: police}
      - {id: fraud-noted, continue: true, say: call}
  - {id: rest, teams: legal, to: legal-desk, deadlines: {claim: 1d, clock: working, escalate: duty}}
fallback: [legal, ombuds]
"""
"""Every key of the language once."""


def shipped() -> Policy:
    return load_policy(CONFIG)


def small() -> Policy:
    return parse_policy(POLICY, CHANNELS)


def problems(policy: str = POLICY, channels: str = CHANNELS) -> tuple[Problem, ...]:
    """Return what is wrong with the two texts; empty if nothing."""
    try:
        parse_policy(policy, channels)
    except PolicyErrors as error:
        return error.problems
    return ()


def facts(**values: Any) -> Facts:
    return Facts.model_validate({"category": "other", "noticed_how": "told_by_someone", **values})


def decided(policy: Policy, concern: Facts, *, statutory: bool = True, conflicted: Collection[str] = ()) -> Decision:
    return decide(
        policy,
        concern,
        reference=REFERENCE,
        received_at=RECEIVED,
        statutory=statutory,
        console_url=CONSOLE,
        conflicted=conflicted,
    )


def told(decision: Decision) -> list[str]:
    """Return the channels that are sent at once."""
    return [planned.channel for planned in decision.referrals if planned.state == "due"]


def held(decision: Decision) -> list[str]:
    """Return the channels that wait for approval."""
    return [planned.channel for planned in decision.referrals if planned.state == "draft"]
