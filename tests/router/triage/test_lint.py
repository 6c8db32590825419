"""What else `policy check` looks for: the smallest policy that has it, and the nearest that has not."""

from pathlib import Path

import pytest

from router.triage.lint import findings
from router.triage.policy import policy_texts
from tests.oddities import (
    ALL,
    DESK,
    FRAUD,
    OFFICE,
    PHONE,
    POLICE,
    TEAMS,
    THEFT,
    TODAY,
    policy,
    problems,
    route,
    routes,
    ways,
    with_site,
)
from tests.policies import CONFIG

OMBUDS = "{legal: {label: Legal, desks: desk}, ombuds: {label: Ombudsperson, desks: phone}}"
OMBUDS_DESK = PHONE.replace("[legal]", "[ombuds]")
MEMBER = "{{legal: {{label: Legal, desks: desk, {}}}, ombuds: {{label: Ombudsperson, desks: phone, {}}}}}"
ANNA = "people: {anna: {handles: a.svensson}}"
HELPDESK = "{legal: {label: Legal, desks: desk}, helpdesk: {label: Helpdesk}}"
FOLDER, RT, WEBHOOK = (
    "kind: folder",
    "kind: rt, url: 'https://x.example.org', token: 'env:T', queue: Q, text: [{}], custom_fields: {{reference: R}}",
    "kind: webhook, url: 'https://x.example.org', secret: '{}'",
)
NAMEABLE = "{legal: {label: Legal, desks: desk, involved_as: legal}}"
ESCALATED = "{claim: 4h, decide: 2d, escalate: duty}"
WORKING = "{claim: 8h, decide: 2d, clock: working, escalate: duty}"


def step(said: str, *, name: str = "duty") -> str:
    return f"escalations: {{{name}: [{{{said}, to: phone}}]}}"


def on(host: str, channel: str, more: str = "") -> str:
    """Return the channel as a webhook on a host."""
    there = f"kind: webhook, url: 'https://{host}.example.org', secret: 'env:S'" + (more and f", {more}")
    return channel.replace(FOLDER, there).partition(", path")[0] + "}"


INSTEAD = DESK.replace("}", ", instead: phone}")
PAGER = "pager: {kind: folder, scope: internal, carries: [], readable_by: [legal], path: e}"
OTHER = PHONE.replace("phone", "other").replace("}", ", instead: both}").replace("path: c", "path: f")
BOTH_TIMES = PHONE.replace("phone", "both").replace("[]", "[feedback_by]")

OTHERS = {
    "no_route: a category": (
        (policy(routes(FRAUD)), ways()),
        (policy(routes(FRAUD, THEFT)), ways()),
    ),
    "no_route: only added to, never told to anybody": (
        (policy(routes(FRAUD, "{id: x, say: hello, continue: true}"), more="sentences: {hello: Hello}"), ways()),
        (policy(routes("{id: x, say: hello, continue: true}", ALL), more="sentences: {hello: Hello}"), ways()),
    ),
    "no_route: only some of its concerns are taken by chance": (
        (policy(routes(FRAUD, route("agents", "{from: client}"))), ways()),
        (policy(routes(FRAUD, route("agents", "{from: client}"), route("people", "{from: person}"))), ways()),
    ),
    "no_route: a nested route names it": (
        (policy(routes(FRAUD, route("agents", "{from: client}"))), ways()),
        (policy(routes(FRAUD, route("agents", "{from: client}", routes="[{id: x, when: {category: theft}}]"))), ways()),
    ),
    "unused_channel": ((policy(), ways(PHONE)), (policy(routes(route("all", to="[desk, phone]"))), ways(PHONE))),
    "unused_channel: a draft uses it": (
        (policy(), ways(POLICE)),
        (policy(routes(route("all", hold="police"))), ways(POLICE)),
    ),
    "unused_channel: a nested route uses it": (
        (policy(routes(route("all", routes=routes(FRAUD)))), ways(PHONE)),
        (
            policy(routes(route("all", routes=routes(route("fraud", "{category: fraud}", to="[desk, phone]"))))),
            ways(PHONE),
        ),
    ),
    "unused_channel: a desk is used": (
        (policy(), ways(PHONE)),
        (policy(teams="{legal: {label: Legal, desks: [desk, phone]}}"), ways(PHONE)),
    ),
    "unused_channel: an escalation uses it": (
        (policy(), ways(PHONE)),
        (policy(critical="{claim: 1h, decide: 2d, escalate: duty}", more=step("unclaimed: 30m")), ways(PHONE)),
    ),
    "unused_team": (
        (policy(teams=OMBUDS), ways(OMBUDS_DESK)),
        (policy(teams=OMBUDS, fallback="[legal, ombuds]"), ways(OMBUDS_DESK)),
    ),
    "unused_team: it stands in for another": (
        (policy(teams=OMBUDS), ways(OMBUDS_DESK)),
        (policy(teams=OMBUDS.replace("desk}", "desk, backup: ombuds}", 1)), ways(OMBUDS_DESK)),
    ),
    "unused_team: it reads what others are told": (
        (policy(teams=HELPDESK), ways()),
        (policy(teams=HELPDESK), DESK.replace("[legal]", "[legal, helpdesk]")),
    ),
    "unused_calendar": (
        (policy(more=f"calendars: {{{OFFICE}}}"), ways()),
        (policy(more=f"calendars: {{{OFFICE}}}", calendar="calendar: office"), ways()),
    ),
    "unused_sentence": (
        (policy(more="sentences: {hello: Hello}"), ways()),
        (policy(routes(route("all", say="hello")), more="sentences: {hello: Hello}"), ways()),
    ),
    "unused_escalation": (
        (policy(more=step("unclaimed: 30m")), ways(PHONE)),
        (policy(routes(route("all", deadlines="{escalate: duty}")), more=step("unclaimed: 30m")), ways(PHONE)),
    ),
    "no_team": (
        (policy(more="people: {anna: {handles: a.svensson}}"), ways()),
        (
            policy(
                teams="{legal: {label: Legal, desks: desk, members: anna}, ombuds: {label: Ombuds, desks: phone}}",
                fallback="[legal, ombuds]",
                more="people: {anna: {handles: a.svensson}}",
            ),
            ways(PHONE.replace("[legal]", "[ombuds]")),
        ),
    ),
    "holidays_over": (
        (
            policy(
                more=f'calendars: {{{OFFICE[:-1]}, holidays: ["2025-12-25", "2026-11-29"]}}}}',
                calendar="calendar: office",
            ),
            ways(),
        ),
        (
            policy(
                more=f'calendars: {{{OFFICE[:-1]}, holidays: ["2025-12-25", "2026-12-25"]}}}}',
                calendar="calendar: office",
            ),
            ways(),
        ),
    ),
    "late_escalation: unclaimed": (
        (policy(times=ESCALATED, more=step("unclaimed: 5h")), ways(PHONE)),
        (policy(times=ESCALATED, more=step("unclaimed: 4h")), ways(PHONE)),
    ),
    "late_escalation: undecided": (
        (policy(times=ESCALATED, more=step("undecided: 49h")), ways(PHONE)),
        (policy(times=ESCALATED, more=step("undecided: 48h")), ways(PHONE)),
    ),
    "late_escalation: a delivery is guarded by no deadline": (
        (policy(times=ESCALATED, more=step("unclaimed: 3d")), ways(PHONE)),
        (policy(times=ESCALATED, more=step("undelivered: 3d")), ways(PHONE)),
    ),
    "late_escalation: only of a severity that no concern can have": (
        (
            policy(times=ESCALATED, more=step("unclaimed: 2h"))
            .replace("decide: 2d}", "decide: 2d, escalate: duty}", 1)
            .replace("set: high", "set: critical"),
            ways(PHONE),
        ),
        (
            policy(times=ESCALATED, more=step("unclaimed: 2h")).replace(
                "decide: 2d}", "decide: 2d, escalate: duty}", 1
            ),
            ways(PHONE),
        ),
    ),
    "late_escalation: a route has less time": (
        (
            policy(routes(route("all", deadlines="{claim: 2h}")), times=ESCALATED, more=step("unclaimed: 3h")),
            ways(PHONE),
        ),
        (
            policy(routes(route("all", deadlines="{claim: 3h}")), times=ESCALATED, more=step("unclaimed: 3h")),
            ways(PHONE),
        ),
    ),
    "late_escalation: a working day is as long as the calendar's": (
        (
            policy(
                times=WORKING.replace("8h", "7h"),
                more=f"calendars: {{{OFFICE}}}\n{step('unclaimed: 1d')}",
                calendar="calendar: office",
            ),
            ways(PHONE),
        ),
        (
            policy(
                times=WORKING, more=f"calendars: {{{OFFICE}}}\n{step('unclaimed: 1d')}", calendar="calendar: office"
            ),
            ways(PHONE),
        ),
    ),
    "carried_in_vain: the law sets no such times": (
        (policy(more="legal_profile: us_employer"), DESK.replace("[]", "[acknowledge_by]")),
        (policy(more="legal_profile: eu_employer"), DESK.replace("[]", "[acknowledge_by]")),
    ),
    "carried_in_vain: only clients' routes lead there": (
        (
            policy(routes(route("x", "{from: client}", to="[desk, phone]"), ALL)),
            ways(PHONE.replace("[]", "[feedback_by]")),
        ),
        (
            policy(routes(route("x", "{noticed_how: police_notice}", to="[desk, phone]"), ALL)),
            ways(PHONE.replace("[]", "[feedback_by]")),
        ),
    ),
    "carried_in_vain: what every referral has": (
        (policy(), DESK.replace("[]", "[reference]")),
        (policy(), DESK.replace("[]", "[category]")),
    ),
    "carried_in_vain: there are no sites": (
        (policy(), DESK.replace("[]", "[site]")),
        (with_site(policy()), DESK.replace("[]", "[site]")),
    ),
    "carried_in_vain: what is sent leaves it out": (
        (
            policy(),
            DESK.replace("[]", "[category, country]").replace(", path: a", "").replace(FOLDER, RT.format("category")),
        ),
        (
            policy(),
            DESK.replace("[]", "[category, country]")
            .replace(", path: a", "")
            .replace(FOLDER, RT.format("category, country")),
        ),
    ),
    "unused_channel: it is told when another one fails": (
        (policy(), ways(PHONE)),
        (policy(), f"{INSTEAD}\n{PHONE}"),
    ),
    "unused_channel: it is told when one fails that is used nowhere": (
        (policy(), ways(PHONE.replace("}", ", page: pager}"), PAGER)),
        (policy(routes(route("all", to="[desk, phone]"))), ways(PHONE.replace("}", ", page: pager}"), PAGER)),
    ),
    "carried_in_vain: only clients' cases come there instead": (
        (policy(routes(route("x", "{from: client}", to="[other, desk]"), ALL)), f"{OTHER}\n{DESK}\n{BOTH_TIMES}"),
        (policy(routes(route("x", "{from: person}", to="[other, desk]"), ALL)), f"{OTHER}\n{DESK}\n{BOTH_TIMES}"),
    ),
    "late_instead: after somebody should have taken it": (
        (policy(critical="{claim: 30m, decide: 2d}", times="{claim: 29m, decide: 2d}"), f"{INSTEAD}\n{PHONE}"),
        (policy(critical="{claim: 30m, decide: 2d}", times="{claim: 30m, decide: 2d}"), f"{INSTEAD}\n{PHONE}"),
    ),
    "late_instead: a route has less time": (
        (policy(routes(route("all", deadlines="{claim: 20m}"))), f"{INSTEAD}\n{PHONE}"),
        (
            policy(routes(route("all", deadlines="{claim: 20m}"))),
            f"{INSTEAD.replace('phone', 'phone, instead_after: 20m')}\n{PHONE}",
        ),
    ),
    "late_instead: only of a severity that no concern can have": (
        (policy(times="{claim: 20m, decide: 2d}"), f"{INSTEAD}\n{PHONE}"),
        (policy(critical="{claim: 20m, decide: 2d}"), f"{INSTEAD}\n{PHONE}"),
    ),
    "fails_together: whoever is told": (
        (policy(), f"{on('x', DESK, 'page: phone')}\n{on('x', PHONE, 'page: desk')}"),
        (policy(), f"{on('x', DESK, 'page: phone')}\n{on('y', PHONE, 'page: desk')}"),
    ),
    "fails_together: whoever comes in": (
        (policy(), f"{on('x', DESK, 'instead: phone, page: pager')}\n{on('x', PHONE, 'page: pager')}\n{PAGER}"),
        (policy(), f"{on('x', DESK, 'instead: phone, page: pager')}\n{on('y', PHONE, 'page: pager')}\n{PAGER}"),
    ),
    "fails_together: by default": (
        (policy(routes(route("all", to="[desk, phone]"))), f"{on('x', DESK)}\n{on('x', PHONE)}"),
        (policy(routes(route("all", to="[desk, phone]"))), f"{on('x', DESK)}\n{on('y', PHONE)}"),
    ),
    "external_in_to: outside only after approval": (
        (policy(routes(route("all", to="[desk, police]"))), ways(POLICE)),
        (policy(routes(route("all", hold="police"))), ways(POLICE)),
    ),
    "clear_secret": (
        (policy(), DESK.replace(", path: a", "").replace(FOLDER, WEBHOOK.format("whsec_MARKED7f3a"))),
        (policy(), DESK.replace(", path: a", "").replace(FOLDER, WEBHOOK.format("env:SECRET"))),
    ),
    "fallback_involved: a member of the last one can be named": (
        (policy(teams=MEMBER.format("", "members: anna"), fallback="[legal, ombuds]", more=ANNA), ways(OMBUDS_DESK)),
        (policy(teams=MEMBER.format("members: anna", ""), fallback="[legal, ombuds]", more=ANNA), ways(OMBUDS_DESK)),
    ),
    "fallback_involved: the last one can be named": (
        (policy(teams=NAMEABLE), ways()),
        (policy(teams=TEAMS), ways()),
    ),
}


@pytest.mark.parametrize("claim", OTHERS)
def test_what_a_policy_gets_wrong_is_found(claim: str) -> None:
    bad, good = OTHERS[claim]

    assert claim.split(":", maxsplit=1)[0] in {one.code for one in problems(*bad)}
    assert problems(*good) == ()


def test_a_finding_names_file_and_line_and_says_what_to_do() -> None:
    (found,) = findings(policy(routes(ALL, FRAUD)), ways(), today=TODAY)

    assert (found.file, found.line) == ("policy.yaml", 11)
    assert (
        found.said
        == "route 'fraud' is never reached: 'all' (line 11) takes all that it matches; put it before that, or remove it"
    )


def test_names_that_lead_nowhere_do_not_stop_it() -> None:
    broken = policy(routes(route("x", "{category: frud}", to="dsk", teams="lgal"), ALL, FRAUD), fallback="nobody")

    assert {"unknown_team", "unknown_channel", "unknown_category", "unreachable"} <= {
        one.code for one in problems(broken, ways())
    }


def test_of_channels_that_cannot_be_read_nothing_is_said_to_be_unused() -> None:
    assert findings(policy(), DESK.replace("folder", "foldr"), today=TODAY) == ()


def test_a_wrong_shape_has_errors_and_no_findings() -> None:
    assert findings(policy(routes(ALL, FRAUD)).replace("fallback", "fallbck"), ways(), today=TODAY) == ()


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in CONFIG.rglob("policy.yaml")), ids=lambda path: path.name
)
def test_the_shipped_policies_have_none(folder: Path) -> None:
    policy_text, channels_text = policy_texts(folder)

    assert findings(policy_text, channels_text, today=TODAY) == ()


@pytest.mark.timeout(60)
def test_ten_thousand_routes_are_compared_with_each_other() -> None:
    """In about two seconds; one by one it would be fifty million comparisons."""
    several = [
        route(f"r{n}", f"{{category: fraud, country: '{chr(65 + n % 26)}{chr(65 + n // 26 % 26)}', site: s{n}}}")
        for n in range(10_000)
    ]
    sites = ", ".join(f"s{n}: {{label: S}}" for n in range(10_000))
    again = several[5_000].replace("r5000", "again")
    text = policy(routes(*several, again, ALL).replace("},", "},\n "), more=f"sites: {{{sites}}}")

    (found,) = findings(text, ways(), today=TODAY)

    assert found.said.startswith("route 'again' is never reached: 'r5000' (line ")
