"""Each recipe in config/recipes/sources loads, and takes of a recorded message its facts and nothing else.

The messages are invented, after the vendors' documents; what is marked in them must not be taken.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.catalogue import Catalogue
from router.intake.guard import Vocabulary, admit
from router.intake.strictjson import loads_foreign
from router.sources import mapping
from router.sources.file import Source, parse_sources

RECIPES = sorted((Path(__file__).parents[3] / "config/recipes/sources").glob("*.yaml"))
NOW = datetime(2026, 10, 1, tzinfo=UTC)
CATEGORIES = yaml.safe_load((Path(__file__).parents[3] / "config/policy.yaml").read_text())["taxonomy"]
HELPDESK = {
    "category": "csam_suspected",
    "noticed_how": "helpdesk_repair",
    "where_found": "laptop",
    "asset_tag": "NB-0815",
    "noticed_at": "2026-09-21T14:13:20Z",
    "source_ticket": "4711",
}
HASH = {"algorithm": "sha256", "value": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
DETECTED = {
    "category": "csam_suspected",
    "noticed_how": "endpoint_hash_match",
    "hashes": [HASH],
    "asset_tag": "NB-0815",
}
TAKEN: dict[str, dict[str, Any]] = {
    "generic": HELPDESK,
    "rt": HELPDESK,
    "freshservice": HELPDESK,
    "zammad": HELPDESK,
    "zendesk": HELPDESK,
    "jira": {**HELPDESK, "source_ticket": "SD-4711"},
    "servicenow": {**HELPDESK, "source_ticket": "9d385017c611228701d22104cc95c371"},
    "redmine": {name: value for name, value in HELPDESK.items() if name != "where_found"},
    "splunk": {
        **DETECTED,
        "verdict_source": "hash_list",
        "where_found": "removable_usb",
        "occurred_at": "2026-09-21T14:13:20+00:00",
        "subject_handle": "u4711",
    },
    "elastic": {
        **DETECTED,
        "verdict_source": "hash_list",
        "where_found": "laptop",
        "occurred_at": "2026-09-20T08:00:00.000Z",
        "noticed_at": "2026-09-21T14:13:20.000Z",
        "subject_handle": "u4711",
    },
    "sentinel": {
        **DETECTED,
        "verdict_source": "vendor_verified",
        "occurred_at": "2026-09-20T08:00:00Z",
        "noticed_at": "2026-09-21T14:13:20.1234567Z",
        "subject_handle": "u4711",
    },
}


def the_source(recipe: Path) -> Source:
    (source,) = parse_sources(recipe.read_text(), Catalogue({}), words={"category": tuple(CATEGORIES)}).values()
    return source


def recorded(recipe: Path) -> Any:
    return loads_foreign((Path(__file__).parent / "recorded" / f"{recipe.stem}.json").read_bytes())


def test_there_is_a_record_for_each_recipe() -> None:
    assert [recipe.stem for recipe in RECIPES] == sorted(TAKEN)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: str(recipe.stem))
def test_a_recipe_takes_the_facts_of_a_message_and_the_door_lets_them_in(recipe: Path) -> None:
    message = mapping.take(the_source(recipe), recorded(recipe))
    admitted = admit(dict(message.concern), Vocabulary(CATEGORIES.keys(), set()), now=NOW)

    assert message.concern == TAKEN[recipe.stem]
    assert not admitted.content


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: str(recipe.stem))
def test_what_is_sent_on_by_a_poll_holds_nothing_else_and_means_the_same(recipe: Path) -> None:
    source, sent = the_source(recipe), recorded(recipe)
    reduced = mapping.reduced(source, sent)

    assert "MARKED" not in json.dumps(reduced)
    assert mapping.take(source, reduced).concern == mapping.take(source, sent).concern
    assert mapping.take(source, reduced).key == mapping.take(source, sent).key
