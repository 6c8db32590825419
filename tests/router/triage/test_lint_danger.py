"""`policy check` finds danger that is less than critical, and drafts of it of which nobody on duty hears."""

import pytest

from router.triage.lint import findings
from tests.oddities import POLICE, TODAY, policy, route, routes, ways

PHONE = "phone: {kind: folder, scope: internal, carries: [], readable_by: [legal], path: c}"
RINGS = f"{POLICE[:-1]}, page: phone}}"
"""The outside channel whose `page` makes `phone` one that rings."""
NOW = "urgency: [child_in_immediate_danger, live_now]"
DANGER = "child_in_immediate_danger, live_now, danger_to_life"
CRITICAL = f"[{{id: danger, when: {{urgency: [{DANGER}]}}, set: critical}}, {{id: any, set: low}}]"
HELD = route("all", hold="police")


def codes(*several: str, severity: str = CRITICAL) -> list[tuple[str, int]]:
    text = policy(routes(*several), severity=severity).replace(
        "theft: {label: Theft, floor: low}", "child_at_risk: {label: Child, floor: low}"
    )
    found = findings(text, ways(RINGS, PHONE), today=TODAY)
    return [(one.code, one.said.count("'")) for one in found if one.code.startswith("danger_")]


@pytest.mark.parametrize(
    "several",
    [
        (route("alarm", f"{{{NOW}}}", to="phone", teams="", **{"continue": "true"}), HELD),
        (route("all", hold="police", to="[desk, phone]"),),
        (
            route("child", "{category: child_at_risk}", to="[desk, phone]"),
            route("rest", "{category: fraud}", hold="police"),
        ),
        (route("ongoing", "{urgency: ongoing, category: fraud}", hold="police"), route("all")),
        (
            route("alarm", "{severity_at_least: critical}", to="phone", teams="", **{"continue": "true"}),
            HELD,
        ),
        (
            route(
                "all",
                hold="police",
                routes=routes(route("alarm", f"{{{NOW}}}", to="phone", teams="", **{"continue": "true"})),
            ),
        ),
    ],
    ids=["added before", "told itself", "no child's", "another category's", "added by severity", "added inside"],
)
def test_a_draft_of_danger_of_which_a_phone_rings_is_in_order(several: tuple[str, ...]) -> None:
    assert codes(*several) == []


@pytest.mark.parametrize(
    ("several", "times"),
    [
        ((HELD,), 2),
        ((route("alarm", "{urgency: live_now}", to="phone", teams="", **{"continue": "true"}), HELD), 1),
        ((HELD, route("alarm", f"{{{NOW}}}", to="phone", teams="", **{"continue": "true"})), 2),
        (
            (
                route("alarm", f"{{{NOW}, site: plant}}", to="phone", teams="", **{"continue": "true"}),
                HELD,
            ),
            2,
        ),
    ],
    ids=["nobody", "of one kind alone", "too late", "at one site alone"],
)
def test_a_draft_of_danger_of_which_no_phone_rings_is_found(several: tuple[str, ...], times: int) -> None:
    assert [code for code, _ in codes(*several)] == ["danger_pages_nobody"] * times


@pytest.mark.parametrize(
    ("severity", "times"),
    [
        (CRITICAL, 0),
        (CRITICAL.replace("live_now, danger_to_life", "live_now"), 1),
        (CRITICAL.replace("critical", "high"), 3),
        (f"[{{id: calm, when: {{noticed_how: police_notice}}, set: low}}, {CRITICAL[1:]}", 3),
    ],
    ids=["critical", "life is not", "high", "an earlier rule"],
)
def test_danger_that_can_be_less_than_critical_is_found(severity: str, times: int) -> None:
    found = codes(route("all"), severity=severity)

    assert [code for code, _ in found] == ["danger_not_critical"] * times
