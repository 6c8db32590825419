"""The pages that the house fills: other ways out, privacy, the poster, the blank page; and its colours and logo."""

import re
from pathlib import Path
from typing import Any

import pytest
import segno
from fastapi import FastAPI
from starlette.testclient import TestClient

from router.reporter.house.house import FILE, House, on_trial, parse_house
from router.reporter.house.pages import HousePages, house_files
from router.reporter.languages import CODES
from tests.houses import SHIPPED, a_house

PUBLIC = "https://speak.northlight.invalid"


def pages(house: House) -> TestClient:
    app = FastAPI()
    app.include_router(HousePages(house, public_url=f"{PUBLIC}/").routes())
    app.include_router(house_files(house))
    return TestClient(app)


@pytest.fixture(scope="module")
def shipped() -> TestClient:
    return pages(parse_house((SHIPPED[0] / FILE).read_text(), SHIPPED[0]))


def authority(**more: Any) -> dict[str, Any]:
    return {"country": "FI", "name": "Body", "takes": {"en": "Things", "sv": "Saker"}, "phone": "114 14", **more}


def test_authorities_are_named_by_country_and_say_whether_somebody_checked_them() -> None:
    checked = authority(
        name="Checked", source="https://a.invalid/", verified_on="2026-11-23", url="https://b.invalid/x"
    )
    text = pages(a_house(authorities=[authority(), checked])).get("/en/elsewhere").text

    first, second = re.findall(r"<article>(.*?)</article>", text, re.DOTALL)
    assert "Finland</h2>" in text
    assert "We have not checked this yet" in first
    assert 'href="tel:11414"' in first
    assert "We checked this on 23 November 2026" in second
    assert 'href="https://b.invalid/x" rel="noreferrer noopener external"' in second
    assert "a.invalid" not in text


def test_without_authorities_the_page_still_leads_on() -> None:
    text = pages(a_house()).get("/elsewhere").text

    assert "The police of your country can tell you" in text
    assert 'href="tel:112"' in text


def test_the_notice_is_shown_in_its_language_with_headings_and_lists(shipped: TestClient) -> None:
    text = shipped.get("/sv/privacy").text

    assert "<h2>Vem som ansvarar</h2>" in text
    assert "<li>När din rapport kom in, och vad som gjordes med den.</li>" in text
    assert '<bdi dir="ltr">privacy@northlight.example</bdi>' in text


def test_what_is_there_in_another_language_only_says_in_which() -> None:
    privacy = {"en": "We keep little.", "ar": "ن"}
    house = a_house(languages=["en", "ar"], privacy=privacy, numbers=[{"who": {"en": "Desk"}, "number": "+46 8 1"}])

    text = pages(house).get("/ar/elsewhere").text

    assert '<html lang="ar" dir="rtl">' in text
    assert '<span lang="en" dir="ltr">Desk</span>' in text


def test_what_is_written_once_is_translated_by_the_house_and_never_taken_for_a_pattern_or_markup() -> None:
    privacy = {"en": "100 % of it & more, %(all)s.", "sv": "Allt."}
    house = a_house(
        languages=["en", "sv"],
        privacy=privacy,
        contact={"who": "Office", "phone": "112"},
        translations={"sv": {"Office": "Kontoret"}},
    )
    client = pages(house)

    assert "100 % of it &amp; more, %(all)s." in client.get("/en/privacy").text
    assert "<bdi>Kontoret</bdi>" in client.get("/sv/privacy").text


def test_a_label_of_the_house_that_reads_as_one_of_our_sentences_does_not_take_its_place() -> None:
    labels = {"Privacy": '100 % "privat', "Leave quickly": "%(all)s", "Languages": '" data-own="'}
    house = a_house(languages=["en", "sv"], privacy={"en": "Little.", "sv": "Lite."}, translations={"sv": labels})

    answer = pages(house).get("/sv/privacy")

    assert answer.status_code == 200
    assert "privat" not in answer.text
    assert "data-own" not in answer.text


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_the_poster_leads_to_the_form_in_its_language(shipped: TestClient, code: str, paper: str) -> None:
    text = shipped.get(f"/{code}/poster/{paper}").text
    address = f"{PUBLIC}/{code}/report"

    assert f'<bdi dir="ltr">{address}</bdi>' in text
    assert (
        segno.make(address, error="m", micro=False).svg_inline(
            scale=5, border=4, dark="#000", light="#fff", omitsize=True
        )
        in text
    )
    assert f'class="poster {paper}"' in text
    assert 'href="tel:112"' in text


def test_the_blank_page_says_nothing_of_where_one_was(shipped: TestClient) -> None:
    for code in CODES:
        text = shipped.get(f"/{code}/away").text

        assert "Northlight" not in text
        assert "<body></body>" in text
        assert "<a " not in text


def test_no_page_fetches_anything_from_elsewhere_or_styles_itself(shipped: TestClient) -> None:
    for place in ("/elsewhere", "/privacy", "/away", "/poster/a4"):
        text = shipped.get(f"/de{place}").text

        assert re.findall(r'(?:src|data|srcset)="(?!/static/)', text) == []
        assert re.findall(r'<link[^>]*href="(?!/static/)', text) == []
        assert " style=" not in text
        assert "<style" not in text


def test_a_trial_says_so_on_every_page() -> None:
    client = pages(on_trial())

    for place in ("/elsewhere", "/privacy"):
        assert client.get(f"/en{place}").text.count("Nobody has said yet who runs this") >= 1


def test_the_logo_stands_in_place_of_the_name_and_says_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "own.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    named = pages(a_house(tmp_path, logo={"file": "own.png"}))
    described = pages(a_house(tmp_path, logo={"file": "own.png", "alt": "A lighthouse"}))

    assert '<img src="/static/logo.png" alt="Concerns">' in named.get("/en/privacy").text
    assert '<img src="/static/logo.png" alt="A lighthouse">' in described.get("/en/privacy").text
    assert named.get("/static/logo.png").headers["content-type"] == "image/png"


def test_the_style_sheet_is_the_houses() -> None:
    client = pages(a_house(colours={"light": {"accent": "#6b2d8f"}}))

    assert "--accent: light-dark(#6b2d8f," in client.get("/static/style.css").text
