"""`house.yaml`: what must stand in it, what is refused and how, and where our example will do."""

import sys
from datetime import date
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from babel import Locale

from router.errors import Broken, PolicyErrors
from router.reporter.house.check import doubts, notes
from router.reporter.house.house import FILE, is_example, is_nobodys, load_house, parse_house
from router.reporter.languages import CODES
from router.triage.policy import load_policy
from tests.houses import SHIPPED, a_house, house_text

REAL = "https://speak.northlight.se/"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


def problems(changed: dict[str, Any], folder: Path = SHIPPED[0]) -> list[tuple[str, str]]:
    """Return code and words of all that is wrong with a house file."""
    try:
        a_house(folder, **changed)
    except PolicyErrors as error:
        return [(problem.code, problem.said) for problem in error.problems]
    return []


@pytest.mark.parametrize("config", SHIPPED, ids=["eu", "us", "uk"])
def test_the_shipped_houses_are_good_examples_whole_in_their_languages(config: Path) -> None:
    text = (config / FILE).read_text()
    house = parse_house(text, config)

    assert is_example(house)
    assert doubts(text, house, load_policy(config)) == ()
    assert house.authorities
    assert all(authority.source for authority in house.authorities if authority.verified_on)
    for line in text.splitlines():
        assert "@" not in line or ".example" in line, "an example must not name a real mailbox"


def test_the_shipped_house_is_for_everybody_whom_the_pages_are_for() -> None:
    house = load_house(SHIPPED[0], public_url="http://127.0.0.1:8000/", host="127.0.0.1")

    assert set(house.languages) == set(CODES)


@pytest.mark.parametrize("left_out", ["name", "contact", "privacy", "emergency"])
def test_a_house_says_its_name_contact_privacy_notice_and_whom_to_call(left_out: str) -> None:
    assert problems({left_out: None}) == [("missing", f"{left_out!r} is missing")]


def test_the_privacy_notice_is_there_in_each_language_that_is_offered() -> None:
    in_two = {"en": "We keep little.", "sv": "Vi sparar lite."}

    assert problems({"languages": ["en", "sv"], "privacy": in_two}) == []
    assert problems({"languages": ["en", "sv", "de"], "privacy": in_two}) == [
        ("missing", "the privacy notice is missing in 'de'")
    ]
    assert len(problems({"languages": ["en", "sv"]})) == 2


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"contact": {"who": "Office"}}, "incomplete"),
        ({"contact": {"who": "Office", "email": "nobody"}}, "odd_value"),
        ({"languages": ["en", "fr"]}, "odd_value"),
        ({"languages": ["en", "en"]}, "incomplete"),
        ({"emergency": {"XY": "112"}}, "odd_value"),
        ({"emergency": {"SE": "call us"}}, "odd_value"),
        ({"leave_to": "http://weather.invalid/"}, "odd_value"),
        ({"leave_to": "javascript:void(0)"}, "odd_value"),
        ({"privacy": "<b>We</b> keep little."}, "odd_value"),
        ({"name": "<script>"}, "odd_value"),
        ({"guidance": {"nowhere": "Words."}}, "unknown_value"),
        ({"authorities": [{"country": "SE", "name": "A", "takes": "B"}]}, "incomplete"),
        (
            {
                "authorities": [
                    {"country": "SE", "name": "A", "takes": "B", "phone": "112", "verified_on": "2026-11-23"}
                ]
            },
            "incomplete",
        ),
        ({"logo": {"file": "../secrets/intake.key.png"}}, "odd_value"),
        ({"colour": "red"}, "unknown_key"),
    ],
)
def test_what_would_mislead_a_reporter_is_refused(changed: dict[str, Any], code: str) -> None:
    assert [found for found, _ in problems(changed)] == [code]


def test_problems_name_their_line() -> None:
    with pytest.raises(PolicyErrors) as refused:
        parse_house(house_text(leave_to="nowhere"), SHIPPED[0])

    assert refused.value.problems[0].line == house_text(leave_to="nowhere").splitlines().index("leave_to: nowhere") + 1


@pytest.mark.parametrize(
    ("name", "content", "good"),
    [
        ("logo.png", PNG, True),
        ("logo.svg", SVG, True),
        ("logo.png", SVG, False),
        ("logo.svg", PNG, False),
        ("logo.svg", SVG.replace(b"<path", b"<script>1</script><path"), False),
        ("logo.svg", SVG.replace(b"<path", b'<path onload="1"'), False),
        ("logo.svg", SVG.replace(b"<path", b'<image href="https://elsewhere.invalid/a.png"/><path'), False),
        ("logo.svg", SVG.replace(b"<svg", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg'), False),
        ("logo.png", PNG + bytes(65_536), False),
        ("other.png", PNG, False),
    ],
)
def test_a_logo_is_a_small_picture_that_does_nothing(tmp_path: Path, name: str, content: bytes, *, good: bool) -> None:
    (tmp_path / name).write_bytes(content)
    wanted = "logo.png" if name == "other.png" else name

    found = problems({"logo": {"file": wanted}}, tmp_path)

    assert found == [] if good else [code for code, _ in found] == ["odd_logo"]


@pytest.mark.parametrize(
    ("host", "nobodys"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("[::1]", True),
        ("concerns.example", True),
        ("concerns.example.com", True),
        ("192.0.2.7", True),
        ("10.0.0.5", False),
        ("speak.northlight.se", False),
        ("myexample.com", False),
        ("", False),
    ],
)
def test_the_example_will_do_where_nobody_can_take_it_for_real(host: str, *, nobodys: bool) -> None:
    assert is_nobodys(host) is nobodys


def test_the_example_does_not_start_under_a_real_address_nor_does_a_missing_house(tmp_path: Path) -> None:
    with pytest.raises(Broken) as example:
        load_house(SHIPPED[0], public_url=REAL, host="speak.northlight.se")
    with pytest.raises(Broken) as missing:
        load_house(tmp_path, public_url=REAL, host="speak.northlight.se")

    assert example.value.code == "house_is_example"
    assert missing.value.code == "house_missing"


def test_our_contact_under_another_name_is_the_example_still() -> None:
    assert is_example(a_house(contact={"who": "Office", "email": "questions@northlight.example"}))


def test_without_a_file_a_trial_says_in_each_language_that_it_is_one(tmp_path: Path) -> None:
    house = load_house(tmp_path, public_url="http://127.0.0.1:8000/", host="127.0.0.1")

    assert house.languages == CODES
    assert "Nobody has said yet" in house.contact.who[""]
    assert house.privacy[""][0].lines == (house.contact.who[""],)


def test_a_wrong_house_is_told_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(house_text(name=None, languages=["xx"]))

    with pytest.raises(Broken) as refused:
        load_house(tmp_path, public_url=REAL, host="speak.northlight.se")

    assert refused.value.code == "house_refused"
    assert "'name' is missing" in refused.value.hint
    assert "'xx': no language of ours" in refused.value.hint


def test_numbers_are_grouped_under_the_names_that_countries_have_in_the_language() -> None:
    house = a_house(emergency={"SE": "112", "US": "911", "DE": "112"})

    assert house.numbers_in_danger(Locale("sv")) == (("112", "Sverige och Tyskland"), ("911", "USA"))


def test_texts_and_labels_that_a_language_lacks_are_found() -> None:
    policy = load_policy(SHIPPED[0])
    changed = {
        "languages": ["en", "sv"],
        "privacy": {"en": "We keep little.", "sv": "Vi sparar lite."},
        "numbers": [{"who": {"en": "Desk"}, "number": "112"}],
    }
    renamed = {name: f"{label} 7f3a" for name, label in policy.sites.items()}
    policy = policy.__class__(**{field: getattr(policy, field) for field in policy.__slots__} | {"sites": renamed})

    def said(**more: Any) -> list[str]:
        text = house_text(**changed, **more)
        return [problem.said for problem in doubts(text, parse_house(text, SHIPPED[0]), policy)]

    assert "there is nothing in 'sv' here" in said()
    assert sum("7f3a" in line for line in said()) == 2
    own = {"sv": {"Headquarters 7f3a": "Huvudkontoret", "Plant 7f3a": "Fabriken"}}
    assert sum("7f3a" in line for line in said(translations=own)) == 0


def test_what_was_verified_long_ago_is_to_be_looked_at_again() -> None:
    one = {"country": "SE", "name": "A", "takes": "B", "phone": "114 14"}
    seen = {**one, "source": "https://a.invalid/", "verified_on": "2025-11-23"}
    text = house_text(authorities=[one, seen])

    found = notes(text, parse_house(text, SHIPPED[0]), date(2026, 11, 24))

    assert [problem.said for problem in found] == ["nobody has verified this yet", "verified more than a year ago"]


def test_colours_are_reckoned_with_only_where_a_house_has_some() -> None:
    code = (
        "import sys; from pathlib import Path; from router.reporter.house.house import load_house; "
        f"load_house(Path({str(SHIPPED[0])!r}), public_url='http://localhost', host='localhost'); "
        "sys.exit('coloraide' in sys.modules)"
    )

    assert run([sys.executable, "-c", code], check=False).returncode == 0
