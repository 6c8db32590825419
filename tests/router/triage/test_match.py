"""Compiled rules: matching, explaining, and a memory that stays small and never mixes concerns up."""

from typing import Any

import pytest

from router.triage.match import MOST_REMEMBERED, Rule
from router.vocabulary import Severity, Urgency, WhereFound

NOTHING: dict[str, Any] = {
    "where_found": None,
    "urgency": (),
    "country": None,
    "severity_at_least": Severity.MEDIUM,
}


@pytest.mark.parametrize(
    ("wanted", "has", "matches"),
    [
        ({}, {}, True),
        ({"where_found": ("laptop", "email")}, {"where_found": WhereFound.EMAIL}, True),
        ({"where_found": ("laptop", "email")}, {"where_found": WhereFound.CHAT}, False),
        ({"where_found": ("laptop",)}, {}, False),
        ({"urgency": ("ongoing", "live_now")}, {"urgency": (Urgency.EVIDENCE_AT_RISK, Urgency.LIVE_NOW)}, True),
        ({"urgency": ("ongoing",)}, {"urgency": (Urgency.LIVE_NOW,)}, False),
        ({"urgency": ("ongoing",)}, {}, False),
        ({"severity_at_least": ("medium",)}, {}, True),
        ({"severity_at_least": ("low",)}, {}, True),
        ({"severity_at_least": ("high",)}, {}, False),
        ({"severity_at_least": ("low",), "where_found": ("laptop",)}, {"where_found": WhereFound.LAPTOP}, True),
        ({"severity_at_least": ("high",), "where_found": ("laptop",)}, {"where_found": WhereFound.LAPTOP}, False),
    ],
)
def test_matches_when_every_condition_holds(
    wanted: dict[str, tuple[str, ...]], has: dict[str, Any], *, matches: bool
) -> None:
    rule = Rule("rule", wanted)
    view = {**NOTHING, **has}

    assert rule.matches(view) is matches
    assert rule.tried(view).matched is matches


def test_explains_conditions_that_hold_beside_those_that_do_not() -> None:
    rule = Rule("rule", {"where_found": ("laptop",), "urgency": ("ongoing",)})

    tried = rule.tried({**NOTHING, "urgency": (Urgency.ONGOING, Urgency.LIVE_NOW)})

    assert [test.model_dump() for test in tried.tests] == [
        {"field": "where_found", "wanted": ("laptop",), "actual": (), "ok": False},
        {"field": "urgency", "wanted": ("ongoing",), "actual": ("ongoing", "live_now"), "ok": True},
    ]


def test_remembers_without_mixing_up_and_forgets_in_time() -> None:
    rule = Rule("rule", {"country": ("AA",)})
    countries = [chr(65 + number // 26) + chr(65 + number % 26) for number in range(26 * 26)]

    for country in [*countries, *countries]:
        assert rule.tried({**NOTHING, "country": country}).tests[0].actual == (country,)
    ((_, remembered, _),) = rule._conditions or ()
    assert 0 < len(remembered) <= MOST_REMEMBERED
