"""Nested routes, routes that go on, and what the inner ones have from the one around them."""

from typing import Any

import pytest

from router.triage.parts import Policy, Route, everyone
from router.triage.policy import parse_policy
from router.vocabulary import Severity
from tests.policies import CHANNELS, POLICY, facts

SENTENCES = "sentences: {call: Call somebody., wait: Wait here.}\n"
NESTED = """\
  - {id: page, continue: true, when: {urgency: live_now}, to: security-desk, say: call}
  - id: fraud
    when: {category: fraud}
    teams: [legal, security]
    to: [legal-desk, security-desk]
    hold: police
    say: wait
    deadlines: {claim: 1h, decide: 2h, clock: always}
    link_duplicates: {by: category, within: 1d}
    routes:
      - {id: note, continue: true, when: {involves: hr}, say: call}
      - {id: at-plant, when: {site: plant}, teams: legal, to: legal-desk, hold: [], deadlines: {claim: 30m}}
      - id: online
        when: {where_found: [forum, email]}
        say: []
        routes:
          - {id: forum, when: {where_found: forum}, to: legal-desk, teams: legal}
  - {id: log, continue: true, when: {site: plant}, say: call}
  - {id: rest, when: {category: other, site: plant}, teams: legal, to: legal-desk}
"""


def with_routes(routes: str) -> Policy:
    head, _, rest = POLICY.partition("routes:\n")
    return parse_policy(f"{head}{SENTENCES}routes:\n{routes}{rest[rest.index('fallback:') :]}", CHANNELS)


POLICY_OF_ROUTES = with_routes(NESTED)


def view(**values: Any) -> dict[str, Any]:
    return {**facts(**values).__dict__, "from": "person", "severity_at_least": Severity.MEDIUM}


def named(name: str) -> Route:
    (found,) = [route for route in everyone(POLICY_OF_ROUTES.routes) if route.name == name]
    return found


@pytest.mark.parametrize(
    ("concern", "counted"),
    [
        ({"category": "fraud"}, ["fraud"]),
        ({"category": "fraud", "site": "plant"}, ["at-plant"]),
        ({"category": "fraud", "where_found": "email"}, ["online"]),
        ({"category": "fraud", "where_found": "forum"}, ["forum"]),
        ({"category": "fraud", "where_found": "forum", "site": "plant"}, ["at-plant"]),
        ({"category": "fraud", "involves": ["hr"]}, ["note", "fraud"]),
        ({"category": "fraud", "involves": ["hr"], "site": "plant"}, ["note", "at-plant"]),
        ({"category": "fraud", "urgency": ["live_now"]}, ["page", "fraud"]),
        ({"category": "fraud", "urgency": ["live_now"], "involves": ["hr"]}, ["page", "note", "fraud"]),
        ({"category": "other", "site": "plant"}, ["log", "rest"]),
        ({"category": "other", "urgency": ["live_now"]}, ["page"]),
        ({"category": "other"}, []),
    ],
)
def test_the_first_inner_route_that_matches_stands_for_the_outer_one(
    concern: dict[str, Any], counted: list[str]
) -> None:
    assert [route.name for route in POLICY_OF_ROUTES.candidates(view(**concern))] == counted


@pytest.mark.parametrize(
    ("concern", "tried"),
    [
        ({"category": "fraud"}, "page fraud+ note at-plant online"),
        ({"category": "fraud", "where_found": "email"}, "page fraud+ note at-plant online+ forum"),
        ({"category": "fraud", "involves": ["hr"], "site": "plant"}, "page fraud+ note+ at-plant+"),
        ({"category": "other", "site": "plant"}, "page fraud log+ rest+"),
        ({"category": "other", "urgency": ["live_now"]}, "page+ fraud log rest"),
    ],
)
def test_what_was_tried_is_told_in_order_the_inner_after_the_outer(concern: dict[str, Any], tried: str) -> None:
    told = [
        rule.rule.removeprefix("route:") + "+" * rule.matched for rule in POLICY_OF_ROUTES.routes_tried(view(**concern))
    ]

    assert " ".join(told) == tried


def test_of_many_routes_those_that_did_not_match_are_told_together_to_the_end() -> None:
    many = "".join(f"  - {{id: r{n}, when: {{site: plant}}, teams: legal, to: legal-desk}}\n" for n in range(201))

    told = list(with_routes(many).routes_tried(view(category="fraud")))

    assert [(rule.rule, rule.matched) for rule in told] == [("route:201 others", False)]


def test_an_inner_route_has_what_it_does_not_say_from_the_outer_one() -> None:
    outer, inner = named("fraud"), named("online")

    assert (inner.teams, inner.to, inner.hold) == (outer.teams, outer.to, outer.hold)
    assert (inner.times, inner.duplicates) == (outer.times, outer.duplicates)


def test_what_an_inner_route_says_counts_and_so_does_an_empty_list() -> None:
    inner = named("at-plant")

    assert [team.name for team in inner.teams] == ["legal"]
    assert inner.hold == ()
    assert named("online").say == ()
    assert named("forum").say == ()


def test_deadlines_are_inherited_one_by_one() -> None:
    times = named("at-plant").times

    assert times is not None
    assert (str(times.claim), str(times.decide), times.clock) == ("30m", "2h", "always")


def test_a_route_that_goes_on_has_nothing_from_the_one_around_it() -> None:
    inner = named("note")

    assert (inner.teams, inner.to, inner.hold, inner.say, inner.times) == ((), (), (), ("call",), None)


def test_a_route_that_goes_on_may_hold_others_of_which_one_stands_for_it() -> None:
    policy = with_routes(
        """\
  - id: all
    continue: true
    say: call
    routes:
      - {id: at-plant, when: {site: plant}, say: wait}
  - {id: rest, teams: legal, to: legal-desk}
"""
    )

    assert [route.name for route in policy.candidates(view(site="plant"))] == ["at-plant", "rest"]
    assert [route.name for route in policy.candidates(view())] == ["all", "rest"]


def test_inside_a_route_that_goes_on_nothing_decides_for_the_one_around_both() -> None:
    policy = with_routes(
        """\
  - id: outer
    teams: legal
    to: legal-desk
    routes:
      - id: adds
        continue: true
        say: call
        routes:
          - {id: at-plant, when: {site: plant}, say: wait}
"""
    )

    assert [route.name for route in policy.candidates(view(site="plant"))] == ["at-plant", "outer"]


def test_teams_of_inner_routes_need_a_key_too() -> None:
    assert POLICY_OF_ROUTES.key_teams == ("legal", "ombuds", "security")
    assert with_routes(
        """\
  - id: outer
    teams: legal
    to: legal-desk
    routes:
      - {id: inner, when: {site: plant}, teams: security, to: security-desk}
"""
    ).key_teams == ("legal", "ombuds", "security")
