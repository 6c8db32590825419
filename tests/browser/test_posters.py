"""The poster on paper: one sheet of its own size in each language, whatever the language makes of the words."""

import re

import pytest
from playwright.sync_api import Browser

from router.reporter.languages import CODES
from tests.running import Product

pytestmark = pytest.mark.browser

POINTS = {"a4": (595, 842), "letter": (612, 792)}


@pytest.mark.parametrize("paper", POINTS)
def test_a_poster_is_one_sheet_of_its_paper_in_each_language(product: Product, chromium: Browser, paper: str) -> None:
    page = chromium.new_page()
    sheets = {}
    for code in CODES:
        page.goto(f"{product.url}/{code}/poster/{paper}")
        printed = page.pdf(prefer_css_page_size=True)
        sheets[code] = [
            (round(float(width)), round(float(height)))
            for width, height in re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", printed)
        ]
    page.close()

    assert sheets == {code: [POINTS[paper]] for code in CODES}
