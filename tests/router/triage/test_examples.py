"""The shipped examples get the decisions that they say, and reach every route; for the EU and for the US."""

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from router.triage import lint
from router.triage.examples import FILE, Outcome, read_examples, run, unreached
from router.triage.legal import LegalProfile
from router.triage.parts import everyone
from router.triage.policy import Policy, load_policy, policy_texts
from router.vocabulary import Awaited, Involved
from tests.policies import CONFIG

SETS = {"eu": CONFIG, "us": CONFIG / "us", "uk": CONFIG / "uk"}
TODAY = date(2026, 11, 30)

each_set = pytest.mark.parametrize("folder", SETS.values(), ids=SETS)


@cache
def policy_in(folder: Path) -> Policy:
    return load_policy(folder)


@cache
def outcomes_in(folder: Path) -> tuple[Outcome, ...]:
    policy = policy_in(folder)
    return run(policy, read_examples((folder / FILE).read_text(), policy))


@each_set
def test_every_example_gets_its_decision(folder: Path) -> None:
    outcomes = outcomes_in(folder)

    assert len(outcomes) >= 25
    assert [(one.example.name, one.differences) for one in outcomes if one.differences] == []


@each_set
def test_every_route_is_reached_by_an_example(folder: Path) -> None:
    assert unreached(policy_in(folder), outcomes_in(folder)) == ()


@each_set
def test_every_example_says_who_is_told_and_some_say_by_when(folder: Path) -> None:
    wanted = [one.example.expect for one in outcomes_in(folder)]

    assert all(one.severity and one.route and one.teams and one.told for one in wanted)
    assert sum(one.deadlines.claim_by is not None for one in wanted) >= 10
    assert {name for one in wanted for name in one.say or ()} == set(policy_in(folder).sentences)


@each_set
def test_the_shipped_policy_has_nothing_odd_about_it(folder: Path) -> None:
    assert list(lint.findings(*policy_texts(folder), today=TODAY)) == []


@each_set
def test_the_shipped_calendars_reach_to_the_end_of_2027(folder: Path) -> None:
    for calendar in policy_in(folder).calendars.values():
        assert {day.year for day in calendar.holidays} == {2026, 2027}


@each_set
def test_two_sites_have_two_calendars(folder: Path) -> None:
    calendars = policy_in(folder).site_calendars.values()

    assert len({(calendar.zone.key, calendar.holidays) for calendar in calendars}) == 2


@each_set
def test_everybody_who_can_be_said_to_be_involved_is_a_team_or_none_of_ours(folder: Path) -> None:
    teams = {value for team in policy_in(folder).teams.values() for value in team.involved_as}

    assert set(Involved) - teams == {Involved.LINE_MANAGER, Involved.EXTERNAL_PARTNER}


def test_the_two_sets_differ_in_law_and_say_the_right_number() -> None:
    eu, us = policy_in(SETS["eu"]), policy_in(SETS["us"])

    assert (eu.law.profile, us.law.profile) == (LegalProfile.EU_EMPLOYER, LegalProfile.US_EMPLOYER)
    assert "112" in eu.sentences["child-in-danger"]
    assert "911" in us.sentences["child-in-danger"]
    assert set(eu.reminders) == set(Awaited) - {Awaited.DELIVERY}
    assert set(us.reminders) == {Awaited.CLAIM, Awaited.DECIDE}


@each_set
def test_what_is_on_a_device_is_a_draft_for_the_police_and_what_is_online_one_for_a_hotline_too(folder: Path) -> None:
    held = {route.name: [channel.name for channel in route.hold] for route in everyone(policy_in(folder).routes)}

    assert held["children"][0] == "police-handover"
    assert held["children-online"] == ["police-handover", "hotline-handover"]
