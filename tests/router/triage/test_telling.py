"""Need to know: which teams are in conflict, what they lose, and who comes in for them."""

from typing import Any

import pytest

from router.model import ConditionTried
from router.triage.policy import Policy, parse_policy
from router.triage.telling import Conflicts, Told, conflicts, last_resort, tell
from tests.policies import CHANNELS, POLICY, facts

PEOPLE = """\
handles: {domains: [corp, example.org]}
people:
  anna: {handles: [a.svensson, 'CORP\\asv']}
  bert: {handles: b.olsen}
"""
WITH_PEOPLE = POLICY.replace("teams:\n", PEOPLE + "teams:\n", 1)
WITH_PEOPLE = WITH_PEOPLE.replace("backup: legal,", "backup: legal, members: [anna],")
WITH_PEOPLE = WITH_PEOPLE.replace("involved_as: legal,", "involved_as: legal, members: [anna, bert],")


def policy(text: str = WITH_PEOPLE, channels: str = CHANNELS, key: bytes = b"key") -> Policy:
    return parse_policy(text, channels, handle_key=key)


def told(known: Policy, in_conflict: Conflicts, route: int = 1) -> Told:
    """Return who is told by one of the routes; the one for fraud if not said."""
    chosen = known.routes[route]
    return tell(known, in_conflict, teams=chosen.teams, to=chosen.to, hold=chosen.hold)


def names(parts: Any) -> list[str]:
    return [part.name for part in parts]


def steps(found: Told) -> list[str]:
    return [step.rule for step in found.steps]


def because(field: str, wanted: list[str], actual: list[str]) -> ConditionTried:
    return ConditionTried(field=field, wanted=tuple(wanted), actual=tuple(actual), ok=True)


# Who is in conflict


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"involves": ["security_team"]}, ["security"]),
        ({"involves": ["security_team", "legal"]}, ["security", "legal"]),
        ({"involves": ["line_manager", "hr", "external_partner"]}, []),
        ({"subject_handle": "b.olsen"}, ["legal"]),
        ({"subject_handle": "A.Svensson"}, ["security", "legal"]),
        ({"subject_handle": "asv@example.org"}, ["security", "legal"]),
        ({"subject_handle": "corp\\B.OLSEN"}, ["legal"]),
        ({"subject_handle": "b.olsen@elsewhere.example"}, []),
        ({"subject_handle": "c.nobody"}, []),
        ({"subject_handle": "b.olsen", "involves": ["security_team"]}, ["security", "legal"]),
    ],
)
def test_a_team_is_in_conflict_when_it_or_one_of_its_members_is_named(values: dict[str, Any], found: list[str]) -> None:
    assert list(conflicts(policy(), facts(**values))) == found


def test_a_conflict_may_be_found_later() -> None:
    assert list(conflicts(policy(), facts(), found_later=["ombuds"])) == ["ombuds"]
    assert list(conflicts(policy(), facts(involves=["legal"]), found_later=["security"])) == ["security", "legal"]


def test_every_reason_is_given_and_none_holds_the_account_name() -> None:
    found = conflicts(policy(), facts(subject_handle="b.olsen", involves=["legal", "hr"]), found_later=["legal"])

    assert found["legal"] == (
        ConditionTried(field="involves", wanted=("legal",), actual=("legal", "hr"), ok=True),
        ConditionTried(field="subject_handle", wanted=("legal",), actual=("a member of it",), ok=True),
        ConditionTried(field="found_later", wanted=("legal",), actual=("legal",), ok=True),
    )
    assert "olsen" not in str(found)


def test_the_key_does_not_change_who_is_found() -> None:
    concern = facts(subject_handle="b.olsen")

    assert list(conflicts(policy(key=b""), concern)) == list(conflicts(policy(key=b"other"), concern)) == ["legal"]


def test_digests_of_two_keys_have_nothing_in_common() -> None:
    assert policy(key=b"one").teams["legal"].members.isdisjoint(policy(key=b"other").teams["legal"].members)


# What it loses


def test_without_a_conflict_everybody_on_the_route_is_told() -> None:
    found = told(policy(), {})

    assert (names(found.teams), names(found.to)) == (["security", "legal"], ["security-desk", "legal-desk"])
    assert (found.avoided, found.steps) == ([], [])


def test_a_team_whose_member_is_named_loses_key_and_channels_and_the_explanation_says_so() -> None:
    known = policy()
    found = told(known, conflicts(known, facts(subject_handle="b.olsen")), route=0)

    assert (names(found.teams), names(found.to), found.avoided) == (["ombuds"], ["ombuds-desk"], ["legal"])
    assert steps(found) == ["withheld:legal-desk", "avoided:legal", "desk:ombuds-desk", "fallback:ombuds"]
    assert found.steps[1].tests == (
        ConditionTried(field="subject_handle", wanted=("legal",), actual=("a member of it",), ok=True),
    )


def test_a_team_found_in_conflict_later_is_replaced_by_its_backup() -> None:
    known = policy()
    found = told(known, conflicts(known, facts(), ["security"]), route=2)

    assert (names(found.teams), names(found.to), found.avoided) == (["legal"], ["legal-desk"], ["security"])


def test_a_backup_comes_in_before_the_fallback_is_asked() -> None:
    known = policy(WITH_PEOPLE.replace("backup: legal", "backup: ombuds"))
    found = told(known, conflicts(known, facts(involves=["security_team"])), route=2)

    assert (names(found.teams), names(found.to)) == (["ombuds"], ["ombuds-desk"])
    assert [(step.rule, step.tests) for step in found.steps[2:]] == [
        ("stands_in:ombuds", (because("backup_of", ["security"], ["security"]),)),
        ("desk:ombuds-desk", (because("readable_by", ["ombuds"], ["ombuds"]),)),
    ]


SHARED = CHANNELS.replace("readable_by: [legal], path", "readable_by: [legal, security], path") + (
    "shared: {kind: folder, scope: internal, carries: [], readable_by: [legal, ombuds], path: e}\n"
)


def test_a_backup_whose_desks_are_closed_to_it_is_told_where_it_reads_along() -> None:
    known = policy(
        POLICY.replace("teams: security, to: security-desk", "teams: security, to: [security-desk, shared]"), SHARED
    )
    found = told(known, conflicts(known, facts(involves=["security_team"])), route=2)

    assert (names(found.teams), names(found.to)) == (["legal"], ["shared"])


def test_a_team_without_any_way_is_told_by_its_backup_and_not_by_the_fallback() -> None:
    text = POLICY.replace("  ombuds:", "  clerks: {label: Clerks, desks: clerks-desk}\n  ombuds:")
    clerks = "clerks-desk: {kind: folder, scope: internal, carries: [], readable_by: [clerks], path: f}\n"
    known = policy(text.replace("desks: legal-desk", "backup: clerks, desks: legal-desk"), SHARED + clerks)
    found = told(known, conflicts(known, facts(involves=["security_team"])), route=2)

    assert (names(found.teams), names(found.to)) == (["legal", "clerks"], ["clerks-desk"])


def test_what_is_withheld_says_who_reads_it() -> None:
    shared = policy(channels=CHANNELS.replace("readable_by: [security]", "readable_by: [security, legal]"))
    found = told(shared, conflicts(shared, facts(involves=["legal"])), route=2)

    assert (found.steps[0].rule, found.steps[0].tests) == (
        "withheld:security-desk",
        (because("readable_by", ["legal"], ["security", "legal"]),),
    )


def test_a_channel_is_withheld_once_however_often_it_is_asked_for() -> None:
    known = policy()
    found = told(known, conflicts(known, facts(), ["security"]))
    desk = known.channels.channels["security-desk"]
    found.escalated([desk])
    found.escalated([desk])

    assert steps(found).count("withheld:security-desk") == 1


def test_when_every_team_of_the_fallback_was_found_in_conflict_nobody_is_left() -> None:
    known = policy()

    found = told(known, conflicts(known, facts(), ["security", "legal", "ombuds"]))

    assert (names(found.teams), names(found.to), found.first_desk) == ([], [], None)


def test_a_route_whose_teams_read_nothing_is_told_to_the_fallback() -> None:
    known = policy()
    desk = known.channels.channels["ombuds-desk"]

    found = tell(known, {}, teams=[known.teams["security"]], to=[desk], hold=[])

    assert names(found.to) == ["ombuds-desk", "security-desk"]


def test_a_fallback_team_that_reads_a_channel_used_already_needs_no_other() -> None:
    """A route with `continue` told a channel, and no team."""
    known = policy()
    desk = known.channels.channels["legal-desk"]

    found = tell(known, {}, teams=[], to=[desk], hold=[])

    assert (names(found.teams), names(found.to)) == (["legal"], ["legal-desk"])


# Later


def test_an_escalation_leaves_out_what_somebody_in_conflict_reads() -> None:
    known = policy()
    ways = [known.channels.channels[name] for name in ("security-desk", "legal-desk")]
    found = told(known, conflicts(known, facts(involves=["legal"])), route=2)

    assert names(found.escalated(ways)) == ["security-desk"]
    assert "withheld:legal-desk" in steps(found)
    assert found.avoided == ["legal"]


def test_an_escalation_that_only_reaches_somebody_in_conflict_goes_to_a_desk_of_the_fallback() -> None:
    known = policy()
    found = told(known, conflicts(known, facts(involves=["security_team"])))
    before = steps(found)

    assert names(found.escalated([known.channels.channels["security-desk"]])) == ["legal-desk"]
    assert before == ["withheld:security-desk", "avoided:security", "stands_in:legal"]
    assert steps(found) == [*before, "desk:legal-desk"]
    assert found.steps[-1].tests == (because("readable_by", ["legal"], ["legal"]),)
    assert all(step.matched for step in found.steps)


def test_a_team_in_conflict_is_avoided_even_if_it_reads_nothing_that_is_used() -> None:
    known = policy()
    desk = known.channels.channels["legal-desk"]

    found = tell(known, conflicts(known, facts(), ["security"]), teams=[known.teams["security"]], to=[desk], hold=[])

    assert (names(found.teams), found.avoided) == (["legal"], ["security"])


def test_an_escalation_with_nobody_left_tells_nobody() -> None:
    known = policy()
    found = told(known, conflicts(known, facts(), ["security", "legal", "ombuds"]))

    assert list(found.escalated([known.channels.channels["security-desk"]])) == []


def test_reminders_go_where_the_most_responsible_team_looks() -> None:
    known = policy(channels=CHANNELS.replace("readable_by: [legal], path", "readable_by: [legal, security], path"))

    assert [told(known, {}, route).first_desk for route in (0, 1)] == [
        known.channels.channels["legal-desk"],
        known.channels.channels["security-desk"],
    ]


# The last resort


def test_the_last_resort_is_read_by_teams_that_no_report_can_name() -> None:
    known = policy()

    assert names(last_resort(known).to) == ["ombuds-desk"]
    assert names(last_resort(known, ["ombuds"]).to) == []
    assert names(last_resort(policy(POLICY.replace("[legal, ombuds]", "ombuds"))).teams) == ["ombuds"]


def test_a_desk_read_by_a_team_with_members_is_no_last_resort() -> None:
    text = WITH_PEOPLE.replace("  ombuds:", "  clerks: {label: Clerks, members: [bert], desks: clerks-desk}\n  ombuds:")
    text = text.replace("desks: ombuds-desk", "desks: [clerks-desk, ombuds-desk]")
    channels = CHANNELS + (
        "clerks-desk: {kind: folder, scope: internal, carries: [], readable_by: [clerks, ombuds], path: e}\n"
    )

    assert names(last_resort(policy(text, channels)).to) == ["ombuds-desk"]


def test_a_desk_of_its_own_hears_of_deadlines_before_what_a_team_only_reads() -> None:
    phone = "phone: {kind: folder, scope: internal, carries: [], readable_by: [security], path: e}\n"
    text = WITH_PEOPLE.replace("to: [security-desk, legal-desk]", "to: [phone, security-desk, legal-desk]")
    known = policy(text.replace("teams: security, to: security-desk", "teams: security, to: phone"), CHANNELS + phone)

    assert [told(known, {}, route).first_desk for route in (1, 2)] == [
        known.channels.channels["security-desk"],
        known.channels.channels["phone"],
    ]


# By a desk, not by a phone alone

WITH_PHONE = CHANNELS + "phone: {kind: folder, scope: internal, carries: [], readable_by: [security, legal], path: e}\n"
WITH_PHONE += "lead: {kind: folder, scope: internal, carries: [], readable_by: [security], path: f}\n"


def by_phone(text: str = WITH_PEOPLE) -> Policy:
    """Return a policy whose security team has a second desk; the clerks look after its first one."""
    text = text.replace("desks: security-desk", "desks: [security-desk, lead]")
    text = text.replace("  ombuds:", "  clerks: {label: Clerks, involved_as: it_helpdesk}\n  ombuds:")
    return policy(
        text, WITH_PHONE.replace("readable_by: [security], path: a", "readable_by: [security, clerks], path: a")
    )


def rung(known: Policy, teams: list[str], to: list[str], **values: Any) -> list[str]:
    channels = [known.channels.channels[name] for name in to]
    conflicting = conflicts(known, facts(**values))
    return names(tell(known, conflicting, teams=[known.teams[name] for name in teams], to=channels, hold=[]).to)


def test_who_stands_in_hears_by_a_desk_though_a_phone_of_theirs_rings_already() -> None:
    known = policy(WITH_PEOPLE, WITH_PHONE.replace("readable_by: [security, legal]", "readable_by: [legal]"))

    assert rung(known, ["security"], ["phone", "security-desk"], involves=["security_team"]) == ["phone", "legal-desk"]
    assert rung(known, [], ["phone"]) == ["phone", "legal-desk"]


def test_whose_desk_is_withheld_hears_by_the_next_one_though_their_phone_rings() -> None:
    known = by_phone()

    assert rung(known, ["security"], ["phone", "security-desk"], involves=["it_helpdesk"]) == ["phone", "lead"]
    assert rung(known, ["security"], ["phone", "security-desk"]) == ["phone", "security-desk"]


def test_who_is_told_by_a_phone_alone_because_the_policy_says_so_is_told_so_beside_others_conflicts() -> None:
    assert rung(by_phone(), ["security"], ["phone"], involves=["it_helpdesk"]) == ["phone"]
