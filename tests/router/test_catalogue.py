"""channels.yaml: what loads, and every reason why it does not."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from router.bodies.directory import bodies_text
from router.bodies.together import joined
from router.catalogue import ENTRIES, FILE, parse_catalogue, ways_text
from router.channels import KINDS
from router.configfile.yamltext import read_file
from router.errors import PolicyErrors
from router.model import Referral
from router.triage import lint
from router.vocabulary import Guarantee, Scope
from tests.policies import CONFIG

RT = """\
desk:
  kind: rt
  scope: internal
  carries: [category, severity]
  readable_by: [security]
  url: https://rt.example.org
  token: env:RT_TOKEN
  queue: Safeguarding
  custom_fields: {reference: Reference id, severity: Severity}
"""
RECIPES = sorted((CONFIG / "recipes").glob("*.yaml"))


def found(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PolicyErrors) as caught:
        parse_catalogue(text)
    return [(problem.line, problem.code) for problem in caught.value.problems]


def test_loads_the_shipped_channels() -> None:
    catalogue = parse_catalogue(ways_text(CONFIG))

    assert {channel.kind for channel in catalogue.channels.values()} == {"folder", "hand_over"}
    assert {channel.kind for channel in catalogue.channels.values() if channel.scope is Scope.INTERNAL} == {"folder"}
    assert catalogue.get("no-such-channel") is None


@pytest.mark.parametrize("folder", ["", "us", "uk"])
def test_each_shipped_desk_may_say_by_when(folder: str) -> None:
    desks = {
        name: way
        for name, way in parse_catalogue(ways_text(CONFIG / folder)).channels.items()
        if name.endswith("-desk")
    }

    assert desks
    assert all({"claim_by", "decide_by"} <= set(way.carries) for way in desks.values())


@pytest.mark.parametrize("folder", ["", "us", "uk"])
def test_the_examples_in_the_shipped_comments_can_replace_their_entries(folder: str) -> None:
    text = (CONFIG / folder / FILE).read_text()
    examples = [line[4:] for line in text.splitlines() if line.startswith("#   ")]
    start = examples.index("security-desk:")
    replaced = yaml.safe_load(text) | yaml.safe_load("\n".join(examples[start:]))

    ways = joined(yaml.safe_dump(replaced), bodies_text(CONFIG))
    catalogue = parse_catalogue(ways)
    policy = (CONFIG / folder / "policy.yaml").read_text()

    assert lint.findings(policy, ways, today=date(2026, 11, 23)) == ()
    assert {name: channel.kind for name, channel in catalogue.channels.items() if channel.kind != "folder"} == {
        "security-desk": "rt",
        "duty-phone": "webhook",
        "police-handover": "hand_over",
        "hotline-handover": "hand_over",
    }


@pytest.mark.parametrize("folder", ["", "us", "uk"])
def test_the_shipped_comments_tell_of_every_key(folder: str) -> None:
    comments = "\n".join(line for line in (CONFIG / folder / FILE).read_text().splitlines() if line.startswith("#"))
    comments += "".join(recipe.read_text() for recipe in RECIPES)
    keys = {key for entry in ENTRIES.values() for key in entry.model_fields}

    assert {key for key in keys if not re.search(rf"\b{key}\b", comments)} == set()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_each_recipe_can_stand_in_the_shipped_files(recipe: Path) -> None:
    (entry,) = yaml.safe_load(recipe.read_text()).values()
    place = "security-desk" if entry["scope"] == "internal" else "hotline-handover"
    replaced = yaml.safe_load((CONFIG / FILE).read_text()) | {place: entry}
    policy = (CONFIG / "policy.yaml").read_text()
    problems = lint.findings(policy, joined(yaml.safe_dump(replaced), bodies_text(CONFIG)), today=date(2026, 11, 23))

    assert [problem for problem in problems if problem.file == FILE] == []


def test_channels_render_as_their_kind_and_say_its_guarantee() -> None:
    desk = parse_catalogue(RT).channels["desk"]
    referral = Referral(reference="CR-0123-4567-89AB")

    assert desk.guarantee is Guarantee.FOUND
    assert desk.render(referral, key="k") == KINDS["rt"].render(desk.settings, referral, key="k")


def test_settings_stay_as_they_are() -> None:
    settings = parse_catalogue(RT).channels["desk"].settings

    with pytest.raises(TypeError):
        settings.custom_fields["severity"] = "Other"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind: rt", "kind: rtt", (2, "unknown_value")),
        ("kind: rt", "kind: osticket", (2, "unknown_value")),
        ("scope: internal", "scope: inside", (3, "unknown_value")),
        ("[category, severity]", "[category, severity, narrative]", (4, "unknown_value")),
        ("[category, severity]", "[category, severity, url]", (4, "url_inside")),
        ("[category, severity]", "[category]", (9, "not_carried")),
        ("readable_by: [security]", "readable_by: []", (5, "nobody_reads")),
        ("readable_by: [security]", "readable_by: [Security]", (5, "odd_value")),
        ("https://rt", "https://name:word@rt", (6, "clear_secret")),
        ("https://rt", "http://rt", (6, "odd_address")),
        ("env:RT_TOKEN", "1-39-0123456789abcdef0123456789abcdef", (7, "clear_secret")),
        ("env:RT_TOKEN", "hunter2", (7, "clear_secret")),
        ("Safeguarding", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", (8, "clear_secret")),
        ("queue:", "queu:", (8, "unknown_key")),
        ("  queue: Safeguarding\n", "", (1, "missing")),
        ("severity: Severity", "severety: Severity", (9, "unknown_value")),
        ("desk:", "Desk:", (1, "odd_value")),
        ("desk:\n", "desk: 3\nother:\n", (1, "wrong_kind")),
        ("Safeguarding", "on", (8, "trap")),
        ("Safeguarding", "[a]", (8, "wrong_kind")),
        ("queue: Safeguarding", "queue: A\n  text: [site]", (9, "not_carried")),
        ("queue: Safeguarding", "queue: A\n  text: [seferity]", (9, "unknown_value")),
        ("queue: Safeguarding", "queue: A\n  recall_queue: A", (1, "same_place")),
        ("queue: Safeguarding", "queue: A\n  drill_every: 7", (9, "odd_value")),
        ("queue: Safeguarding", "queue: A\n  drill_every: weekly", (9, "odd_value")),
    ],
)
def test_refuses_with_line_and_reason(old: str, new: str, expected: tuple[int, str]) -> None:
    assert expected in found(RT.replace(old, new, 1))


def test_knows_how_often_a_way_is_tested_and_what_it_shows() -> None:
    text = RT.replace("queue:", "text: [category]\n  drill_every: 7d\n  recall_queue: Withdrawn\n  queue:")
    desk = parse_catalogue(text).channels["desk"]

    assert desk.drill_every == timedelta(days=7)
    assert desk.fields_shown == {"category", "severity"}
    assert parse_catalogue(RT).channels["desk"].drill_every is None


def test_what_every_referral_may_have_needs_no_leave() -> None:
    assert parse_catalogue(RT.replace("severity: Severity", "awaited: Awaited")).channels["desk"]


def test_nobody_outside_is_drilled() -> None:
    text = "police: {kind: folder, scope: external, carries: [], path: a, drill_every: 7d}"

    assert found(text) == [(1, "drill_outside")]


def test_two_channels_may_not_lead_to_one_place() -> None:
    folder = "kind: folder, scope: external, carries: [], path: "
    hook = "kind: webhook, scope: external, carries: [], secret: env:S, url: https://a.example.org/"

    assert found(f"a: {{{folder}x}}\nb: {{{folder}x}}\nc: {{{folder}y}}") == [(2, "same_place")]
    assert found(RT + RT.replace("desk:", "other:")) == [(10, "same_place")]
    assert parse_catalogue(RT + RT.replace("desk:", "other:").replace("Safeguarding", "Legal"))
    assert parse_catalogue(f"a: {{{hook}}}\nb: {{{hook}}}")


def test_does_not_show_what_looks_like_a_secret() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    for place in ("env:RT_TOKEN", "Safeguarding", "https://rt.example.org", "Reference id", "rt", "internal"):
        with pytest.raises(PolicyErrors) as caught:
            parse_catalogue(RT.replace(place, secret, 1))

        assert secret not in str(caught.value)


def test_says_everything_at_once_by_line() -> None:
    text = RT.replace("scope: internal", "scope: inside").replace("env:RT_TOKEN", "x").replace("severity: S", "site: S")

    assert [line for line, _ in found(text)] == [3, 7]
    assert [line for line, _ in found(text.replace("scope: inside", "scope: internal").replace("x\n", "env:X\n"))] == [
        9
    ]


@pytest.mark.parametrize("field", ["narrative", "contact"])
def test_says_that_content_cannot_travel(field: str) -> None:
    with pytest.raises(PolicyErrors, match=f"unknown field '{field}'; nothing of content can travel"):
        parse_catalogue(RT.replace("category, severity", f"category, {field}"))


@pytest.mark.parametrize("text", ["", "[]", "x", "a", "# nothing"])
def test_refuses_a_file_without_channels(text: str) -> None:
    assert found(text) == [(1, "wrong_kind")]


def test_says_which_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors) as caught:
        read_file(tmp_path / FILE)
    assert caught.value.problems[0].code == "unreadable"

    (tmp_path / "channels.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyErrors) as caught:
        read_file(tmp_path / FILE)
    assert caught.value.problems[0].code == "not_utf8"
