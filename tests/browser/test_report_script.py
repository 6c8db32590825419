"""What report.js does for those who have scripts, with its own file in a page as our templates make it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import Product

pytestmark = pytest.mark.browser

LEAVE = (
    '<a class=leave href=/en/leave data-leave data-two="Two more." data-one="One more.">Leave</a>'
    "<p role=status data-countdown></p>"
)
RECEIPT = (
    "<output id=receipt>7f3a-MARK</output>"
    '<button type=button data-copy=receipt data-done="Copied." data-failed="Marked." hidden>Copy</button>'
    "<button type=button data-print hidden>Print</button><p role=status data-copied></p>"
)
COUNTED = (
    "<label for=words>Words</label><textarea id=words></textarea>"
    '<p data-left-of=words data-most=5 data-words="Left: {n}" hidden></p><p role=status></p>'
)
Show = Callable[..., Page]


@pytest.fixture
def show(product: Product, chromium: Browser) -> Iterator[Show]:
    """Return what shows a piece of a page after another page."""
    context = chromium.new_context(base_url=product.url)
    context.set_default_timeout(10_000)

    def shown(html: str, *, scripts: bool = True) -> Page:
        page = context.new_page()
        script = "<script src=/static/report.js></script>" if scripts else ""
        head = "<!doctype html><html lang=en><title>Question 2</title><link rel=stylesheet href=/static/style.css>"
        html = f"{head}<body><input aria-label=typed>{html}{script}"
        page.route("**/en/before", lambda route: route.fulfill(content_type="text/html", body="before"))
        page.route("**/en/leave", lambda route: route.fulfill(content_type="text/html", body="away"))
        page.route("**/en/piece", lambda route: route.fulfill(content_type="text/html", body=html))
        page.clock.install()
        page.goto("/en/before")
        page.goto("/en/piece")
        return page

    yield shown
    context.close()


def test_escape_leaves_at_the_third_press_and_says_how_many_are_left(show: Show) -> None:
    page = show(LEAVE)
    said = page.get_by_role("status")

    page.get_by_label("typed").press("Escape")
    page.clock.run_for(100)
    expect(said).to_have_text("Two more.")
    page.keyboard.press("Escape")
    page.clock.run_for(100)
    expect(said).to_have_text("One more.")
    page.keyboard.press("Escape")

    page.wait_for_url("**/en/leave")


def test_escapes_long_apart_do_not_leave(show: Show) -> None:
    page = show(LEAVE)

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.clock.run_for(5_100)
    expect(page.get_by_role("status")).to_be_empty()
    page.keyboard.press("Escape")
    page.clock.run_for(100)

    expect(page.get_by_role("status")).to_have_text("Two more.")
    expect(page.get_by_role("link", name="Leave")).to_be_visible()


def test_a_key_that_is_held_down_counts_once(show: Show) -> None:
    page = show(LEAVE)

    for _ in range(4):
        page.keyboard.down("Escape")
    page.clock.run_for(100)

    expect(page.get_by_role("status")).to_have_text("Two more.")


def test_whoever_left_finds_the_page_before_it_one_step_back(show: Show) -> None:
    page = show(LEAVE)

    page.get_by_role("link", name="Leave").click()
    page.wait_for_url("**/en/leave")
    page.go_back()

    expect(page.locator("body")).to_have_text("before")


def test_the_page_is_emptied_before_the_next_one_answers(show: Show) -> None:
    page = show(LEAVE)
    # 204: the browser stays where it is, as while it waits for a slow answer.
    page.route("**/en/leave", lambda route: route.fulfill(status=204))
    page.get_by_label("typed").fill("MARKED-7f3a")

    page.get_by_role("link", name="Leave").click()

    expect(page.locator("body > *")).to_have_count(0)
    expect(page).to_have_title("")


def test_a_receipt_is_copied_where_the_browser_has_a_clipboard(show: Show) -> None:
    page = show(RECEIPT)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy").click()
    page.clock.run_for(100)

    expect(page.locator("[data-copied]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "7f3a-MARK"


def test_a_receipt_is_marked_for_the_person_s_own_keys_where_there_is_none(show: Show) -> None:
    page = show(RECEIPT)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")

    page.get_by_role("button", name="Copy").click()
    page.clock.run_for(100)

    expect(page.locator("[data-copied]")).to_have_text("Marked.")
    assert page.evaluate("String(getSelection())") == "7f3a-MARK"


def test_the_print_button_prints(show: Show) -> None:
    page = show(RECEIPT)
    page.evaluate("window.print = () => { document.title = 'printed' }")

    page.get_by_role("button", name="Print").click()

    expect(page).to_have_title("printed")


def test_buttons_that_need_scripts_are_not_shown_without(show: Show) -> None:
    page = show(RECEIPT, scripts=False)

    expect(page.get_by_role("button")).to_have_count(0)


def test_characters_are_counted_as_the_server_does_and_said_in_a_pause(show: Show) -> None:
    page = show(COUNTED)
    counted, said = page.locator("[data-left-of]"), page.get_by_role("status")

    expect(counted).to_have_text("Left: 5")
    page.get_by_label("Words").press_sequentially("a\U0001f600b")
    expect(counted).to_have_text("Left: 2")
    expect(said).to_be_empty()
    page.clock.run_for(1_100)
    expect(said).to_have_text("Left: 2")
    page.get_by_label("Words").press_sequentially("12345")

    expect(counted).to_have_text("Left: -3")
    expect(counted).to_have_class("mistake")
