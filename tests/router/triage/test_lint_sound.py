"""What is called unreachable is never reached, whatever comes in."""

import re
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.model import Facts
from router.triage.lint import findings
from router.triage.policy import parse_policy
from tests.oddities import TODAY, policy, ways
from tests.policies import decided, facts

VALUES = {
    "category": ("fraud", "theft"),
    "noticed_how": ("police_notice", "network_filter"),
    "urgency": ("ongoing", "live_now"),
    "site": ("plant", "lab"),
    "from": ("person", "client"),
}
LISTED = {name: st.lists(st.sampled_from(values), min_size=1, unique=True) for name, values in VALUES.items()}
THRESHOLD = {"severity_at_least": st.sampled_from(("low", "medium", "high", "critical"))}


def conditions(more: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[str]:
    chosen = st.fixed_dictionaries({}, optional={**LISTED, **more})
    return chosen.map(
        lambda when: (
            "{"
            + ", ".join(f"{name}: {said if isinstance(said, str) else str(said)}" for name, said in when.items())
            + "}"
        )
    ).map(lambda text: text.replace("'", ""))


def listed(depth: int) -> st.SearchStrategy[list[Any]]:
    inner = listed(depth - 1) if depth else st.just([])
    return st.lists(st.tuples(conditions(THRESHOLD), st.booleans(), inner), max_size=4 - depth, min_size=1 - depth)


def written(routes: list[Any], name: str = "r") -> str:
    several = []
    for number, (when, goes_on, inner) in enumerate(routes):
        own = f"{name}{number}"
        more = f", routes: {written(inner, f'{own}-')}" if inner else ""
        several.append(f"{{id: {own}, when: {when}, teams: legal, to: desk, continue: {str(goes_on).lower()}{more}}}")
    return f"[{', '.join(several)}]".replace("when: {}, ", "")


EVERYTHING: list[tuple[Facts, bool]] = [
    (facts(category=category, noticed_how=how, urgency=urgency, site=site), person)
    for category, how, urgency, site, person in product(
        VALUES["category"],
        (*VALUES["noticed_how"], "told_by_someone"),
        ((), ("ongoing",), ("live_now",), ("ongoing", "live_now"), ("evidence_at_risk",)),
        (None, *VALUES["site"]),
        (True, False),
    )
]


@settings(max_examples=40)
@given(
    routes=listed(1).filter(bool),
    rules=st.lists(
        st.tuples(conditions({}), st.sampled_from(("low", "medium", "high", "critical"))), min_size=1, max_size=3
    ),
)
def test_what_is_called_unreachable_is_never_reached(routes: list[Any], rules: list[tuple[str, str]]) -> None:
    severity = [f"{{id: s{number}, when: {when}, set: {sets}}}" for number, (when, sets) in enumerate(rules)]
    text = policy(
        written(routes),
        severity=f"[{', '.join(severity)}]".replace("when: {}, ", ""),
        more="sites: {plant: {label: Plant}, lab: {label: Lab}}",
    )
    compiled = parse_policy(text, ways())
    found = [one.said for one in findings(text, ways(), today=TODAY) if one.code == "unreachable"]
    named = {name[1] for said in found if (name := re.search(r"'([a-z0-9-]+)'", said))}

    reached = {
        rule.rule.partition(":")[2]
        for concern, person in EVERYTHING
        for rule in decided(compiled, concern, statutory=person).trace
        if rule.matched
    }

    assert named.isdisjoint(reached)
