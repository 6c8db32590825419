"""Without a mouse, at 400 %: the tabulator leads to everything on the reporters' pages, and one sees where one is."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.looks import SMALLEST
from tests.browser.staff import Staff
from tests.browser.visitors import MOST_STOPS

pytestmark = pytest.mark.browser

# A window of 1,280 by 1,024 pixels at 400 % (WCAG 1.4.10).
ENLARGED: ViewportSize = {"width": SMALLEST, "height": 256}
SEEN = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const frame = one.closest('.tick') || one;
  const ring = getComputedStyle(frame);
  const box = one.getClientRects()[0]; // A link that is wrapped has one for each line.
  const within = (at, most) => Math.min(Math.max(at, 0), most - 1);
  const there = document.elementFromPoint(
    within((box.left + box.right) / 2, innerWidth), within((box.top + box.bottom) / 2, innerHeight));
  return {
    what: one.cloneNode(false).outerHTML,
    ringed: ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) >= 2,
    seen: frame.contains(there) || one.contains(there),
  };
}"""


@pytest.fixture
def page(chromium: Browser, everybody: Staff) -> Iterator[Page]:
    context = chromium.new_context(base_url=everybody.product.url, viewport=ENLARGED)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", ["/en/report", "/en/report/1", "/ar/report/all", "/de/follow-up"])
def test_the_tabulator_leads_through_everything_and_one_sees_where_one_is(page: Page, path: str) -> None:
    page.goto(path)

    stops: list[dict[str, Any]] = []
    while len(stops) < MOST_STOPS:
        page.keyboard.press("Tab")
        if (stop := page.evaluate(SEEN)) is None:
            break
        stops.append(stop)

    assert [stop for stop in stops if not (stop["ringed"] and stop["seen"])] == []
    reachable = page.locator("a[href], button, input:not([type=hidden], [type=radio]), select, textarea").locator(
        "visible=true"
    )
    assert len(stops) >= reachable.count()


def test_the_second_stop_leads_away_and_the_first_past_what_stands_on_every_page(page: Page) -> None:
    page.goto("/en/report/1")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Leave quickly")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("radio").first).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_whoever_made_a_mistake_is_on_what_says_so_and_one_press_from_the_question(
    chromium: Browser, everybody: Staff, *, scripts: bool
) -> None:
    context = chromium.new_context(base_url=everybody.product.url, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/en/report/1")

    page.get_by_role("button", name="Continue").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("alert").get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("fieldset#category")).to_be_focused()
    assert page.url.endswith("#category")
    context.close()
