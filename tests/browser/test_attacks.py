"""What the browser itself has to refuse because our headers say so, tried by a page that means harm."""

import re

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request

from router.vocabulary import Role
from tests.browser.staff import Staff

pytestmark = pytest.mark.browser

NEIGHBOUR, STRANGER = "http://127.0.0.1:9", "http://localhost:9"
"""Another port is the same site for cookies; another host is another site. Nothing listens there: see `hostile`."""


def hostile(context: BrowserContext, address: str, html: str) -> Page:
    """Return a page at `address` that shows `html`."""
    page = context.new_page()
    page.route(f"{address}/**", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{address}/")
    return page


def at_the_desk(staff: Staff) -> Page:
    page = staff.signed_in("ana")
    page.goto("/console")
    return page


@pytest.mark.parametrize(
    "planted",
    [
        "let s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)",
        "let a = document.createElement('a'); a.setAttribute('onclick', 'window.ran = 1'); a.click()",
        "let a = document.createElement('a'); a.href = 'javascript:window.ran = 1'; document.body.append(a); a.click()",
        "let s = document.createElement('script'); s.setAttribute('src', 'data:,ran=1'); document.body.append(s)",
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')",
        "setTimeout('window.ran = 1', 0)",
    ],
)
def test_no_script_runs_that_is_not_our_file(staff: Staff, planted: str) -> None:
    page = at_the_desk(staff)

    try:
        page.evaluate(f"() => {{ {planted} }}")
    except Error as refused:
        assert re.search("Content Security Policy|Trusted|CSP", str(refused))  # noqa: PT017 - either way is a refusal
    page.wait_for_timeout(100)

    assert page.evaluate("window.ran") is None


def test_no_style_no_picture_and_no_request_of_elsewhere(staff: Staff) -> None:
    page = at_the_desk(staff)
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))
    page.route(f"{NEIGHBOUR}/**", lambda route: route.fulfill(body="", headers={"access-control-allow-origin": "*"}))

    fetched = page.evaluate(f"() => fetch('{NEIGHBOUR}/').then(() => 'sent', () => 'refused')")
    page.evaluate(
        f"() => {{ const i = document.createElement('img'); i.src = '{NEIGHBOUR}/i'; document.body.append(i);"
        f" const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = '{NEIGHBOUR}/s';"
        " document.head.append(l); document.body.setAttribute('style', 'display: none') }"
    )
    page.wait_for_timeout(200)

    assert fetched == "refused"
    assert [url for url in answered if url.startswith(NEIGHBOUR)] == []
    assert page.locator("body").is_visible()


def test_a_planted_form_sends_nothing_elsewhere(staff: Staff) -> None:
    page = at_the_desk(staff)
    sent: list[str] = []
    page.context.on("request", lambda request: sent.append(request.url))

    page.evaluate(
        f"() => {{ const f = document.createElement('form'); f.method = 'post'; f.action = '{NEIGHBOUR}/';"
        " document.body.append(f); f.requestSubmit() }"
    )
    page.wait_for_timeout(200)

    assert page.url == f"{staff.product.console_url}/console"
    assert [url for url in sent if url.startswith(NEIGHBOUR)] == []


@pytest.mark.parametrize("address", [NEIGHBOUR, STRANGER])
def test_no_other_page_puts_ours_into_a_frame(staff: Staff, address: str) -> None:
    context = at_the_desk(staff).context

    page = hostile(context, address, f'<iframe src="{staff.product.console_url}/console"></iframe>')
    page.wait_for_timeout(300)

    assert [frame.url for frame in page.frames if frame.url.startswith(staff.product.console_url)] == []
    assert all("Queue" not in frame.content() for frame in page.frames)


@pytest.mark.parametrize("address", [NEIGHBOUR, STRANGER])
def test_a_form_that_another_page_sends_does_nothing_and_signs_nobody_out(staff: Staff, address: str) -> None:
    page = at_the_desk(staff)

    there = hostile(
        page.context,
        address,
        f'<form method="post" action="{staff.product.console_url}/console/sign-out"><button>Win</button></form>',
    )
    there.get_by_role("button").click()
    there.get_by_role("heading", name="Not done").wait_for()
    page.goto("/console")

    assert page.get_by_role("heading", name="Queue").is_visible()


def test_a_link_of_another_site_leads_there_and_tells_it_nothing(staff: Staff) -> None:
    page = at_the_desk(staff)
    seen: list[Request] = []
    page.context.on("request", lambda request: seen.append(request))  # noqa: PLW0108 - Playwright marks functions

    # As the link in a ticket does. The first request comes without the cookie, the page's own next one with it.
    there = hostile(page.context, STRANGER, f'<a href="{staff.product.console_url}/console?said=none">Look</a>')
    there.get_by_role("link").click()
    there.get_by_role("heading", name="Queue").wait_for()

    assert there.url == f"{staff.product.console_url}/console?said=none"
    assert {request.headers.get("referer") for request in seen if "/console" in request.url} <= {None, f"{STRANGER}/"}


def test_scripts_cannot_read_the_cookie(staff: Staff) -> None:
    assert at_the_desk(staff).evaluate("document.cookie") == ""


def test_after_signing_out_the_way_back_shows_nothing(staff: Staff) -> None:
    page = at_the_desk(staff)

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/console/sign-in*")
    page.go_back()

    page.wait_for_url("**/console/sign-in*")
    assert not page.get_by_role("navigation", name="Console").is_visible()


def test_nothing_stays_in_the_browser(staff: Staff) -> None:
    page = at_the_desk(staff)

    kept = page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length,"
        " (await navigator.serviceWorker.getRegistrations()).length]"
    )

    assert kept == [0, 0, 0, 0]


def test_what_people_typed_is_never_markup_wherever_it_shows(staff: Staff) -> None:
    markup = '<img src=x onerror="window.ran = 1"><b class=planted>MARKED-7f3a</b>'
    reference = staff.file("csam_suspected", narrative=markup, contact=markup)
    page = staff.signed_in("ana", *Role)
    staff.unlock(page, "ana")
    alive: list[str] = []

    def look() -> None:
        if page.locator("b.planted, img").count() or page.evaluate("window.ran"):
            alive.append(page.url)

    page.goto(f"/console/cases/{reference}")
    page.get_by_label("Note for colleagues").fill(markup)
    page.get_by_role("button", name="Keep", exact=True).click()
    look()
    page.get_by_text("Keep it from being deleted").click()
    page.get_by_label("Reason").locator("visible=true").fill(markup)
    page.get_by_role("button", name="Put on hold").click()
    look()
    page.goto(f"/console/cases/{reference}/dialogue")
    page.get_by_label("Question").check()
    page.get_by_label("Message").fill(markup)
    page.get_by_role("button", name="Send").click()
    page.get_by_role("status").first.wait_for()
    for part in ("", "/notes", "/dialogue", "/timeline", "/timeline?looks=1", "?print=1"):
        page.goto(f"/console/cases/{reference}{part}")
        look()
    page.goto(f"/console/cases/{reference}")
    page.get_by_label("Why do you open it?").fill(markup)
    page.get_by_role("button", name="Open", exact=True).click()
    look()
    shown = page.locator("pre").all_text_contents()
    page.goto("/console?severity=critical")
    page.get_by_text("Save this filter").click()
    page.get_by_label("Name of the view").fill("<b class=planted>MARKED-7f3a</b>")
    page.get_by_role("button", name="Save").click()
    look()
    for path in (f"/console/audit?about={reference}", "/console/audit", "/console/tasks", "/console"):
        page.goto(path)
        look()

    assert alive == []
    assert shown[0] == markup
