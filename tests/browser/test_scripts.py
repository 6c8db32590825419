"""What console.js does for those who have scripts, and that the pages do without for those who have not."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import Staff

pytestmark = pytest.mark.browser

HOUR = "01:00:00"


def show(page: Page, html: str) -> None:
    """Put `html`, as one of our templates would make it, into a page of ours, and start its script anew."""
    page.route(
        "**/console/piece",
        lambda route: route.fulfill(
            content_type="text/html", body=f"<body>{html}<script src=/static/console.js></script></body>"
        ),
    )
    page.goto("/console/piece")


def test_a_clock_counts_on_in_the_server_s_words_and_turns_late(staff: Staff) -> None:
    reference = staff.file("csam_suspected")
    page = staff.signed_in("ana")
    page.clock.install()
    page.goto("/console")
    clock = page.get_by_role("row").filter(has_text=reference).locator("time[data-clock]")

    expect(clock).to_have_text("Claim in 59 min")
    page.clock.fast_forward("30:00")
    expect(clock).to_have_text("Claim in 29 min")
    page.clock.fast_forward(HOUR)

    expect(clock).to_have_text("Claim 30 min ago")
    expect(clock).to_have_class(re.compile(r"\blate\b"))


def test_a_machine_whose_clock_is_wrong_shows_the_server_s_time(staff: Staff) -> None:
    reference = staff.file("csam_suspected")
    page = staff.signed_in("ana")
    page.clock.install(time="2020-01-01T00:00:00Z")

    page.goto("/console")

    clock = page.get_by_role("row").filter(has_text=reference).locator("time[data-clock]")
    expect(clock).to_have_text("Claim in 59 min")


def test_a_claim_warns_before_it_ends(staff: Staff) -> None:
    page = staff.signed_in("ana")
    page.clock.install(time="2026-11-23T10:00:00Z")
    piece = (
        '<p role=status data-claim-ends="2026-11-23T10:30:00Z" data-claim-warn=300 hidden>'
        "Your claim ends in <span data-claim-left></span>.</p>"
    )
    show(page, piece)

    expect(page.get_by_role("status")).to_have_count(0)
    page.clock.fast_forward("25:30")

    expect(page.get_by_role("status")).to_have_text(re.compile(r"Your claim ends in 4:\d\d\."))


def test_a_veil_shuts_by_escape_and_when_the_window_is_left(staff: Staff) -> None:
    page = staff.signed_in("ana")
    show(page, "<details class=veil data-veil><summary>Show</summary><pre>MARKED-7f3a</pre></details>")
    text = page.get_by_text("MARKED-7f3a")
    seen = []

    expect(text).not_to_be_visible()
    page.get_by_text("Show").click()
    seen.append(text.is_visible())
    page.keyboard.press("Escape")
    seen.append(text.is_visible())
    page.get_by_text("Show").click()
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { value: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }"
    )
    seen.append(text.is_visible())

    assert seen == [True, False, False]


def test_a_form_goes_once_however_often_its_button_is_pressed(staff: Staff) -> None:
    page = staff.signed_in("ana")
    sent: list[str] = []
    show(page, "<form method=post action=/console/piece/sent><button>Send</button></form>")
    page.route("**/console/piece/sent", lambda route: route.fulfill(status=204))
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    # An answer without a page leaves this one, so that there is a button to press again.
    for _ in range(3):
        page.get_by_role("button").dispatch_event("click")
        page.wait_for_timeout(50)

    assert len(sent) == 1


def test_counts_follow_what_waits_and_say_that_there_is_more(staff: Staff) -> None:
    page = staff.signed_in("dora")
    page.clock.install()
    page.goto("/console")
    waiting = page.locator("[data-count=nobody]")
    before = int(waiting.inner_text())
    expect(page.get_by_text("More cases wait")).not_to_be_visible()

    staff.file("fraud", involves=["legal", "senior_management"])
    page.clock.fast_forward("00:31")

    expect(waiting).to_have_text(str(before + 1))
    expect(page.get_by_text("More cases wait")).to_be_visible()
