"""Which language a page is shown in, and what runs from left to right in one that runs from right to left."""

import re

from starlette.testclient import TestClient

from router.reporter.languages import CODES
from tests.publicpart import LEAST

ASKS_FOR_ARABIC = {"Accept-Language": "fi, ar-EG;q=0.9, en;q=0.1"}


def elements(text: str, tag: str, name: str) -> list[str]:
    return re.findall(rf'<{tag}\b[^>]*\bname="{name}"[^>]*>', text)


def test_the_language_is_that_of_the_address_else_the_browsers_and_each_page_links_to_the_others(
    public: TestClient,
) -> None:
    begun = public.get("/", headers=ASKS_FOR_ARABIC)
    by_browser = public.get("/report", headers=ASKS_FOR_ARABIC)
    by_address = public.get("/sv/report", headers=ASKS_FOR_ARABIC)
    typed_by_hand = [public.get(path).url.path for path in ("/de", "/de/")]

    assert typed_by_hand == ["/de/report", "/de/report"]
    assert begun.url.path == "/ar/report"
    assert '<html lang="ar" dir="rtl">' in by_browser.text
    assert '<html lang="sv" dir="ltr">' in by_address.text
    assert by_browser.headers["vary"] == "Accept-Language"
    assert set(re.findall(r'href="/(\w+)/report" hreflang', by_address.text)) == set(CODES) - {"sv"}
    assert '<a href="/ar/report" hreflang="ar" lang="ar" dir="rtl">العربية</a>' in by_address.text


def test_in_arabic_codes_and_addresses_keep_their_direction_and_words_have_their_own(public: TestClient) -> None:
    form = public.get("/ar/report/all").text
    answer = public.post("/ar/report", data=LEAST).text
    follow_up = public.get("/ar/follow-up").text

    for text, name in ((form, "url"), (form, "asset_tag"), (follow_up, "receipt")):
        assert ['dir="ltr"' in field for field in elements(text, "input", name)] == [True], name
    for text, tag, name in ((form, "textarea", "narrative"), (form, "input", "contact")):
        assert ['dir="auto"' in field for field in elements(text, tag, name)] == [True], name
    [receipt] = re.findall(r'<output[^>]*dir="ltr"[^>]*>([^<]*)</output>', answer)
    assert re.fullmatch(r"([0-9A-Z]{4}-){5}[0-9A-Z]{4}", receipt)
    numbers = re.findall(r'<a href="tel:[^"]*">(.{16})', form)
    assert numbers
    assert set(numbers) == {'<bdi dir="ltr">1', '<bdi dir="ltr">+'}
    assert re.search(r"\d{1,2} [\u0621-\u064a]+ 20\d\d", answer)
    assert not re.search("[\u0660-\u0669]", form + answer + follow_up)
