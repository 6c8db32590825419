"""The shipped examples get the decision that they say, and reach every route."""

from typing import Any

import pytest

from router.configfile.yamltext import read as read_text
from router.configfile.yamltext import read_file
from router.model import Facts
from tests.policies import CONFIG, decided, held, shipped, told

FILE = "policy.examples.yaml"
EXAMPLES: list[dict[str, Any]] = read_text(read_file(CONFIG / FILE), FILE).value["examples"]


def test_there_are_enough_of_them_and_the_file_is_clean() -> None:
    document = read_text(read_file(CONFIG / FILE), FILE)

    assert document.problems == []
    assert len(EXAMPLES) >= 25
    assert len({example["name"] for example in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_example(example: dict[str, Any]) -> None:
    assert set(example) <= {"name", "from", "facts", "expect"}
    concern = Facts.model_validate(example["facts"])

    decision = decided(shipped(), concern, statutory=example.get("from", "person") == "person")

    assert shipped().unknown_in(concern) == ()
    assert {
        "severity": decision.severity.value,
        "route": decision.route,
        "teams": list(decision.teams),
        "told": told(decision),
        "held": held(decision),
        "avoided": list(decision.avoided),
    } == {"held": [], "avoided": [], **example["expect"]}


def test_every_route_is_reached_by_an_example() -> None:
    assert {route.name for route in shipped().routes} == {example["expect"]["route"] for example in EXAMPLES}
