"""Compiled rules: matching, explaining, and a memory that stays small and never mixes concerns up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.triage import match
from router.triage.file import When
from router.triage.match import MOST_LISTED, MOST_REMEMBERED, MOST_WANTED, Rule, RuleList, compiled
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
        ({"urgency": ("ongoing", "live_now")}, {"urgency": (Urgency.LIVE_NOW, Urgency.EVIDENCE_AT_RISK)}, True),
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
    assert list(RuleList([rule]).matching(view)) == [0] * matches


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


@pytest.mark.parametrize("conditions", range(1, 5))
def test_the_same_values_are_explained_once(conditions: int) -> None:
    """A rule with many conditions hardly meets all the same values again, so each condition remembers its own."""
    view = {"where_found": WhereFound.LAPTOP, "urgency": (Urgency.ONGOING,), "country": "AA", "category": "fraud"}
    wanted = {"where_found": "laptop", "country": "AA", "urgency": "ongoing", "category": "fraud"}
    rule = Rule("rule", {field: (value,) for field, value in list(wanted.items())[:conditions]})

    first, again, other = rule.tried(view), rule.tried(view), rule.tried({**view, "country": "BB"})

    assert (first is again) is (conditions <= 2)
    assert all(one is two for one, two in zip(first.tests, again.tests, strict=True))
    assert first.tests[0] is other.tests[0]
    assert first.matched
    assert other.matched is (conditions == 1)


def test_all_rules_of_a_policy_together_remember_no_more_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MOST_IN_ALL", 100)
    rules = compiled([(f"route:{number}", When(category="fraud", site="plant")) for number in range(20)])

    for number in range(10):
        for rule in rules:
            rule.tried({"category": f"c{number}", "site": f"s{number}"})

    kept = [len(remembered) for rule in rules for _, remembered, _ in rule._conditions or ()]
    assert kept == [2] * 40


wants = st.fixed_dictionaries(
    {},
    optional={
        "where_found": st.lists(st.sampled_from([str(one) for one in WhereFound][:4]), min_size=1).map(tuple),
        "urgency": st.lists(st.sampled_from([str(one) for one in Urgency]), min_size=1).map(tuple),
        "country": st.sampled_from([("AA",), ("AA", "BB")]),
        "severity_at_least": st.sampled_from([(str(one),) for one in Severity]),
    },
)
views = st.fixed_dictionaries(
    {
        "where_found": st.none() | st.sampled_from(list(WhereFound)[:5]),
        "urgency": st.lists(st.sampled_from(Urgency), unique=True).map(tuple),
        "country": st.sampled_from([None, "AA", "BB", "CC"]),
        "severity_at_least": st.sampled_from(Severity),
    }
)


@given(wanted=st.lists(wants, max_size=40), view=views)
def test_many_rules_asked_at_once_answer_as_each_alone(
    wanted: list[dict[str, tuple[str, ...]]], view: dict[str, Any]
) -> None:
    rules = [Rule(f"route:{number}", one) for number, one in enumerate(wanted)]

    assert list(RuleList(rules).matching(view)) == [place for place, rule in enumerate(rules) if rule.matches(view)]


@given(wanted=st.lists(wants, min_size=1, max_size=20), view=views)
def test_many_rules_are_explained_as_each_alone(wanted: list[dict[str, tuple[str, ...]]], view: dict[str, Any]) -> None:
    rules = [Rule(f"route:{number}", one) for number, one in enumerate(wanted)]
    begin = len(rules) // 3

    assert list(RuleList(rules).tried(view, begin, len(rules))) == [rule.tried(view) for rule in rules[begin:]]


def test_a_list_is_told_one_by_one_up_to_its_bound() -> None:
    rules = [Rule(f"route:{number}", {"country": ("AA",)}) for number in range(MOST_LISTED)]

    assert len(list(RuleList(rules).tried(NOTHING, 0, MOST_LISTED))) == MOST_LISTED


def long_list() -> RuleList:
    """The first rules want a country, the next a place and severity; the last one a place alone."""
    rules: list[dict[str, tuple[str, ...]]]
    rules = [{"country": (f"{chr(65 + number % 26)}A",)} for number in range(MOST_LISTED)]
    rules += [{"where_found": ("email", "laptop"), "severity_at_least": ("high",)}] * 3
    rules += [{"where_found": ("laptop",)}]
    return RuleList([Rule(f"route:{number}", one) for number, one in enumerate(rules)])


def test_of_a_long_list_those_that_do_not_match_are_told_together_by_the_condition_that_failed() -> None:
    view = {**NOTHING, "where_found": WhereFound.LAPTOP, "country": "ZZ"}
    told = list(long_list().tried(view, 0, MOST_LISTED + 4))

    assert [(rule.rule, rule.matched) for rule in told] == [
        (f"route:{MOST_LISTED} others", False),
        ("route:3 others", False),
        (f"route:{MOST_LISTED + 3}", True),
    ]
    countries, severity = told[0].tests[0], told[1].tests[0]
    assert (countries.field, countries.actual, countries.ok) == ("country", ("ZZ",), False)
    assert countries.wanted == (*[f"{chr(65 + number)}A" for number in range(MOST_WANTED)], "14 more")
    assert (severity.field, severity.wanted, severity.actual) == (
        "severity_at_least",
        ("high", "critical"),
        ("medium",),
    )


@pytest.mark.parametrize(("begin", "end"), [(10, 20), (0, MOST_WANTED)])
def test_of_a_long_list_only_those_that_were_tried_are_told_and_what_they_wanted(begin: int, end: int) -> None:
    told = list(long_list().tried({**NOTHING, "country": "ZZ"}, begin, end))

    assert [(rule.rule, rule.matched) for rule in told] == [(f"route:{end - begin} others", False)]
    assert told[0].tests[0].wanted == tuple(f"{chr(65 + number)}A" for number in range(begin, end))
