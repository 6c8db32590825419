"""A case's times, and what is planned to be said when nobody acts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.model import Decision, PlannedReferral, plain
from router.triage.clocks import clock_of, months_after
from router.triage.policy import Policy, parse_policy
from router.vocabulary import Awaited, Notice, ReferralState, Severity
from tests.policies import CONSOLE, RECEIVED, REFERENCE, decided, facts

# RECEIVED is Monday 2026-11-30, 09:00 UTC: 10:00 in Berlin, 04:00 in New York.
TIMED = """\
policy: concern-router/1
taxonomy:
  fraud: {label: Fraud, floor: medium}
  other: {label: Other, floor: low}
calendars:
  hq: {tz: Europe/Berlin, days: [mon, tue, wed, thu, fri], hours: "08:00-17:00", holidays: ["2026-12-01"]}
  us: {tz: America/New_York, days: [mon, tue, wed, thu, fri], hours: ["08:00-12:00", "13:00-17:00"]}
sites:
  hq: {label: Headquarters, calendar: hq}
  branch: {label: Branch, calendar: us}
  plant: {label: Plant}
teams:
  security: {label: Security, involved_as: security_team, backup: legal, desks: security-desk}
  legal: {label: Legal, involved_as: legal, desks: legal-desk}
  ombuds: {label: Ombudsperson, desks: ombuds-desk}
severity:
  - {id: urgent, when: {urgency: live_now}, set: critical}
  - {id: serious, when: {urgency: ongoing}, set: high}
  - {id: otherwise, set: low}
deadlines:
  calendar: hq
  critical: {claim: 1h, decide: 1d, escalate: duty}
  high: {claim: 4h, decide: 3d, clock: working, escalate: desk}
  medium: {claim: 1d, decide: 10d, clock: working}
  low: {claim: 5d, decide: 30d}
reminders: {claim: 15m, decide: 4h, acknowledge: 2d, feedback: 14d}
escalations:
  duty:
    - {unclaimed: 30m, to: duty-phone}
    - {undelivered: 15m, to: duty-phone}
    - {unclaimed: 2h, to: [duty-phone, legal-desk]}
    - {undecided: 1d, to: duty-phone}
  desk: [{unclaimed: 8h, to: legal-desk}, {undelivered: 1h, to: legal-desk}]
routes:
  - {id: quick, when: {category: fraud, country: DE}, teams: legal, to: legal-desk,
     deadlines: {claim: 2h, escalate: duty}}
  - {id: by-night, when: {category: fraud, country: FR}, teams: legal, to: legal-desk, deadlines: {clock: always}}
  - {id: fraud, when: {category: fraud}, teams: legal, to: legal-desk}
  - {id: rest, teams: [security, legal], to: [security-desk, legal-desk], hold: police}
fallback: [legal, ombuds]
"""
WAYS = """\
security-desk: {kind: folder, scope: internal, carries: [category, severity, claim_by, link], readable_by: [security],
                path: a}
legal-desk: {kind: folder, scope: internal, carries: [category, feedback_by], readable_by: [legal], path: b}
ombuds-desk: {kind: folder, scope: internal, carries: [], readable_by: [ombuds], path: c}
duty-phone: {kind: folder, scope: internal, carries: [severity, site, claim_by], readable_by: [security], path: d}
police: {kind: folder, scope: external, carries: [url], path: e}
"""


def timed(text: str = TIMED) -> Policy:
    return parse_policy(text, WAYS)


def dated(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


def standby(decision: Decision) -> list[PlannedReferral]:
    return [planned for planned in decision.referrals if planned.state is ReferralState.STANDBY]


def said(decision: Decision, channel: str | None = None) -> list[tuple[str, str, str, str]]:
    """Return when which channel is told what of what, in order."""
    return [
        (f"{one.due_at:%m-%d %H:%M}", one.channel, str(one.fields.notice), str(one.awaited))
        for one in standby(decision)
        if channel in (None, one.channel)
    ]


# By when


@pytest.mark.parametrize(
    ("values", "claim_by", "decide_by"),
    [
        # Real time, day and night.
        ({"urgency": ["live_now"]}, "2026-11-30 10:00", "2026-12-01 09:00"),
        ({}, "2026-12-05 09:00", "2026-12-30 09:00"),
        # Working time of the calendar that `deadlines` names: closed on 1 December.
        ({"urgency": ["ongoing"]}, "2026-11-30 13:00", "2026-12-04 09:00"),
        ({"urgency": ["ongoing"], "site": "plant"}, "2026-11-30 13:00", "2026-12-04 09:00"),
        ({"urgency": ["ongoing"], "site": "hq"}, "2026-11-30 13:00", "2026-12-04 09:00"),
        # Of the site's own: opens at 13:00 UTC, with an hour's break.
        ({"urgency": ["ongoing"], "site": "branch"}, "2026-11-30 17:00", "2026-12-03 13:00"),
        # What a route says counts before what the severity says.
        ({"category": "fraud"}, "2026-12-02 09:00", "2026-12-15 09:00"),
        ({"category": "fraud", "country": "DE"}, "2026-11-30 11:00", "2026-12-15 09:00"),
        ({"category": "fraud", "country": "FR"}, "2026-12-01 09:00", "2026-12-10 09:00"),
    ],
)
def test_people_have_until(values: dict[str, Any], claim_by: str, decide_by: str) -> None:
    deadlines = decided(timed(), facts(**values)).deadlines

    assert (deadlines.claim_by, deadlines.decide_by) == (dated(claim_by), dated(decide_by))


@pytest.mark.parametrize("profile", ["eu_employer", "us_employer"])
@pytest.mark.parametrize("person", [True, False])
def test_legal_clocks_run_for_persons_where_the_law_has_them(profile: str, person: bool) -> None:  # noqa: FBT001 - a table
    policy = timed(TIMED.replace("taxonomy:", f"legal_profile: {profile}\ntaxonomy:", 1))
    deadlines = decided(policy, facts(), statutory=person).deadlines

    run = person and profile == "eu_employer"
    assert deadlines.acknowledge_by == (RECEIVED + timedelta(days=7) if run else None)
    assert deadlines.feedback_by == (dated("2027-02-28 09:00") if run else None)


def test_who_reports_decides_the_route_whatever_the_law_says() -> None:
    text = TIMED.replace("taxonomy:", "legal_profile: us_employer\ntaxonomy:", 1)
    policy = timed(text.replace("{category: fraud, country: DE}", "{category: fraud, from: person}"))

    assert decided(policy, facts(category="fraud"), statutory=True).route == "quick"
    assert decided(policy, facts(category="fraud"), statutory=False).route == "fraud"


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-15", "2026-04-15"),
        ("2026-11-30", "2027-02-28"),
        ("2027-11-30", "2028-02-29"),
        ("2026-10-31", "2027-01-31"),
        ("2026-08-31", "2026-11-30"),
        ("2026-09-30", "2026-12-30"),
        ("2026-12-01", "2027-03-01"),
    ],
)
def test_three_calendar_months_later(received: str, due: str) -> None:
    assert months_after(datetime.fromisoformat(received), 3) == datetime.fromisoformat(due)


@given(moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_three_months_are_never_shorter_than_february_allows(moment: datetime) -> None:
    assert timedelta(days=89) <= months_after(moment, 3) - moment <= timedelta(days=92)


# What is said when nobody acts


def test_each_deadline_is_announced_and_then_said_to_be_over_at_one_desk() -> None:
    decision = decided(timed(), facts(category="fraud"))

    assert said(decision) == [
        ("12-02 08:45", "legal-desk", "reminder", "claim"),
        ("12-02 09:00", "legal-desk", "overdue", "claim"),
        ("12-05 09:00", "legal-desk", "reminder", "acknowledge"),
        ("12-07 09:00", "legal-desk", "overdue", "acknowledge"),
        ("12-15 05:00", "legal-desk", "reminder", "decide"),
        ("12-15 09:00", "legal-desk", "overdue", "decide"),
        ("02-14 09:00", "legal-desk", "reminder", "feedback"),
        ("02-28 09:00", "legal-desk", "overdue", "feedback"),
    ]


def test_escalations_count_by_the_clock_of_the_case_and_deliveries_by_the_real_one() -> None:
    """Berlin closes at 16:00 UTC and has a holiday on 1 December: eight hours end on 2 December at 08:00."""
    decision = decided(timed(), facts(urgency=["ongoing"]), statutory=False)

    assert said(decision, "legal-desk") == [
        ("11-30 10:00", "legal-desk", "escalation", "delivery"),
        ("12-02 08:00", "legal-desk", "escalation", "claim"),
    ]


def test_a_delivery_is_awaited_while_people_sleep() -> None:
    """In New York it is four in the morning, and people begin at 13:00 UTC."""
    decision = decided(timed(), facts(urgency=["ongoing"], site="branch"), statutory=False)

    assert said(decision, "legal-desk") == [
        ("11-30 10:00", "legal-desk", "escalation", "delivery"),
        ("11-30 22:00", "legal-desk", "escalation", "claim"),
    ]


def test_a_step_tells_each_of_its_channels_once_at_its_time() -> None:
    decision = decided(timed(), facts(urgency=["live_now"]), statutory=False)

    assert said(decision) == [
        ("11-30 09:15", "duty-phone", "escalation", "delivery"),
        ("11-30 09:30", "duty-phone", "escalation", "claim"),
        ("11-30 09:45", "security-desk", "reminder", "claim"),
        ("11-30 10:00", "security-desk", "overdue", "claim"),
        ("11-30 11:00", "duty-phone", "escalation", "claim"),
        ("11-30 11:00", "legal-desk", "escalation", "claim"),
        ("12-01 05:00", "security-desk", "reminder", "decide"),
        ("12-01 09:00", "security-desk", "overdue", "decide"),
        ("12-01 09:00", "duty-phone", "escalation", "decide"),
    ]


def test_a_desk_that_a_breach_is_escalated_to_hears_of_it_once() -> None:
    """By the deadline, which counts as passed. Two steps that come to the same moment are one, too."""
    policy = timed(TIMED.replace("{unclaimed: 30m, to: duty-phone}", "{unclaimed: 120m, to: [legal-desk, duty-phone]}"))
    decision = decided(policy, facts(category="fraud", country="DE"), statutory=False)

    assert said(decision, "legal-desk") == [
        ("11-30 10:45", "legal-desk", "reminder", "claim"),
        ("11-30 11:00", "legal-desk", "overdue", "claim"),
        ("12-15 05:00", "legal-desk", "reminder", "decide"),
        ("12-15 09:00", "legal-desk", "overdue", "decide"),
    ]


def test_an_escalation_is_not_lost_behind_a_reminder() -> None:
    policy = timed(TIMED.replace("{unclaimed: 30m, to: duty-phone}", "{unclaimed: 105m, to: legal-desk}"))
    decision = decided(policy, facts(category="fraud", country="DE"), statutory=False)

    assert said(decision, "legal-desk")[0] == ("11-30 10:45", "legal-desk", "escalation", "claim")


def test_a_route_may_name_its_own_escalation() -> None:
    assert said(decided(timed(), facts(category="fraud", country="DE")), "duty-phone")
    assert not said(decided(timed(), facts(category="fraud")), "duty-phone")


def test_nothing_is_announced_before_it_began() -> None:
    """Four hours before a deadline in one hour would have been in the past; exactly at receipt is too late, too."""
    late = TIMED.replace("claim: 15m, decide: 4h", "claim: 1h, decide: 4h")

    claims = [row for row in said(decided(timed(late), facts(urgency=["live_now"]))) if row[3] == "claim"]

    assert "reminder" not in [row[2] for row in claims]
    assert ("11-30 10:00", "security-desk", "overdue", "claim") in claims


def test_without_reminders_only_breaches_are_said() -> None:
    policy = timed("".join(line for line in TIMED.splitlines(keepends=True) if not line.startswith("reminders:")))

    assert {row[2] for row in said(decided(policy, facts()))} == {"overdue"}


def test_revisions_count_for_each_channel_in_the_order_of_time() -> None:
    decision = decided(timed(), facts(urgency=["live_now"]))

    for channel in ("security-desk", "legal-desk", "duty-phone"):
        rows = [row for row in decision.referrals if row.channel == channel]
        assert [row.fields.revision for row in rows] == list(range(1, len(rows) + 1))
        times = [row.due_at or RECEIVED for row in rows]
        assert times == sorted(times)


def test_rows_say_twice_what_they_wait_for_and_are_never_drafts() -> None:
    """The worker sees columns, the channel sees fields."""
    for row in standby(decided(timed(), facts(urgency=["live_now"]))):
        assert row.awaited is row.fields.awaited
        assert isinstance(row.awaited, Awaited)
        assert isinstance(row.fields.notice, Notice)
        assert row.due_at is not None
        assert row.due_at > RECEIVED


def fields_of(decision: Decision, channel: str) -> list[dict[str, Any]]:
    kept = ("reference", "revision", "notice", "awaited")
    return [
        {name: value for name, value in plain(row.fields).items() if name not in kept}
        for row in decision.referrals
        if row.channel == channel
    ]


def test_a_desk_that_knows_the_case_is_told_only_what_is_new() -> None:
    fields = fields_of(decided(timed(), facts(urgency=["live_now"])), "security-desk")

    link = f"{CONSOLE}/console/cases/{REFERENCE}"
    assert fields[0] == {
        "category": "other",
        "severity": "critical",
        "claim_by": "2026-11-30T10:00:00Z",
        "link": link,
    }
    assert fields[1] == {"severity": "critical", "claim_by": "2026-11-30T10:00:00Z", "link": link}
    assert fields[3] == {"severity": "critical", "link": link}  # of a decision, whose time it may not carry


def test_who_first_hears_by_an_escalation_gets_all_that_it_may_have() -> None:
    """For each thing awaited anew: the rows before may have been stopped, and never sent."""
    fields = fields_of(decided(timed(), facts(urgency=["live_now"], site="hq")), "duty-phone")

    whole = {"severity": "critical", "site": "hq", "claim_by": "2026-11-30T10:00:00Z"}
    news = {"severity": "critical", "claim_by": "2026-11-30T10:00:00Z"}
    assert fields == [whole, whole, news, whole]


def test_the_one_desk_is_of_the_team_that_is_told_not_of_the_one_left_out() -> None:
    decision = decided(timed(), facts(urgency=["live_now"], involves=["security_team"]))

    assert {row.channel for row in standby(decision)} == {"legal-desk"}
    assert "withheld:duty-phone" in [rule.rule for rule in decision.trace]
    assert decision.avoided == ("security",)


def test_an_escalation_without_anybody_else_goes_to_the_fallback() -> None:
    decision = decided(timed(), facts(urgency=["live_now"], involves=["security_team", "legal"]))

    assert {row.channel for row in decision.referrals if row.state != "draft"} == {"ombuds-desk"}
    assert ("11-30 09:30", "ombuds-desk", "escalation", "claim") in said(decision)


# When times cannot be told


def test_working_time_without_a_calendar_is_an_error_and_never_real_time() -> None:
    """Loading refuses such a policy, too."""
    policy = replace(timed(), calendar=None)

    assert clock_of(policy, Severity.HIGH, [], site="hq", received_at=RECEIVED).calendar is policy.calendars["hq"]
    with pytest.raises(ValueError, match=r"^no_calendar$"):
        clock_of(policy, Severity.HIGH, [], site="plant", received_at=RECEIVED)


def test_a_place_where_nobody_ever_works_is_a_policy_error_and_real_time_counts() -> None:
    """Loading refuses such a calendar; but should one ever get by, the case must not hang, nor be lost."""
    policy = timed()
    object.__setattr__(policy.calendars["hq"], "days", frozenset())

    decision = decided(policy, facts(urgency=["ongoing"]))

    assert decision.reason == "policy_error"
    assert decision.trace[0].tests[0].actual == ("ValueError",)
    assert decision.deadlines.claim_by == RECEIVED + timedelta(hours=4)
    assert ("11-30 13:00", "legal-desk", "overdue", "claim") in said(decision)
