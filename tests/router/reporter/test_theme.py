"""The operator's colours: ours can be read, theirs must be, and both stand in one style sheet."""

import re

import pytest

from router.errors import PolicyErrors
from router.reporter.house.house import STYLE
from router.reporter.house.theme import PAIRS, Colours, Palette, ours, styled, weak
from tests.houses import a_house

STYLE_SHEET = STYLE.read_text()


def test_our_own_colours_can_be_read() -> None:
    own = ours(STYLE_SHEET)
    all_of_ours = Colours(light=Palette(**own["light"]), dark=Palette(**own["dark"]))

    assert set(own["light"]) == set(own["dark"]) == set(Palette.model_fields)
    assert [pair.said for pair in weak(STYLE_SHEET, all_of_ours)] == []


def test_every_colour_of_text_is_looked_at_on_what_it_stands_on() -> None:
    assert {name for pair in PAIRS for name in pair[:2]} == set(Palette.model_fields) - {"line"}


def test_a_pair_that_is_too_weak_is_refused_by_name_and_ratio() -> None:
    with pytest.raises(PolicyErrors) as refused:
        a_house(colours={"light": {"accent": "#6fc7d6"}})

    said = [problem.said for problem in refused.value.problems]
    assert "accent #6fc7d6 on card #ffffff has a contrast of 1.94 to 1 (light); at least 4.5 to 1 is needed" in said
    assert not any("(dark)" in one for one in said)


@pytest.mark.parametrize(("ink", "good"), [("#767676", True), ("#777777", False)])
def test_text_needs_four_and_a_half_to_one(ink: str, *, good: bool) -> None:
    colours = Colours(light=Palette(ink=ink, card="#ffffff", paper="#ffffff", alarm_paper="#ffffff"))

    assert ([pair for pair in weak(STYLE_SHEET, colours) if pair.name == "ink"] == []) is good


def test_colours_may_be_written_as_css_lets_them() -> None:
    assert Palette(accent="rebeccapurple").accent == "#663399"
    assert Palette(accent="oklch(45% 0.1 200)").accent == Palette(accent="OKLCH(0.45 0.1 200)").accent


@pytest.mark.parametrize("wrong", ["#12345", "red; }", "rgb(0 0 0 / 50%)", "transparent", "url(x)", "#" + "0" * 80])
def test_what_is_no_solid_colour_is_refused(wrong: str) -> None:
    with pytest.raises(PolicyErrors) as refused:
        a_house(colours={"light": {"accent": wrong}})

    assert "a colour such as #0b5c6b is wanted" in refused.value.problems[0].said


def test_the_style_sheet_has_the_houses_colours_in_place_of_ours() -> None:
    house = a_house(colours={"light": {"accent": "#6b2d8f"}, "dark": {"on_accent": "#24102f"}})
    sheets = (STYLE_SHEET, house.stylesheet)
    before, after = (dict(re.findall(r"--([a-z-]+): (light-dark\(.*?\));", sheet)) for sheet in sheets)

    changed = {name: value for name, value in after.items() if before[name] != value}

    assert changed == {
        "accent": f"light-dark(#6b2d8f, {ours(STYLE_SHEET)['dark']['accent']})",
        "on-accent": f"light-dark({ours(STYLE_SHEET)['light']['on_accent']}, #24102f)",
    }
    assert styled(STYLE_SHEET, None) == STYLE_SHEET
