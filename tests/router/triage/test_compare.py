"""Two policies side by side: what is said to differ, and which cases would go elsewhere."""

from datetime import UTC, datetime
from typing import Any

import pytest

from router.configfile.shape import shape
from router.configfile.yamltext import read
from router.triage.compare import Change, Elsewhere, Past, What, by_route, changes, elsewhere
from router.triage.file import PolicyFile
from router.triage.policy import Policy, parse_policy
from tests.oddities import DESK, OFFICE, PHONE, POLICE, policy, route, routes
from tests.policies import CONSOLE, REFERENCE, facts

WAYS = f"{DESK}\n{PHONE}\n{POLICE}\n"
RECEIVED = datetime(2026, 11, 30, 9, tzinfo=UTC)
FRAUD, PLANT, ALL = route("fraud", "{category: fraud}"), route("plant", "{site: plant}"), route("all")
WIDER = route("fraud", "{category: [fraud, theft], from: client}", to="[desk, phone]", hold="police")
MORE = "sites: {plant: {label: Plant}}"


def sides(text: str, ways: str) -> tuple[PolicyFile, Policy]:
    made = shape(read(text, "policy.yaml"), PolicyFile)
    assert made is not None
    return made, parse_policy(text, ways)


def changed(old: str, new: str, *, old_ways: str = WAYS, new_ways: str = WAYS) -> tuple[Change, ...]:
    (was, compiled), (is_now, compiled_now) = sides(old, old_ways), sides(new, new_ways)
    return changes(was, is_now, compiled.channels.channels, compiled_now.channels.channels)


BASE = policy(routes(FRAUD, PLANT, ALL), more=MORE)
ESCALATIONS = "escalations: {duty: [{unclaimed: 30m, to: phone}]}"

CHANGES: dict[str, tuple[str, str, list[Change]]] = {
    "how it is written does not count": (
        BASE,
        BASE.replace("teams: legal,", "teams: [legal],").replace("\nfallback", "\n# nothing\nfallback"),
        [],
    ),
    "a route added": (policy(routes(FRAUD, ALL)), policy(routes(FRAUD, route("x", "{from: client}"), ALL)),
                      [Change(What.ADDED, "route", "x")]),
    "a route removed": (policy(routes(FRAUD, ALL)), policy(routes(ALL)), [Change(What.REMOVED, "route", "fraud")]),
    "a route changed": (
        policy(routes(FRAUD, ALL)),
        policy(routes(WIDER, ALL)),
        [Change(What.CHANGED, "route", "fraud",
                ("when.category: + theft", "to: + phone", "when.from: + client", "hold: + police"))],
    ),
    "a route moved": (BASE, policy(routes(PLANT, FRAUD, ALL), more=MORE),
                      [Change(What.MOVED, "route", "plant", ("now the first",))]),
    "a route put inside another": (
        BASE,
        policy(routes(route("fraud", "{category: fraud}", routes=routes(PLANT)), ALL), more=MORE),
        [Change(What.CHANGED, "route", "plant", ("inside: not said -> fraud",))],
    ),
    "the order of channels": (
        policy(routes(route("all", to="[desk, phone]"))),
        policy(routes(route("all", to="[phone, desk]"))),
        [Change(What.CHANGED, "route", "all", ("to: another order: phone, desk",))],
    ),
    "times": (
        policy(times="{claim: 4h, decide: 2d}"),
        policy(times="{claim: 5h, decide: 2d}").replace("low: {claim: 5h", "low: {claim: 4h"),
        [Change(What.CHANGED, "deadline", "high", ("claim: 4h -> 5h",)),
         Change(What.CHANGED, "deadline", "medium", ("claim: 4h -> 5h",))],
    ),
    "an escalation's step": (
        policy(critical="{claim: 1h, decide: 2d, escalate: duty}", more=ESCALATIONS),
        policy(critical="{claim: 1h, decide: 2d, escalate: duty}", more=ESCALATIONS.replace("30m", "45m")),
        [Change(What.CHANGED, "escalation", "duty",
                ("step 1: unclaimed 30m, to phone -> unclaimed 45m, to phone",))],
    ),
    "a calendar's hours": (
        policy(calendar="calendar: office", more=f"calendars: {{{OFFICE}}}"),
        policy(calendar="calendar: office", more=f"calendars: {{{OFFICE.replace('16:00', '17:00')}}}"),
        [Change(What.CHANGED, "calendar", "office", ("hours: - 08:00-16:00, + 08:00-17:00",))],
    ),
    "somebody's account, which is not shown": (
        policy(more="people: {anna: {handles: marked.7f3a}}", teams="{legal: {label: L, desks: desk, members: anna},"
               " ombuds: {label: O, desks: phone}}", fallback="[legal, ombuds]"),
        policy(more="people: {anna: {handles: marked.8e4b}}", teams="{legal: {label: L, desks: desk, members: anna},"
               " ombuds: {label: O, desks: phone}}", fallback="[legal, ombuds]"),
        [Change(What.CHANGED, "person", "anna", ("handles: differs",))],
    ),
    "the law": (BASE, f"{BASE}legal_profile: us_employer\n",
                [Change(What.CHANGED, "setting", "legal_profile", ("eu_employer -> us_employer",))]),
    "a category": (BASE, BASE.replace("floor: medium", "floor: high"),
                   [Change(What.CHANGED, "category", "fraud", ("floor: medium -> high",))]),
    "severity rules": (
        policy(severity="[{id: a, when: {urgency: ongoing}, set: high}, {id: b, set: low}]"),
        policy(severity="[{id: a, when: {urgency: live_now}, set: critical}, {id: b, set: low}]"),
        [Change(What.CHANGED, "severity rule", "a", ("when.urgency: - ongoing, + live_now", "set: high -> critical"))],
    ),
}  # fmt: skip

PHONE_FOR_BOTH = PHONE.replace("[legal]", "[ombuds]")


@pytest.mark.parametrize("claim", CHANGES)
def test_what_differs_in_meaning_is_named(claim: str) -> None:
    old, new, wanted = CHANGES[claim]
    ways = WAYS.replace(PHONE, PHONE_FOR_BOTH) if "ombuds" in old else WAYS

    assert list(changed(old, new, old_ways=ways, new_ways=ways)) == wanted


def test_channels_differ_too() -> None:
    wider = WAYS.replace("carries: []", "carries: [category]", 1).replace("path: c", "path: d")

    assert list(changed(BASE, BASE, new_ways=wider)) == [
        Change(What.CHANGED, "channel", "desk", ("carries: + category",)),
        Change(What.CHANGED, "channel", "phone", ("settings.path: differs",)),
    ]


STAND_IN = WAYS.replace("path: a}", "path: a, instead: phone, instead_after: 90m, page: phone}")


def test_who_is_told_when_a_channel_fails_differs_too() -> None:
    details = ("instead_after: 30m -> 90m", "page: not said -> phone", "instead: not said -> phone")

    assert list(changed(BASE, BASE, new_ways=STAND_IN)) == [Change(What.CHANGED, "channel", "desk", details)]


NINE = "T09:00:00+00:00"
OLD = sides(policy(routes(FRAUD, ALL)), WAYS)[1]


def other(text: str, *, old: Policy = OLD, by_client: bool = False, **values: Any) -> Elsewhere | None:
    past = Past(REFERENCE, RECEIVED, by_client, facts(**{"category": "fraud", **values}))
    return elsewhere(old, sides(text, WAYS)[1], past, console_url=CONSOLE)


def test_a_case_that_is_decided_alike_is_not_named() -> None:
    assert other(policy(routes(FRAUD, PLANT, ALL), more=MORE)) is None


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (policy(routes(ALL)), {"route": ("fraud", "all")}),
        (policy(routes(FRAUD.replace("to: desk", "to: [desk, phone]"), ALL)), {"told": ("desk", "desk, phone")}),
        (policy(routes(route("fraud", "{category: fraud}", hold="police"), ALL)), {"held": ("none", "police")}),
        (policy(routes(FRAUD, ALL), severity="[{id: x, set: high}]"), {"severity": ("medium", "high")}),
        (
            policy(routes(FRAUD, ALL), times="{claim: 2h, decide: 2d}"),
            {"claim_by": ("2026-11-30T10:00:00+00:00", "2026-11-30T11:00:00+00:00")},
        ),
        (policy(routes(FRAUD, ALL), times="{claim: 1h, decide: 2d, escalate: duty}", more=ESCALATIONS),
         {"escalated": ("none", "phone")}),
        (
            policy(routes(FRAUD, ALL), more="legal_profile: us_employer"),
            {"acknowledge_by": (f"2026-12-07{NINE}", "none"), "feedback_by": (f"2027-02-28{NINE}", "none")},
        ),
        (
            policy(routes(FRAUD.replace("category: fraud", "site: x"), route("theft", "{category: theft}")),
                   more="sites: {x: {label: X}}"),
            {"route": ("fraud", "fallback"), "reason": ("none", "no_match")},
        ),
    ],
)  # fmt: skip
def test_what_would_come_out_otherwise_is_named(text: str, fields: dict[str, tuple[str, str]]) -> None:
    found = other(text)

    assert found is not None
    assert (found.reference, dict(found.fields)) == (REFERENCE, fields)


def test_who_would_get_it_instead_is_named() -> None:
    past = Past(REFERENCE, RECEIVED, by_client=False, facts=facts(category="fraud"))
    found = elsewhere(OLD, sides(policy(routes(FRAUD, ALL)), STAND_IN)[1], past, console_url=CONSOLE)

    assert found is not None
    assert dict(found.fields) == {"instead": ("none", "phone")}


def test_who_filed_counts() -> None:
    by_clients = policy(routes(route("x", "{from: client}"), FRAUD, ALL))

    assert other(by_clients) is None
    found = other(by_clients, by_client=True)
    assert found is not None
    assert found.routes == ("fraud", "x")


def test_of_facts_that_cannot_be_read_nothing_is_said() -> None:
    past = Past(REFERENCE, RECEIVED, by_client=False, facts=None)

    assert elsewhere(OLD, sides(policy(routes(ALL)), WAYS)[1], past, console_url=CONSOLE) is None


def test_values_of_facts_are_not_shown() -> None:
    marked: dict[str, Any] = {
        "asset_tag": "MARKED-7f3a",
        "subject_handle": "MARKED-7f3a",
        "url": "https://example.org/MARKED-7f3a",
    }

    found = other(policy(routes(ALL)), **marked)

    assert found is not None
    assert "7f3a" not in str(found)
    assert "https" not in str(found)


def test_routes_are_counted_most_first() -> None:
    found = [
        Elsewhere(reference, {}, routes_)
        for reference, routes_ in (("1", ("a", "b")), ("2", ("a", "c")), ("3", ("a", "c")))
    ]

    assert list(by_route(found).items()) == [(("a", "c"), 2), (("a", "b"), 1)]
