"""Rules that the rules before them hide: the smallest policy that has some, and the nearest that has none."""

import pytest

from tests.oddities import ALL, FRAUD, THEFT, policy, problems, route, routes, ways, with_site

UNREACHABLE_ROUTES = {
    "after one that matches everything": (routes(ALL, FRAUD), routes(FRAUD, ALL)),
    "after one with one condition fewer": (
        routes(FRAUD, route("x", "{category: fraud, site: plant}"), ALL),
        routes(route("x", "{category: fraud, site: plant}"), FRAUD, ALL),
    ),
    "after one with more values": (
        routes(
            route("x", "{noticed_how: [network_filter, police_notice]}"),
            route("y", "{noticed_how: police_notice}"),
            ALL,
        ),
        routes(route("x", "{noticed_how: network_filter}"), route("y", "{noticed_how: police_notice}"), ALL),
    ),
    "after one that lets go on": (
        routes(ALL, FRAUD),
        routes(route("all", "", **{"continue": "true"}), FRAUD, THEFT),
    ),
    "after one that names every value that there is": (
        routes(route("both", "{from: [person, client]}"), FRAUD),
        routes(route("one", "{from: client}"), FRAUD, THEFT),
    ),
    "a fact that may be missing is not covered by all its values": (
        routes(
            route("x", "{verdict_source: [none, hash_list, vendor_verified, police]}"),
            route("y", "{verdict_source: police}"),
            ALL,
        ),
        routes(route("x", "{verdict_source: [none, hash_list, vendor_verified, police]}"), ALL),
    ),
    "by a list whose values are all taken": (
        routes(route("x", "{urgency: [ongoing, live_now]}"), route("y", "{urgency: live_now}"), ALL),
        routes(route("x", "{urgency: [ongoing]}"), route("y", "{urgency: live_now}"), ALL),
    ),
    "by a severity that each concern of the category has": (
        routes(route("x", "{severity_at_least: medium}"), FRAUD, ALL),
        routes(route("x", "{severity_at_least: high}"), FRAUD, ALL),
    ),
    "by several before it together": (
        routes(FRAUD, THEFT, route("x", "{site: plant}")),
        routes(FRAUD, route("x", "{site: plant}"), THEFT),
    ),
    "by several before it along a list": (
        routes(
            route("x", "{urgency: ongoing}"),
            route("y", "{urgency: live_now}"),
            route("z", "{urgency: [ongoing, live_now]}"),
            ALL,
        ),
        routes(route("x", "{urgency: ongoing}"), route("z", "{urgency: [ongoing, live_now]}"), ALL),
    ),
    "nested, after one without condition": (
        routes(route("out", routes=routes(route("in"), route("late", "{category: fraud}")))),
        routes(route("out", routes=routes(route("late", "{category: fraud}"), route("in")))),
    ),
    "nested in what excludes it": (
        routes(route("out", "{category: fraud}", routes=routes(THEFT)), ALL),
        routes(route("out", "{site: plant}", routes=routes(THEFT)), ALL),
    ),
    "nested where the conditions around it make it the same": (
        routes(
            route(
                "out", "{category: fraud}", routes=routes(route("x", "{category: fraud}"), route("y", "{site: plant}"))
            ),
            ALL,
        ),
        routes(
            route("out", "{category: fraud}", routes=routes(route("x", "{site: plant}"), route("y", "{from: client}"))),
            ALL,
        ),
    ),
    "nested, and taken by a route before the one around it": (
        routes(
            route("x", "{site: plant}"),
            route("out", "{category: fraud}", routes=routes(route("y", "{site: plant}"))),
            ALL,
        ),
        routes(
            route("out", "{category: fraud}", routes=routes(route("y", "{site: plant}"))),
            route("x", "{site: plant}"),
            ALL,
        ),
    ),
    "wanting a severity that no such concern has": (
        routes(route("x", "{category: theft, severity_at_least: critical}"), ALL),
        routes(route("x", "{category: fraud, severity_at_least: medium}"), ALL),
    ),
}


@pytest.mark.parametrize("claim", UNREACHABLE_ROUTES)
def test_a_route_that_nothing_reaches_is_found(claim: str) -> None:
    bad, good = (with_site(policy(text)) for text in UNREACHABLE_ROUTES[claim])

    assert {one.code for one in problems(bad, ways())} == {"unreachable"}
    assert problems(good, ways()) == ()


OVERLAPPING_ROUTES = {
    "the same field, some values in common": (
        routes(
            route("x", "{noticed_how: [network_filter, police_notice]}"),
            route("y", "{noticed_how: [police_notice, helpdesk_repair]}"),
            ALL,
        ),
        routes(
            route("x", "{noticed_how: [network_filter, police_notice]}"),
            route("y", "{noticed_how: helpdesk_repair}"),
            ALL,
        ),
    ),
    "two fields, either wider in one": (
        routes(
            route("x", "{category: fraud, noticed_how: [network_filter, police_notice]}"),
            route("y", "{category: [fraud, theft], noticed_how: police_notice}"),
            ALL,
        ),
        routes(
            route("x", "{category: fraud, noticed_how: police_notice}"),
            route("y", "{category: [fraud, theft], noticed_how: police_notice}"),
            ALL,
        ),
    ),
    "a list with a value in common": (
        routes(route("x", "{urgency: [ongoing, live_now]}"), route("y", "{urgency: [ongoing, danger_to_life]}"), ALL),
        routes(route("x", "{urgency: [ongoing, live_now]}"), route("y", "{urgency: danger_to_life}"), ALL),
    ),
    "a threshold, and the category": (
        routes(
            route("x", "{category: fraud, severity_at_least: medium}"),
            route("y", "{category: [fraud, theft], severity_at_least: high}"),
            ALL,
        ),
        routes(
            route("x", "{category: fraud, severity_at_least: high}"),
            route("y", "{category: [fraud, theft], severity_at_least: medium}"),
            ALL,
        ),
    ),
    "the earlier goes on, so nothing is decided by the order": (
        routes(
            route("x", "{noticed_how: [network_filter, police_notice]}"),
            route("y", "{noticed_how: [police_notice, helpdesk_repair]}"),
            ALL,
        ),
        routes(
            route("x", "{noticed_how: [network_filter, police_notice]}", **{"continue": "true"}),
            route("y", "{noticed_how: [police_notice, helpdesk_repair]}"),
            ALL,
        ),
    ),
    "nested": (
        routes(
            route(
                "out",
                routes=routes(
                    route("x", "{urgency: [ongoing, live_now]}"), route("y", "{urgency: [ongoing, danger_to_life]}")
                ),
            )
        ),
        routes(
            route(
                "out",
                routes=routes(route("x", "{urgency: live_now}"), route("y", "{urgency: [ongoing, danger_to_life]}")),
            )
        ),
    ),
}


@pytest.mark.parametrize("claim", OVERLAPPING_ROUTES)
def test_routes_whose_order_decides_silently_are_found(claim: str) -> None:
    bad, good = (policy(text) for text in OVERLAPPING_ROUTES[claim])

    assert [one.code for one in problems(bad, ways())] == ["overlap"]
    assert problems(good, ways()) == ()


SEVERITY_RULES = {
    "unreachable": (
        "[{id: all, set: low}, {id: x, when: {urgency: ongoing}, set: high}]",
        "[{id: x, when: {urgency: ongoing}, set: high}, {id: all, set: low}]",
    ),
    "overlap": (
        "[{id: x, when: {country: [DE, LU]}, set: high}, {id: y, when: {country: [DE, FR]}, set: critical}]",
        "[{id: x, when: {country: [DE, LU]}, set: high}, {id: y, when: {country: [DE, FR]}, set: high}]",
    ),
    "overlap (a concern may have both, and the milder comes first)": (
        "[{id: x, when: {urgency: ongoing}, set: high}, {id: y, when: {urgency: live_now}, set: critical}]",
        "[{id: y, when: {urgency: live_now}, set: critical}, {id: x, when: {urgency: ongoing}, set: high}]",
    ),
}


@pytest.mark.parametrize("claim", SEVERITY_RULES)
def test_severity_rules_that_hide_others_are_found(claim: str) -> None:
    bad, good = (policy(severity=text) for text in SEVERITY_RULES[claim])

    assert [one.code for one in problems(bad, ways())] == [claim.split(maxsplit=1)[0]]
    assert problems(good, ways()) == ()
