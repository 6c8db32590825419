"""Addresses that are not there: a page that leads on for browsers, the problem document for programs."""

import re

from starlette.testclient import TestClient

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "de"}


def test_whoever_mistypes_an_address_is_led_on_in_their_language_and_a_program_gets_a_problem(
    public: TestClient,
) -> None:
    by_address = public.get("/ar/MARKED-7f3a?MARKED-7f3a", headers=BROWSER)
    by_browser = public.post("/MARKED-7f3a", headers=BROWSER, data={"narrative": "MARKED-7f3a"})
    gone_back_to = public.get("/sv/report/done", headers=BROWSER)
    programs = [
        public.get("/MARKED-7f3a"),
        public.get("/api/v1/MARKED-7f3a", headers=BROWSER),
        public.get("/api/v1/concerns", headers=BROWSER),
    ]

    assert [answer.status_code for answer in (by_address, by_browser, gone_back_to)] == [404, 404, 405]
    assert "POST" in gone_back_to.headers["allow"]
    pages = (by_address, by_browser, gone_back_to)
    assert [re.findall(r'<html lang="(\w+)"', page.text) for page in pages] == [["ar"], ["de"], ["sv"]]
    assert 'href="/ar/report"' in by_address.text
    assert not any("MARKED" in page.text for page in pages)
    assert [answer.json()["code"] for answer in programs] == ["not_found", "not_found", "method_not_allowed"]
