"""The directory of outside bodies: what does not load, and that it travels with the channels."""

from pathlib import Path

import pytest

from router.bodies.directory import FILE, bodies_text, parse_directory, where
from router.bodies.together import MARK, joined, parted
from router.catalogue import parse_catalogue, ways_text
from router.errors import PolicyErrors
from tests.policies import CHANNELS, CONFIG

GOOD = "a: {country: SE, name: A, kind: form, takes: url, address: 'https://a.example/', source: a page}\n"
POLICE = "p: {kind: hand_over, scope: external, carries: [category, jurisdiction], to: police}\n"
FORCE = "b: {country: SE, name: B, kind: police, takes: any, phone: '114 14', source: a page}\n"


def codes_of(text: str) -> list[tuple[str, int, str]]:
    with pytest.raises(PolicyErrors) as caught:
        parse_catalogue(text)
    return [(one.file, one.line, one.code) for one in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", address: 'https://a.example/'", "", "without address"),
        ("'https://a.example/'", "'http://a.example/'", "does not look like"),
        ("kind: form", "kind: phone", "without phone"),
        (
            "kind: form, takes: url, address: 'https://a.example/'",
            "kind: police, takes: any",
            "without phone or address",
        ),
        (
            "kind: form, takes: url, address: 'https://a.example/'",
            "kind: api, takes: any, phone: '101'",
            "without address",
        ),
        ("country: SE", "country: UK", "the United Kingdom is GB"),
        ("country: SE", "country: se", "no country has this code"),
        ("country: SE", "country: NO", "in quotes"),
        (", source: a page", "", "'source' is missing"),
        ("kind: form", "kind: fax", "unknown value 'fax'"),
        ("a: {", "A b: {", "cannot name a body"),
        ("a: {", f"{GOOD}a: {{", "stands twice"),
        ("country: SE", "country: SE, verified_on: soon", "date"),
        ("https://a.example/", "https://me:word@a.example/", "does not look like"),
        ("name: A", 'name: "A\u202eB"', "does not look like"),
    ],
)
def test_an_entry_with_which_nobody_could_do_anything_does_not_load(old: str, new: str, said: str) -> None:
    with pytest.raises(PolicyErrors, match=said):
        parse_directory(GOOD.replace(old, new, 1))


def test_the_shipped_directory_loads_and_verified_means_that_a_source_is_named() -> None:
    directory = parse_directory((CONFIG / FILE).read_text())

    assert {"SE", "FI", "GB", "US"} <= {body.country for body in directory}
    assert all(body.source not in {"general knowledge", "commonly listed"} for body in directory if body.verified_on)
    assert (fallback := directory.get("inhope_finder")) is not None
    assert fallback.country == "any"
    assert [directory.lines[body.code] for body in directory] == sorted(directory.lines.values())


def test_a_folder_without_one_uses_that_of_the_folder_around_it(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    assert (where(tmp_path / "inside"), bodies_text(tmp_path / "inside")) == (None, None)
    (tmp_path / FILE).write_text(GOOD)
    around = where(tmp_path / "inside")
    (tmp_path / "inside" / FILE).write_text(GOOD)

    assert around == tmp_path / FILE
    assert where(tmp_path / "inside") == tmp_path / "inside" / FILE


def test_both_travel_as_one_text_and_each_keeps_its_own_lines() -> None:
    text = joined(f"{CHANNELS}{POLICE}", f"# of ours\n{FORCE}")

    assert parted(text) == (f"{CHANNELS}{POLICE}", f"# of ours\n{FORCE}")
    assert parse_catalogue(text).bodies.lines == {"b": 2}
    assert parse_catalogue(CHANNELS).bodies.bodies == {}
    assert codes_of(text.replace("phone: '114 14', ", "")) == [
        ("bodies.yaml", 2, "unreachable_body"),
        ("channels.yaml", 5, "no_body"),
    ]
    assert MARK in ways_text(CONFIG / "us")


@pytest.mark.parametrize(
    ("channel", "bodies", "problem"),
    [
        (POLICE, None, ("channels.yaml", 1, "no_directory")),
        (POLICE.replace("police}", "police, prefer: [c]}"), FORCE, ("channels.yaml", 1, "unknown_value")),
        (POLICE, GOOD, ("channels.yaml", 1, "no_body")),
        (POLICE.replace("external", "internal, readable_by: [legal]"), FORCE, ("channels.yaml", 1, "told_outside")),
    ],
)
def test_a_channel_that_leads_to_nobody_does_not_load(
    channel: str, bodies: str | None, problem: tuple[str, int, str]
) -> None:
    assert codes_of(joined(channel, bodies)) == [problem]


def test_what_people_approve_is_about_the_body_too() -> None:
    before, after = (
        parse_catalogue(joined(POLICE, FORCE.replace("114 14", number))).channels["p"]
        for number in ("114 14", "112 13")
    )

    assert before.settings != after.settings
