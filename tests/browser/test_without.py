"""Without scripts, and without a mouse: all of the work on a case can be done, and one sees where one is."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import NARRATIVE, Staff

pytestmark = pytest.mark.browser

SEEN = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const box = one.getBoundingClientRect();
  const lines = [getComputedStyle(one), getComputedStyle(one, '::after')];
  return {
    what: one.cloneNode(false).outerHTML,
    ringed: lines.some((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0,
  };
}"""
MOST_STOPS = 150


def open_report(page: Page, staff: Staff, reference: str) -> None:
    staff.unlock(page, "ana")
    page.goto(f"/console/cases/{reference}")
    page.get_by_label("Why do you open it?").fill("a look")
    page.get_by_role("button", name="Open", exact=True).click()


def test_a_case_is_worked_on_without_scripts(staff: Staff) -> None:
    reference = staff.file("fraud", asset_tag="NOSCRIPT-1")
    page = staff.signed_in("ana", java_script_enabled=False)

    page.goto("/console")
    page.get_by_label("Reference, asset tag").fill("NOSCRIPT-1")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=reference).click()
    page.get_by_role("button", name="Claim it").click()
    expect(page.get_by_text("You have this case now.")).to_be_visible()
    open_report(page, staff, reference)
    narrative = page.locator("pre").first
    expect(narrative).not_to_be_visible()
    page.get_by_text("Show the narrative").click()
    expect(narrative).to_have_text(NARRATIVE)
    page.goto(f"/console/cases/{reference}")
    page.get_by_label("Note for colleagues").fill("MARKED-7f3a")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("The note is kept")
    page.goto(f"/console/cases/{reference}")
    page.get_by_label("No action").check()
    page.get_by_role("button", name="Close the case").click()

    expect(page.get_by_role("status").first).to_contain_text("closed")


@pytest.mark.parametrize("path", ["/console", "/console/cases/{reference}"])
def test_the_tabulator_leads_through_everything_and_one_sees_where_one_is(staff: Staff, path: str) -> None:
    page = staff.signed_in("ana")
    page.goto(path.format(reference=staff.file("csam_suspected")))

    stops = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if (stop := page.evaluate(SEEN)) is None:
            break
        stops.append(stop)

    assert "Skip to content" in page.locator("a.skip").inner_text()
    assert 'class="skip"' in stops[0]["what"]
    assert len(stops) < MOST_STOPS
    assert [stop["what"] for stop in stops if not (stop["ringed"] and stop["inside"])] == []
    reachable = page.locator("a[href], button, input:not([type=hidden]), select, textarea, summary").locator(
        "visible=true"
    )
    radios = page.locator("input[type=radio]").count()
    # A group of radio buttons is one stop, and a field for a day is three.
    assert len({stop["what"] for stop in stops}) >= reachable.count() - radios - repeated(page)


def repeated(page: Page) -> int:
    """Return how many elements look like another one in the page's source: buttons without a name, mostly."""
    source = page.locator("a[href], button, summary").evaluate_all(
        "all => all.map((one) => one.cloneNode(false).outerHTML)"
    )
    return len(source) - len(set(source))


def test_the_skip_link_leads_past_the_bar(staff: Staff) -> None:
    page = staff.signed_in("ana")
    page.goto("/console")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="Take the next case")).to_be_focused()


def test_a_case_is_claimed_and_given_back_by_the_keyboard_alone(staff: Staff) -> None:
    page = staff.signed_in("ana")
    page.goto(f"/console/cases/{staff.file('fraud')}")

    press_on(page, "Claim it")
    expect(page.get_by_text("You have this case now.")).to_be_visible()
    press_on(page, "Give it back to the queue")

    expect(page.get_by_role("status").first).to_contain_text("back in the queue")


def press_on(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name)
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")


def test_a_message_of_what_was_done_is_said_to_those_who_do_not_see(staff: Staff) -> None:
    page = staff.signed_in("ana")
    page.goto(f"/console/cases/{staff.file('fraud')}")

    page.get_by_role("button", name="Claim it").click()

    expect(page.locator("[role=status]").first).to_have_text(re.compile("You have this case now"))
