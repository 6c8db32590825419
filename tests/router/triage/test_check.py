"""What a policy says and cannot mean: calendars, people, escalations, sentences and nested routes, each at its line."""

import gc
import sys
from datetime import UTC, datetime
from types import FrameType

import pytest

from router.triage.policy import parse_policy
from router.vocabulary import Awaited
from tests.policies import CHANNELS, FULL, facts, problems

LINES = FULL.splitlines()


def line_of(text: str) -> int:
    """Return the first line of the whole policy that has `text`."""
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def found(old: str, new: str) -> list[str]:
    """Return what is wrong when `old` is replaced, as lines counted from that of `old`, and codes."""
    assert old in FULL
    here = line_of(old.splitlines()[0])
    return [f"{problem.line - here:+} {problem.code}" for problem in problems(FULL.replace(old, new, 1))]


def test_the_whole_language_loads() -> None:
    policy = parse_policy(FULL, CHANNELS)

    assert policy.calendar is policy.calendars["works"]
    assert policy.site_calendars == {"office": policy.calendars["hq"]}
    assert policy.reminders.keys() == {Awaited.CLAIM, Awaited.DECIDE, Awaited.ACKNOWLEDGE, Awaited.FEEDBACK}
    assert [(step.awaited, str(step.after)) for step in policy.escalations["duty"]] == [
        (Awaited.CLAIM, "30m"),
        (Awaited.DELIVERY, "15m"),
    ]
    assert policy.calendars["works"].hours == ((360, 1440),)
    assert policy.handles.digest("A.Svensson@example.org") in policy.teams["security"].members
    assert policy.unknown_in(facts(site="office")) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # calendars
        ("tz: Europe/Berlin", "tz: Europe/Berln", "+0 odd_value"),
        ("tz: Europe/Berlin", "tz: ../../etc/passwd", "+0 odd_value"),
        ("days: [mon, tue]", "days: [mon, monday]", "+0 unknown_value"),
        ("days: [mon, tue]", "days: [mon, mon]", "+0 twice"),
        ("days: [mon, tue]", "days: []", "+0 wrong_kind"),
        ('"13:00-17:00"]', '"11:00-17:00"]', "+0 hours_overlap"),
        ('"13:00-17:00"]', '"12:00-17:00"]', "+0 hours_overlap"),
        ('"13:00-17:00"]', '"07:00-09:00"]', "+0 hours_overlap"),
        ('"13:00-17:00"]', '"17:00-13:00"]', "+0 odd_value"),
        ('"13:00-17:00"]', '"1pm-5pm"]', "+0 odd_value"),
        ('"13:00-17:00"]', "13:00]", "+0 trap"),
        ('["2026-12-25"]', "[2026-12-25]", "+0 trap"),
        ('["2026-12-25"]', '["2026-02-30"]', "+0 odd_value"),
        ('["2026-12-25"]', '["2026-12-25", "2026-12-25"]', "+0 twice"),
        ("label: Office, calendar: hq", "label: Office, calendar: hqs", "+0 unknown_calendar"),
        ("calendar: works", "calendar: work", "+0 unknown_calendar"),
        ("  calendar: works\n", "", "+2 no_calendar"),
        # people
        ("members: [anna, bert]", "members: [anna, berta]", "+0 unknown_person"),
        ("members: [anna, bert]", "members: [anna, anna]", "+0 twice"),
        ("handles: b.olsen", "handles: A.SVENSSON@example.org", "+0 same_handle"),
        ("handles: b.olsen", "handles: asv", "+0 same_handle"),
        ("CORP\\asv", "a.svensson@corp", "+0 twice"),
        ("handles: b.olsen", "handles: two words", "+0 odd_value"),
        ("handles: b.olsen", "handles: []", "+0 wrong_kind"),
        ("handles: b.olsen", "handle: b.olsen", "+0 unknown_key"),
        ("domains: [corp", "domain: [corp", "+0 unknown_key"),
        ("domains: [corp", 'domains: ["@corp"', "+0 odd_value"),
        ("domains: [corp", "domains: [corp\\", "+0 odd_value"),
        ("fallback: [legal, ombuds]", "fallback: [ombuds, legal]", "+0 fallback_involved"),
        # times
        ("decide: 1d, escalate: duty", "decide: 1d, escalate: dutty", "+0 unknown_escalation"),
        ("clock: working, escalate: duty", "clock: working, escalate: dutty", "+0 unknown_escalation"),
        ("decide: 10d, clock: working", "decide: 10d, clock: office", "+0 unknown_value"),
        ("decide: 10d, clock: working", "decide: 1000d, clock: working", "+0 too_far"),
        ("{claim: 1d, clock: working", "{claim: 9999h, clock: working", "+0 too_far"),
        ("critical: {claim: 30m, ", "critical: {", "+0 missing"),
        ("feedback: 14d", "feedbak: 14d", "+0 unknown_key"),
        ("feedback: 14d", "feedback: 2w", "+0 odd_value"),
        # escalations
        ("{unclaimed: 30m, to", "{unclaimed: 30m, undecided: 1h, to", "+0 one_wait"),
        ("{unclaimed: 30m, to", "{to", "+0 one_wait"),
        ("{unclaimed: 30m, to", "{unclamed: 30m, to", "+0 unknown_key"),
        ("{unclaimed: 30m, to: security-desk}", "{unclaimed: 30m}", "+0 missing"),
        ("{unclaimed: 30m, to: security-desk}", "{unclaimed: 30m, to: security-dsk}", "+0 unknown_channel"),
        ("{unclaimed: 30m, to: security-desk}", "{unclaimed: 30m, to: police}", "+0 external_in_to"),
        ("to: [security-desk, legal-desk]}", "to: [legal-desk, legal-desk]}", "+0 twice"),
        ("sentences: {call", "  quiet: []\nsentences: {call", "+0 wrong_kind"),
        # sentences
        ("say: call}", "say: cal}", "+0 unknown_sentence"),
        ("call: Call somebody now.", "call: <b>Call</b>", "+0 odd_value"),
        ("call: Call somebody now.", "call: ''", "+0 wrong_kind"),
        # routes
        ("by: [category, site]", "by: [category, category]", "+0 twice"),
        ("by: [category, site]", "by: [category, narrative]", "+0 unknown_value"),
        ("id: fraud-at-plant", "id: fraud", "+0 duplicate_id"),
        ("id: fraud-at-plant", "id: page", "+0 duplicate_id"),
        ("id: fraud-at-plant", "id: fallback", "+0 reserved"),
        ("id: fraud-at-plant, when: {site: plant}", "id: fraud-at-plant, when: {site: plan}", "+0 unknown_site"),
        ("id: fraud-at-plant, when", "id: fraud-at-plant, wen", "+0 unknown_key"),
        ("teams: legal, to: legal-desk, hold: police", "teams: legl, to: legal-desk", "+0 unknown_team"),
        ("teams: legal, to: legal-desk, hold: police", "to: security-desk", "+0 team_not_told"),
        ("teams: legal, to: legal-desk, hold: police", "teams: ombuds", "+0 team_not_told"),
        ("teams: legal, to: legal-desk, hold: police", "teams: []", "+0 missing"),
        ("teams: legal, to: legal-desk, hold: police", "to: []", "+0 missing"),
        ("teams: legal, to: legal-desk, hold: police", "hold: legal-desk", "+0 internal_in_hold"),
        ("teams: legal, to: legal-desk, hold: police", "to: [legal-desk, police]", "+0 external_in_to"),
        ("continue: true, say: call", "continue: true", "+0 adds_nothing"),
        ("continue: true, say: call", "continue: yes, say: call", "+0 trap"),
        ("continue: true, say: call", 'continue: "true", say: call', "+0 wrong_kind"),
        ("continue: true, say: call", "continue: true, teams: legal", "+0 team_not_told"),
        # the reader's own, in the new keys
        ("legal_profile: eu_employer", "legal_profile: eu_employee", "+0 unknown_value"),
        ("label: Office, calendar", "label: NO, calendar", "+0 trap"),
        ("reminders: {claim: 15m", "reminders: {claim: 1:30", "+0 trap"),
        ("handles: b.olsen", "handles: 12345678", "+0 wrong_kind"),
        ("sentences: {call", "sentences: {call: Once., call", "+0 duplicate_key"),
        ("call: Call somebody now.", "call: ghp_16C7e42F292c6912E7710c838347Ae178B4a", "+0 clear_secret"),
        ("handles: b.olsen", "handles: AKIA1234567890ABCDEF", "+0 clear_secret"),
    ],
)
def test_refuses_with_line_and_reason(old: str, new: str, expected: str) -> None:
    assert expected in found(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('hours: "06:00-24:00"', "hours: 06:00-24:00"),  # no other reader takes it for anything else
        ("handles: b.olsen", "handles: b.olsen@elsewhere.example"),
        ("teams: legal, to: legal-desk, hold: police", "hold: police"),
        ("teams: legal, to: legal-desk, hold: police", "hold: []"),
        ("teams: legal, to: legal-desk, hold: police", "teams: legal"),
        ("teams: legal, to: legal-desk, hold: police", "to: [legal-desk, security-desk]"),
        ("continue: true, say: call", "continue: true, link_duplicates: {by: url, within: 1d}"),
    ],
)
def test_lets_through_what_can_be_meant(old: str, new: str) -> None:
    assert found(old, new) == []


def test_a_route_that_always_gives_way_to_an_inner_one_need_not_tell_anybody() -> None:
    inner = "      - {id: fraud-noted, continue: true, say: call}\n      - {id: all, teams: legal, to: legal-desk}\n"
    policy = FULL.replace("    teams: [security, legal]\n    to: [security-desk, legal-desk]\n", "")

    assert [problem.code for problem in problems(policy)] == ["missing", "missing"]
    assert problems(policy.replace("      - {id: fraud-noted, continue: true, say: call}\n", inner)) == ()


def test_the_last_of_the_fallback_has_no_members_either() -> None:
    policy = FULL.replace("ombuds: {label: Ombudsperson,", "ombuds: {label: Ombudsperson, members: bert,").replace(
        "members: [anna, bert]", "members: anna"
    )

    (said,) = [problem.said for problem in problems(policy) if problem.code == "fallback_involved"]

    assert said.startswith("'ombuds' can be involved: it has members, so one of them may be the person;")


def test_the_last_resort_has_a_desk_that_no_team_with_members_reads() -> None:
    channels = CHANNELS.replace("readable_by: [ombuds]", "readable_by: [ombuds, privacy]")
    policy = FULL.replace("  ombuds:", "  privacy: {label: Privacy, members: bert}\n  ombuds:").replace(
        "members: [anna, bert]", "members: anna"
    )

    assert [problem.code for problem in problems(policy, channels)] == ["fallback_read"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("continue: true, say: call", "continue: yes, say: call", "write true or false, or 'yes' in quotes"),
        ('["2026-12-25"]', "[2026-12-25]", "2026-12-25 means a date to other readers; write '2026-12-25' in quotes"),
        ('"13:00-17:00"]', '"1pm-5pm"]', "'1pm-5pm': hours such as \"08:00-18:00\" are wanted here"),
        ("feedback: 14d", "feedback: 2w", "'2w': a time such as 30m, 4h or 2d is wanted here"),
        ("days: [mon, tue]", "days: [mon, monday]", "unknown value 'monday'; did you mean 'mon'?"),
        ("claim: 1d, clock: working", "clame: 1d, clock: working", "unknown key 'clame'; did you mean 'claim'?"),
        ("{unclaimed: 30m, to", "{unclamed: 30m, to", "unknown key 'unclamed'; did you mean 'unclaimed'?"),
        ("id: fraud-at-plant, when", "id: fraud-at-plant, wen", "unknown key 'wen'; did you mean 'when'?"),
        ("say: call}", "say: cal}", "unknown sentence 'cal'; did you mean 'call'?"),
        ("decide: 1d, escalate: duty", "decide: 1d, escalate: dutty", "'dutty'; did you mean 'duty'?"),
        ("{unclaimed: 30m, to", "{unclaimed: 30m, undecided: 1h, to", "unclaimed and undecided stand here"),
        ("{unclaimed: 30m, to", "{to", "exactly one of unclaimed, undecided, undelivered; none stands here"),
        ('["2026-12-25"]', '["2026-12-32"]', "'2026-12-32': a date such as \"2026-12-25\" is wanted here, in quotes"),
        (
            "tz: Europe/Berlin",
            "tz: Europe/Berln",
            "'Europe/Berln': a time zone such as Europe/Berlin is wanted here; did you mean 'Europe/Berlin'?",
        ),
        (
            "domains: [corp",
            "domains: ['@corp'",
            "'@corp': a domain such as example.org or CORP is wanted here, without @",
        ),
        ("  calendar: works\n", "", "working time needs a calendar for concerns without a site of their own"),
        ("backup: legal", "backup: security", "a team cannot stand in for itself"),
        (
            "fallback: [legal, ombuds]",
            "fallback: [ombuds, legal]",
            "has involved_as, so a reporter can say that it is;",
        ),
        ("continue: true, say: call", "continue: true", "a route adds what it says, and this one says nothing: teams,"),
        ("id: fraud-at-plant", "id: fraud", f"'fraud' stands twice; first in line {line_of('id: fraud')}"),
        ("CORP\\asv", "a.svensson@corp", f"another of this person's handles; one is enough (line {line_of('anna:')})"),
        # the same wrong word, where it might mean different things
        (
            "teams: legal, to: legal-desk, hold: police",
            "teams: legal-dsk, to: legal-dsk",
            "unknown channel 'legal-dsk'; did you mean 'legal-desk'?",
        ),
    ],
)
def test_says_what_was_found_and_what_would_do(old: str, new: str, said: str) -> None:
    assert said in "\n".join(problem.said for problem in problems(FULL.replace(old, new, 1)))


SECRETS = ["ghp_16C7e42F292c6912E7710c838347Ae178B4a", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
PLACES = ["Call somebody now.", "b.olsen", "Europe/Berlin", "72h", "handles: [a.svensson", "id: page"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("old", PLACES)
def test_shows_no_secret(old: str, secret: str) -> None:
    key, colon, _ = old.rpartition(": ")
    said = "\n".join(map(str, problems(FULL.replace(old, f"{key}{colon}{'[' * ('[' in old)}{secret}", 1))))

    assert said
    assert secret not in said


def test_two_people_of_one_account_are_named_and_the_account_is_not() -> None:
    (problem,) = problems(FULL.replace("b.olsen", "A.Svensson"))

    assert problem.said == "this is the same account as one of 'anna' in line 14; an account is one person's"


def test_everything_wrong_with_nested_routes_comes_at_once() -> None:
    policy = (
        FULL.replace("id: fraud-at-plant", "id: page").replace("say: call}", "say: cal}").replace("6:00-24", "6-24")
    )

    assert [(problem.line, problem.code) for problem in problems(policy)] == [
        (line_of("works: {"), "odd_value"),
        (line_of("id: page"), "unknown_sentence"),
        (line_of("id: fraud-at-plant"), "duplicate_id"),
        (line_of("id: fraud-noted"), "unknown_sentence"),
    ]


def many(routes: int, *, team: str) -> str:
    """Return a policy of so many routes, half of them nested, of two conditions each."""
    outer = "\n".join(
        f"  - {{id: r{number}, when: {{category: fraud, country: {'ABCDEFGHIJ'[number % 10]}X}}, teams: {team}, "
        f"to: legal-desk, routes: [{{id: n{number}, when: {{site: plant}}, deadlines: {{claim: 1h}}}}]}}"
        for number in range(routes // 2)
    )
    head, _, rest = FULL.partition("routes:\n")
    return f"{head}routes:\n{outer}\n{rest[rest.index('fallback:') :]}"


def test_loading_costs_by_the_number_of_routes_and_no_more() -> None:
    """Counted in calls, which no other load on the machine changes."""

    def calls(routes: int) -> int:
        made = 0

        def count(_frame: FrameType, event: str, _value: object) -> None:
            nonlocal made
            made += event in {"call", "c_call"}

        text = many(routes, team="legal")
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            parse_policy(text, CHANNELS)
        finally:
            sys.setprofile(before)
        return made

    assert calls(2000) < 11 * calls(200)


def test_loading_leaves_the_collector_as_it_was() -> None:
    small = many(10, team="legal")

    for on in (False, True):
        (gc.enable if on else gc.disable)()
        parse_policy(small, CHANNELS)
        assert problems(many(10, team="leggal"))
        assert gc.isenabled() is on


def test_ten_thousand_wrong_routes_are_all_found() -> None:
    found_in = problems(many(10_000, team="leggal"))

    assert len(found_in) == 5_000
    assert {problem.said for problem in found_in} == {"unknown team 'leggal'; did you mean 'legal'?"}


def test_working_time_counts_by_the_calendars_of_the_file() -> None:
    policy = parse_policy(FULL, CHANNELS)

    claimed = policy.calendars["hq"].after(datetime(2026, 12, 21, 11, tzinfo=UTC), policy.times["medium"].claim)  # type: ignore[index]

    assert claimed == datetime(2026, 12, 28, 12, tzinfo=UTC)
