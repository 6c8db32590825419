"""A described ticket system: what is wrong with a description is said at its line, and a good one makes exact bytes."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from router.catalogue import parse_catalogue
from router.channels import rest
from router.channels.rest import language, rendering
from router.channels.rest.described import FIELDS
from router.channels.rest.templates import UNSET, filled, parsed
from router.channels.rest.together import BUILT_IN
from router.errors import PolicyErrors
from router.model import Frozen, Referral
from router.vocabulary import Awaited, Notice, Severity
from tests.standins.shelf import RECIPES, recipe

NAMES = sorted(path.stem for path in RECIPES.glob("*.yaml") if "kind: rest" in path.read_text())
CASE = Referral(reference="CR-AAAA-BBBB-CCCC", category="fraud", severity=Severity.HIGH)
DRILL = Referral(reference="DRILL-AAAA-BBBB-CCCC", notice=Notice.DRILL)
REMINDER = Referral(reference="CR-AAAA-BBBB-CCCC", revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
REDMINE = (RECIPES / "redmine.yaml").read_text()


def settings(name: str, **more: Any) -> rest.Settings:
    return rest.Settings.model_validate(recipe(name, f"https://{name}.example.org", **more))


def body(name: str, referral: Referral) -> Any:
    return orjson.loads(rest.render(settings(name), referral, key="k").body)


def wrong(before: str, after: str) -> list[tuple[int, str, str]]:
    """Return what is said of the recipe for Redmine with this change: line, code, and words."""
    assert REDMINE.count(before) >= 1
    with pytest.raises(PolicyErrors) as refused:
        parse_catalogue(REDMINE.replace(before, after, 1))
    return [(problem.line, problem.code, problem.said) for problem in refused.value.problems]


def line(text: str) -> int:
    return REDMINE[: REDMINE.index(text)].count("\n") + 1


def test_the_recipes_are_those_that_the_readme_names() -> None:
    assert set(NAMES) >= {"freshservice", "glpi", "redmine", "thehive", "zammad"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_loads_once_a_url_is_put_in(name: str) -> None:
    text = (RECIPES / f"{name}.yaml").read_text()
    (channel,) = parse_catalogue(text).channels.values()

    assert channel.kind == "rest"
    assert channel.fields_shown == set(channel.carries)


def test_a_ticket_is_these_bytes() -> None:
    assert body("redmine", CASE) == {
        "issue": {
            "tracker_id": 4,
            "priority_id": 3,
            "subject": "CR-AAAA-BBBB-CCCC confidential referral",
            "description": "Reference: CR-AAAA-BBBB-CCCC\nSeverity: high\n",
            "is_private": True,
            "custom_fields": [
                {"id": 1, "value": "CR-AAAA-BBBB-CCCC"},
                {"id": 2, "value": "fraud"},
                {"id": 3, "value": "high"},
            ],
        }
    }


def test_a_note_is_these_bytes() -> None:
    said = (
        "CR-AAAA-BBBB-CCCC confidential referral, notice 2\n\nReminder: a person should have taken CR-AAAA-BBBB-CCCC.\n"
    )

    assert body("redmine", REMINDER) == {"issue": {"notes": said, "private_notes": True}}


def test_what_is_not_set_is_left_out_with_the_item_that_names_it() -> None:
    issue = body("redmine", DRILL)["issue"]

    assert issue["custom_fields"] == [{"id": 1, "value": "DRILL-AAAA-BBBB-CCCC"}]
    assert issue["priority_id"] == 2


def test_html_is_escaped_where_a_system_reads_html() -> None:
    text = rendering.note(settings("freshservice"), "CR-AAAA-BBBB-CCCC", "CR-AAAA-BBBB-CCCC t", "a < b & c\nd")

    assert orjson.loads(text.body)["body"] == "CR-AAAA-BBBB-CCCC t<br>a &lt; b &amp; c<br>d"


@pytest.mark.parametrize(
    ("template", "values", "made"),
    [
        ("{a}", {"a": 7}, 7),
        ("{a}", {"a": None}, None),
        ("{a}", {}, UNSET),
        ("x-{a}", {"a": 7}, "x-7"),
        ("x-{a}", {}, UNSET),
        ("{{a}}", {"a": 7}, "{a}"),
        ({"k": "{a}", "l": 1}, {}, {"l": 1}),
        ({"k": {"l": "{a}"}, "m": 1}, {}, {"m": 1}),
        ({"k": {}}, {}, {"k": {}}),
        ([{"id": 1, "v": "{a}"}, {"id": 2, "v": 3}], {}, [{"id": 2, "v": 3}]),
        ({"k": ["{a}", "b"]}, {}, {"k": ["b"]}),
        ({"k": ["{a}"]}, {}, UNSET),
        (True, {}, True),
    ],
)
def test_a_template_becomes(template: Any, values: dict[str, Any], made: Any) -> None:
    assert filled(parsed(template), values) == made


@pytest.mark.parametrize(
    ("before", "after", "at", "code", "said"),
    [
        ('value: "{severity}"', 'value: "{severty}"', 'value: "{severity}"', "unknown_name", "mean 'severity'?"),
        ("path: /issues/{id}.json", "path: /issues/{nr}.json", "path: /issues/{id}.json", "unknown_name", "'nr'"),
        ('cf_1: "{reference}", ', "", "    find:", "finds_all", "names no {reference}"),
        ('subject: "{title}"', 'subject: "{category}"', 'subject: "{title}"', "title_tells", "{title} alone"),
        ('subject: "{title}"', 'subject: "{title} {text}"', 'subject: "{title}"', "title_tells", "alone"),
        ('subject: "{title}"', "subject: a case", "      body:", "no_title", "{title} is missing"),
        ("          is_private: true\n", "", "internal_by: /issue/is_private", "no_flag_there", "only staff read it"),
        ("          private_notes: true\n", "", "internal_by: /issue/private_notes", "no_flag_there", "only staff"),
        ("is_private: true", "is_private: false", "internal_by: /issue/is_private", "flag_says_public", "others"),
        ("private_notes: true", "private_notes: 0", "internal_by: /issue/private_notes", "flag_says_public", "others"),
        ("low: 1, ", "", "    priority:", "not_all_named", "nothing stands for low"),
        ("low: 1, ", "low: 1, hihg: 9, ", "    priority:", "unknown_value", "did you mean 'high'?"),
        ("    priority:", "    severity:", "    priority:", "name_taken", "take another"),
        ("method: POST", "method: POTS", "method: POST", "unknown_value", "did you mean 'POST'?"),
        ("id: /issue/id", "id: issue/id", "id: /issue/id", "odd_pointer", "no JSON pointer"),
        ("path: /issues/{id}.json", "path: issues/{id}", "path: /issues/{id}.json", "odd_path", "begins with /"),
        ("path: /issues/{id}.json", "path: /i?id={id}", "path: /issues/{id}.json", "odd_path", "under 'query'"),
        ("ticket: /issue\n", "tikcet: /issue\n", "ticket: /issue\n", "unknown_key", "did you mean 'ticket'?"),
        ('notes: "{title}\\n\\n{text}"', 'notes: "{title} {id}"', "          notes:", "unknown_name", "in the path"),
        ("secret: env:REDMINE_KEY", "secret: abc", "      X-Redmine", "clear_secret", "must be named"),
        ('  empty: ""', "  empty: [a]", "  empty:", "wrong_kind", "a text, whole number"),
        ("      reference: {list", "      category_: {list", "      reference: {list", "unknown_value", "'category'"),
        ('description: "{text}"', 'description: "{text"', "          description", "odd_brace", "alone"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_line(before: str, after: str, at: str, code: str, said: str) -> None:
    found = wrong(before, after)

    assert (line(at), code) in [(number, what) for number, what, _ in found]
    assert any(said in words for _, what, words in found if what == code)


def test_a_field_that_could_not_be_emptied_again_is_refused() -> None:
    text = '            - {id: 3, value: "{severity}"}\n    close:'
    found = wrong(text, "    close:")

    assert [(number, code) for number, code, _ in found] == [(line("      severity: {list") - 1, "not_filled")]


def test_a_field_that_may_not_be_carried_is_refused_where_it_is_used() -> None:
    found = wrong("carries: [category, severity, ", "carries: [category, ")

    assert [(number, code) for number, code, _ in found] == [(line("  text:"), "not_carried")]


def test_two_channels_to_one_desk_are_refused() -> None:
    second = REDMINE[REDMINE.index("redmine-desk:") :].replace("redmine-desk:", "other-desk:")
    with pytest.raises(PolicyErrors, match="leads to the same place"):
        parse_catalogue(REDMINE + second)
    elsewhere = second.replace("desk: safeguarding", "desk: elsewhere")

    assert len(parse_catalogue(REDMINE + elsewhere).channels) == 2


def test_a_description_that_cannot_tell_desks_apart_takes_the_whole_system() -> None:
    text = "\n".join(row for row in REDMINE.splitlines() if not row.startswith(("    here:", "    made:")))
    (channel,) = parse_catalogue(text).channels.values()

    assert isinstance(channel.settings, rest.Settings)
    assert rest.place(channel.settings) == "https://redmine.example.org"


def test_what_no_template_shows_is_not_shown() -> None:
    text = REDMINE.replace('          description: "{text}"\n', "")
    text = "\n".join(row for row in text.splitlines() if not row.startswith("  text:"))
    (channel,) = parse_catalogue(text).channels.values()

    assert channel.fields_shown == {"category", "severity", "claim_by", "link"}


def test_no_secret_stands_in_a_recipe() -> None:
    assert all("env:" in Path(RECIPES / f"{name}.yaml").read_text() for name in NAMES)


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_document_tells_of_every_word_of_the_language() -> None:
    told = (RECIPES.parents[1] / "docs" / "describe-a-ticket-system.md").read_text()
    models = [found for found in vars(language).values() if isinstance(found, type) and issubclass(found, Frozen)]
    words = set().union(*(keys_of(model) for model in models)) | {"desk", "names", "expects", "empty", "search_lag"}

    assert {word for word in words if not re.search(rf"\b{word}\b", told)} == set()
    assert all(f"{{{name}}}" in told for name in BUILT_IN - FIELDS)
