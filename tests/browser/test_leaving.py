"""Leaving quickly from the middle of a report: what browser and database keep and tell of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.staff import Staff
from tests.browser.test_reviewer import until

pytestmark = pytest.mark.browser

TYPED = "MARKED-7f3a"


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def context(chromium: Browser, everybody: Staff, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=everybody.product.url, java_script_enabled=request.param)
    context.set_default_timeout(10_000)
    yield context
    context.close()


def begun(context: BrowserContext) -> Page:
    """A report whose second question is shown, after the first was answered."""
    page = context.new_page()
    page.goto("/en/report/1")
    page.get_by_label("Fraud or theft").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Is any of this true?")
    return page


def kept(everybody: Staff) -> int:
    return int(everybody.rows("select count(*) from kept_answers")[0][0])


def entries(page: Page) -> list[dict[str, Any]]:
    """Return the pages that the back button leads through."""
    found = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    return [{"url": one["url"], "title": one["title"]} for one in found["entries"]]


def test_nothing_of_the_answers_is_left_behind_whoever_leaves(context: BrowserContext, everybody: Staff) -> None:
    page = begun(context)
    before = kept(everybody)
    told: list[dict[str, str]] = []
    page.on("request", lambda request: told.append(request.all_headers()))

    page.get_by_role("link", name="Leave quickly").click()
    page.wait_for_url("**/en/away")

    assert (page.locator("body").inner_text(), page.title()) == ("", "Blank page")
    # They are forgotten behind the answer that leads away, which does not wait for it.
    until(lambda: kept(everybody) == before - 1)
    assert context.cookies() == []
    assert [headers for headers in told if "referer" in headers] == []
    for _ in range(4):
        page.go_back()
        if page.url == "about:blank":
            break
        assert page.locator(":checked").count() == 0, page.url


def test_the_history_tells_neither_category_nor_answer(context: BrowserContext) -> None:
    page = begun(context)

    page.get_by_role("link", name="Leave quickly").click()
    page.wait_for_url("**/en/away")

    shown = [(one["url"].rpartition("/en/")[2], one["title"].partition(" - ")[0]) for one in entries(page)]
    assert [one for one in shown if one[0] not in {"about:blank", "away"}] == [
        (f"report/{number}", f"Step {number}") for number in range(1, 4 if len(shown) == 5 else 3)
    ]


def test_three_escapes_leave_in_the_middle_of_a_word(chromium: Browser, everybody: Staff) -> None:
    context = chromium.new_context(base_url=everybody.product.url)
    page = context.new_page()
    page.goto("/en/report/all")
    page.locator("#narrative").fill(TYPED)

    for _ in range(3):
        page.locator("#narrative").press("Escape")
    page.wait_for_url("**/en/away")
    page.go_back()

    assert TYPED not in page.content()
    context.close()


def test_no_page_is_kept_in_the_cache_or_tells_another_site_where_one_came_from(
    context: BrowserContext, everybody: Staff
) -> None:
    page = context.new_page()
    answers = []
    page.on("response", lambda response: answers.append(response) if response.request.is_navigation_request() else None)

    for place in ("report", "report/1", "report/all", "follow-up", "elsewhere", "leave"):
        page.goto(f"{everybody.product.url}/ar/{place}")

    assert {one.header_value("cache-control") for one in answers} == {"no-store"}
    assert {one.header_value("referrer-policy") for one in answers} == {"no-referrer"}
