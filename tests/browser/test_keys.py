"""The queue without a mouse: what each key does, and how all of it is switched off."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.staff import Staff

pytestmark = pytest.mark.browser


@pytest.fixture
def page(staff: Staff) -> Page:
    """The queue with two cases at least, as somebody sees it who pressed nothing yet."""
    for _ in range(2):
        staff.file("csam_suspected")
    page = staff.signed_in("ana")
    page.goto("/console")
    return page


def row(page: Page, number: int) -> Locator:
    return page.locator("table[data-rows] tbody tr").nth(number)


def test_j_and_k_go_through_the_cases_and_o_opens_one(page: Page) -> None:
    reference = row(page, 1).locator("a[data-row]").inner_text()

    page.keyboard.press("j")
    expect(row(page, 0)).to_have_class(re.compile(r"\bcurrent\b"))
    page.keyboard.press("j")
    expect(row(page, 1).locator("a[data-row]")).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, 0).locator("a[data-row]")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("o")

    page.wait_for_url(f"**/console/cases/{reference}")


def test_c_claims_the_case_that_was_gone_to_and_nothing_before_one_was(page: Page) -> None:
    free = page.locator("table[data-rows] tbody tr").filter(has=page.locator("[data-key=c]")).first
    reference = free.locator("a[data-row]").inner_text()

    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("/console$"))
    free.locator("a[data-row]").focus()
    page.keyboard.press("c")

    page.wait_for_url(f"**/console/cases/{reference}?*")


def test_a_slash_goes_to_the_search_and_what_is_typed_there_does_nothing_else(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("jcko?")

    expect(page.locator("#f-q")).to_be_focused()
    expect(page.locator("#f-q")).to_have_value("jcko?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_question_mark_shows_the_keys_and_they_can_be_switched_off_for_good(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label(re.compile("^Single keys")).uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    for key in ("j", "?", "/"):
        page.keyboard.press(key)

    expect(page.locator("tr.current")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keys").click()
    page.get_by_label(re.compile("^Single keys")).check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("tr.current")).to_have_count(1)
