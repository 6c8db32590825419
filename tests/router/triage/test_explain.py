"""A trace that somebody who writes no programs can follow: what is nested, added, said later, linked."""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from router.configfile.yamltext import read as read_text
from router.model import PlannedReferral
from router.triage.decide import decide
from router.triage.examples import FILE, read_examples
from router.triage.explain import as_json, as_lines, linked_by
from router.triage.policy import Policy, load_policy, parse_policy
from tests.oddities import DESK, PHONE, POLICE, policy, route, routes
from tests.policies import CONFIG, CONSOLE, REFERENCE, facts

OFFICE = 'office: {tz: Europe/Berlin, days: [mon, tue, wed, thu, fri], hours: "08:00-16:00"}'
LINKED = "{by: [category, asset_tag], within: 72h}"
POLICY = parse_policy(
    policy(
        routes(
            "{id: more, when: {urgency: live_now}, to: phone, say: [call, wait], continue: true}",
            route(
                "out",
                "{category: [fraud, theft]}",
                link_duplicates=LINKED,
                routes=routes(
                    route("deep", "{site: plant}", routes=routes(route("deeper", "{from: client}"))),
                    route("in", "{noticed_how: police_notice}", hold="police"),
                ),
            ),
        ),
        times="{claim: 4h, decide: 2d, clock: working, escalate: duty}",
        calendar="calendar: office",
        more=f"""\
calendars: {{{OFFICE}, night: {{tz: Asia/Tokyo, days: [mon], hours: "08:00-16:00"}}}}
sites: {{plant: {{label: Plant, calendar: night}}, shop: {{label: Shop}}}}
sentences: {{call: Call 112 now., wait: Somebody will write to you.}}
reminders: {{claim: 1h, acknowledge: 2d}}
escalations: {{duty: [{{unclaimed: 2h, to: phone}}, {{undelivered: 15m, to: phone}}]}}
""",
    ),
    f"{DESK.replace('[]', '[category, asset_tag, claim_by]')}\n{PHONE}\n{POLICE}",
)
TRIED = "The first route that matches decides, and of those inside it the first that matches:"
MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)


def key_of(planned: PlannedReferral) -> str:
    return planned.channel


def explained(at: datetime = MONDAY, *, statutory: bool = True, used: Policy = POLICY, **values: Any) -> str:
    concern = facts(**{"category": "fraud", **values})
    decision = decide(used, concern, reference=REFERENCE, received_at=at, statutory=statutory, console_url=CONSOLE)
    linked = linked_by(used, concern, statutory=statutory)
    return "\n".join(as_lines(used, concern, decision, key_of, linked=linked))


def after(text: str, start: str) -> str:
    """Return what stands below the line `start`, up to the next line at the margin."""
    lines = text.split(f"\n{start}\n", 1)[1].split("\n")
    inside = next((number for number, line in enumerate(lines) if not line.startswith(" ")), len(lines))
    return "\n".join(lines[:inside])


def test_each_rule_tried_is_there_with_what_it_wanted_and_what_there_was() -> None:
    told = explained()

    assert told.startswith(
        "Severity: medium\nThe first rule that matches sets it, but never below the category's own:\n"
        "  no   urgent: urgency is not said (wanted: ongoing)\n  yes  any: always matches - sets "
    )
    assert "\n  Fraud: never below medium\n" in told
    assert f"\nRoute: out\n{TRIED}\n  no   more: urgency is not said (wanted: live_now)\n" in told
    assert "  yes  out: category is fraud (one of: fraud or theft)\n" in told


def test_what_held_is_said_before_what_did_not() -> None:
    told = explained(used=parse_policy(policy(routes(route("x", "{from: client, category: [fraud, theft]}"))), DESK))

    assert "  no   x: category is fraud (one of: fraud or theft); but from is person (wanted: client)\n" in told


def test_nested_routes_stand_inside_the_one_around_them() -> None:
    told = explained(noticed_how="police_notice")

    assert after(told, TRIED).split("\n")[1:] == [
        "  yes  out: category is fraud (one of: fraud or theft)",
        "  no     inside: deep: site is not said (wanted: plant)",
        "  yes    inside: in: noticed_how is police_notice",
    ]


def test_a_route_two_deep_stands_deeper() -> None:
    told = explained(site="plant", statutory=False)

    assert "\n  yes    inside: deep: site is plant\n  yes      inside: deeper: from is client\n" in told


def test_a_route_that_adds_says_so_when_it_matched() -> None:
    assert "  yes  more: urgency is live_now - adds what it says, and goes on\n" in explained(urgency=("live_now",))
    assert "goes on" not in explained()


def test_what_the_reporter_is_shown_is_there() -> None:
    assert after(explained(urgency=("live_now",)), "A person who reports this is shown:") == (
        "  Call 112 now.\n  Somebody will write to you."
    )


def test_deadlines_are_on_the_clock_of_the_place_and_in_utc() -> None:
    assert after(explained(), "Deadlines, times of Europe/Berlin:") == (
        "  by Mon 2026-11-30 14:00 (13:00 UTC): somebody has claimed it\n"
        "  by Wed 2026-12-02 10:00 (09:00 UTC): it is decided and closed\n"
        "  by Mon 2026-12-07 10:00 (09:00 UTC): the reporter was told that it arrived\n"
        "  by Sun 2027-02-28 10:00 (09:00 UTC): the reporter was told what was done"
    )


def test_a_site_has_its_own_clock_and_another_day_is_named() -> None:
    told = explained(datetime(2026, 11, 29, 23, tzinfo=UTC), site="plant", statutory=False)

    assert "\nDeadlines, times of Asia/Tokyo:\n  by Mon 2026-11-30 12:00 (03:00 UTC): somebody has claimed it\n" in told
    assert "\nDeadlines, times of Europe/Berlin:\n" in explained(site="shop")
    late = explained(datetime(2026, 12, 6, 16, tzinfo=UTC), site="plant")
    assert "by Mon 2026-12-14 01:00 (Sun 2026-12-13 16:00 UTC): " in late


def test_without_a_calendar_times_are_in_utc() -> None:
    plain = parse_policy(policy(), DESK)

    assert "\nDeadlines, times of UTC:\n  by Mon 2026-11-30 10:00: somebody has claimed it\n" in explained(used=plain)


def test_what_is_said_later_stands_below_what_keeps_it_from_being_said() -> None:
    told = explained(statutory=False)

    assert after(told, "Later, unless somebody acts, times of Europe/Berlin:").split("\n") == [
        "  while something sent at once has not arrived:",
        "    Mon 2026-11-30 10:15  phone is alerted",
        "  while nobody has claimed it:",
        "    Mon 2026-11-30 12:00  phone is alerted",
        "    Mon 2026-11-30 13:00  desk is reminded",
        "    Mon 2026-11-30 14:00  desk is told that the time is over",
        "  while it is not decided and closed:",
        "    Wed 2026-12-02 10:00  desk is told that the time is over",
    ]
    assert "\nChannel desk (folder), reminder, Mon 2026-11-30 13:00:\n" in told


@pytest.mark.parametrize(
    "words", ["while the reporter was not told that it arrived:", "while the reporter was not told what was done:"]
)
def test_the_laws_times_have_words_too(words: str) -> None:
    assert words in explained()
    assert words not in explained(statutory=False)


def test_who_is_told_at_once_and_what_waits_for_approval_is_named() -> None:
    told = explained(noticed_how="police_notice", urgency=("live_now",))

    assert "\nTold at once: phone, desk\nDrafts for outside, until people approve them: police\n" in told
    assert "Drafts" not in explained()


def test_every_byte_of_every_referral_is_shown_in_order() -> None:
    concern = facts(category="fraud", noticed_how="police_notice", asset_tag="LT-1")
    decision = decide(POLICY, concern, reference=REFERENCE, received_at=MONDAY, statutory=True, console_url=CONSOLE)

    shown = [line[4:] for line in as_lines(POLICY, concern, decision, key_of) if line.startswith("  | ")]

    sent = [
        POLICY.channels.channels[planned.channel].render(planned.fields, key=key_of(planned)).body.decode()
        for planned in decision.referrals
    ]
    assert "\n".join(shown) + "\n" == "".join(sent)


def test_duplicates_are_named_by_their_fields_never_by_values() -> None:
    without, with_all = explained(), explained(asset_tag="LT-1")

    same = "inked with cases within 72h that have the same category and asset_tag"
    assert f"\nNot l{same}: it lacks one of these\n" in without
    assert f"\nL{same}\n" in with_all
    assert "inked" not in explained(used=parse_policy(policy(), DESK))


def test_json_names_what_likely_duplicates_have_in_common() -> None:
    concern = facts(category="fraud", asset_tag="LT-1")
    decision = decide(POLICY, concern, reference=REFERENCE, received_at=MONDAY, statutory=True, console_url=CONSOLE)

    shown = as_json(POLICY, decision, key_of, linked=linked_by(POLICY, concern, statutory=True))

    assert shown["link_duplicates"] == {"by": ("category", "asset_tag"), "within": "72h"}
    standby = [one for one in shown["referrals"] if one["state"] == "standby"]
    assert {one["awaited"] for one in standby} == {"delivery", "claim", "decide", "acknowledge", "feedback"}
    assert all(one["due_at"].endswith("Z") for one in standby)


def test_why_the_fallback_was_told_is_said() -> None:
    told = explained(category="theft", used=parse_policy(policy(routes(route("x", "{category: fraud}"))), DESK))

    assert "\nRoute: fallback\n" in told
    assert "  no route named a team: the fallback teams are told (no_match)\n" in told


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"involves": ("hr",)}, "it is said to be involved"),
        ({"subject_handle": "a.svensson"}, "the person named is a member of it"),
        ({"involves": ("hr",), "subject_handle": "a.svensson"}, "it is said to be involved, and the person named is a"),
    ],
)
def test_each_reason_to_leave_a_team_out_is_said_without_an_account(values: dict[str, Any], why: str) -> None:
    teams = (
        "{hr: {label: HR, desks: desk, involved_as: hr, members: anna, backup: legal}, legal: {label: L, desks: phone}}"
    )
    used = parse_policy(
        policy(routes("{id: all, teams: hr, to: desk}"), teams=teams, more="people: {anna: {handles: a.svensson}}"),
        f"{DESK.replace('[legal]', '[hr]')}\n{PHONE}",
    )

    told = explained(used=used, **values)

    assert f"  hr is not told: {why}" in told
    assert "  nothing goes to desk: hr can read it\n" in told
    assert "  legal stands in for hr\n  legal is told by phone\n" in told
    assert "svensson" not in told


def test_no_line_of_words_is_wider_than_a_page() -> None:
    long = ", ".join(f"s{number}" for number in range(60))
    sites = ", ".join(f"s{number}: {{label: S}}" for number in range(60))
    used = parse_policy(
        policy(routes(route("x", f"{{site: [{long}]}}"), route("all")), more=f"sites: {{{sites}}}"), DESK
    )

    assert max(len(line) for line in explained(used=used).split("\n") if not line.startswith("  |")) <= 118


SHIPPED = [
    pytest.param(folder, number, id=f"{folder.name}-{number}")
    for folder in sorted(path.parent for path in CONFIG.rglob("policy.yaml"))
    for number in range(len(read_text((folder / FILE).read_text(), FILE).value["examples"]))
]


@pytest.mark.parametrize(("folder", "number"), SHIPPED)
def test_each_shipped_example_can_be_followed(folder: Path, number: int) -> None:
    used = loaded(folder)
    _, example = read_examples((folder / FILE).read_text(), used)[number]
    statutory = example.reported_by == "person"

    told = explained(example.at or MONDAY, used=used, statutory=statutory, **dict(example.facts))

    lines = told.split("\n")
    assert f"Route: {example.expect.route}" in lines
    assert re.findall(r"^  yes +(?:inside: )?([a-z0-9-]+): ", told, re.MULTILINE)[-1] == example.expect.route
    for channel in example.expect.told or ():
        assert f"Channel {channel} (folder), at once:" in lines
    for channel in example.expect.held:
        assert f"Channel {channel} (hand_over), a draft until people approve it:" in lines
    for team in example.expect.avoided:
        assert f"  {team} is not told: " in told
    words = [line for line in lines if not line.startswith("  | ")]
    assert max(len(line) for line in words) <= 140
    assert not re.search(r"None|Enum|[<>{}\[\]]|\(\)|datetime", "\n".join(words))


@cache
def loaded(folder: Path) -> Policy:
    return load_policy(folder)
