"""A report as people make it: in each language, with scripts and without, by keyboard alone and on a small phone.

From the first page to the receipt, then a question from the team, an answer, and the closing status. What happened
stands in var/screenshots as report-*.zip, which `playwright show-trace` plays.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from router.reporter.languages import CODES, languages
from tests.browser import journey
from tests.browser.looks import PICTURES, SMALLEST
from tests.browser.staff import Staff
from tests.browser.team import Team
from tests.browser.visitors import Visitor, WithKeyboard, WithMouse

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": SMALLEST, "height": 568}, "has_touch": True}
WAYS: dict[str, tuple[type[WithMouse], dict[str, Any]]] = {
    "scripts": (WithMouse, {}),
    "no-scripts": (WithMouse, {"java_script_enabled": False, **PHONE}),
    "keyboard": (WithKeyboard, PHONE),
}


@pytest.fixture
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    visitor, options = WAYS[request.getfixturevalue("way")]
    context = chromium.new_context(**options)
    context.set_default_timeout(10_000)
    # A copy of the page for each key pressed would take most of the time.
    context.tracing.start(screenshots=True, snapshots=visitor is not WithKeyboard)
    yield context
    context.close()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("way", WAYS)
def test_from_the_first_page_to_the_closing_status(
    everybody: Staff, team: Team, context: BrowserContext, way: str, code: str
) -> None:
    say, url = languages()[code].catalogue.gettext, f"{everybody.product.url}/{code}"
    visitor: Visitor = WAYS[way][0](context.new_page())

    receipt = journey.report(visitor, url, say)
    case = team.newest()
    team.ask(case, journey.QUESTION)
    asked = journey.follow(visitor, url, say, receipt)
    answered = journey.answer(visitor, say)
    team.close(case)
    closed = journey.follow(visitor, url, say, receipt)
    context.tracing.stop(path=PICTURES / f"report-{code}-{way}.zip")

    assert journey.QUESTION in asked
    assert say("We have kept what you wrote. The team is told that there is something to read.") in answered
    assert say("Your report has been dealt with, and the case is closed.") in closed
    assert journey.ANSWER not in answered + closed
