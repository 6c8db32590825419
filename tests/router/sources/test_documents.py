"""What docs/helpdesk says to paste is what the recipes take, and what it says to send is taken."""

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from router.sources.file import parse_sources
from tests.conftest import Database
from tests.publicpart import bearer, console, count, public, settings, start, token
from tests.router.sources.test_recipes import RECIPES, the_source

__all__ = ["console", "public", "settings", "start", "token"]  # fixtures

DOCUMENTS = Path(__file__).parents[3] / "docs/helpdesk"
PASTED = {
    recipe.stem: (DOCUMENTS / f"{recipe.stem}.md").read_text()
    for recipe in RECIPES
    if (DOCUMENTS / f"{recipe.stem}.md").exists() and "poll:" not in recipe.read_text()
}


def code(language: str, document: str) -> list[str]:
    return re.findall(rf"```(?:{language})\n(.*?)```", document, re.DOTALL)


@pytest.mark.parametrize("name", sorted(PASTED))
def test_what_is_pasted_over_there_says_what_the_recipe_needs_and_no_text(name: str) -> None:
    (recipe,) = [recipe for recipe in RECIPES if recipe.stem == name]
    source = the_source(recipe)
    needed = {taken.at for _, taken in source.fields.each() if taken.at and not taken.optional} | set(source.key)
    pasted = code("json|javascript", PASTED[name]) or code("perl", PASTED[name])[1:]
    words = {f"/{word}" for word in re.findall(r"\"?(\w+)\"?\s*(?:=>|:)", pasted[0])}

    assert needed <= words
    assert not words & {"/subject", "/description", "/requester", "/comment", "/body"}
    assert f"/api/v1/sources/{source.name}" in PASTED[name]
    assert f"clients add {source.client}" in PASTED[name]


def test_every_document_that_was_not_tried_says_so() -> None:
    tried = {"rt", "redmine"}

    for recipe in RECIPES:
        document = DOCUMENTS / f"{recipe.stem}.md"
        if document.exists():
            assert ("**Tried for real**" in document.read_text()) == (recipe.stem in tried)
            assert ("**Not tried against the product.**" in document.read_text()) == (recipe.stem not in tried)


def test_the_source_that_the_document_describes_loads() -> None:
    (written,) = code("yaml", (DOCUMENTS / "README.md").read_text())

    assert list(parse_sources(written)) == ["helpdesk"]


def test_the_endpoint_products_batch_is_taken_and_a_repeat_is_the_same_case(
    public: TestClient, token: str, database: Database
) -> None:
    (written,) = code("json", (DOCUMENTS / "detection.md").read_text())
    first, again = (
        public.post("/api/v1/concerns/batch", json=json.loads(written), headers=bearer(token)) for _ in range(2)
    )

    assert [answer["status"] for answer in first.json()["answers"]] == [201]
    assert first.json() == again.json()
    assert count(database, "cases") == 1


@pytest.mark.parametrize("more", ["path", "file_name", "thumbnail"])
def test_what_stays_on_the_device_is_refused(public: TestClient, token: str, more: str) -> None:
    (written,) = code("json", (DOCUMENTS / "detection.md").read_text())
    sent = json.loads(written)
    sent["concerns"][0][more] = "MARKED-7f3a"
    answer = public.post("/api/v1/concerns/batch", json=sent, headers=bearer(token))

    assert [one["status"] for one in answer.json()["answers"]] == [422]
    assert "MARKED" not in answer.text
