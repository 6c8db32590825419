"""What a screen reader is told of the main path, in its order: compared with a list that somebody has read.

Where a page was changed on purpose: RENEW=1 writes the list anew; read what changed, and commit it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import journey
from tests.browser.staff import Staff
from tests.browser.team import Team
from tests.browser.visitors import WithMouse

pytestmark = pytest.mark.browser

LIST = Path(__file__).parent / "reading_order.txt"
TOLD_OF = ("start", "1", "2", "4", "9", "12", "check", "receipt")
"""The first page, each kind of question, the answers to check, the receipt."""
_VARYING = re.compile(
    r"(?P<receipt>(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})|(?P<day>\d{1,2} [A-Z][a-z]+ 20\d\d)|127\.0\.0\.1:\d+"
)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_the_main_path_reads_in_the_right_order(everybody: Staff, team: Team, page: Page) -> None:
    told: dict[str, str] = {}

    def listen(name: str) -> None:
        # What stands around a page is the same everywhere.
        told[name] = page.locator("body" if name == "start" else "main").aria_snapshot()

    visitor, url = WithMouse(page), f"{everybody.product.url}/en"
    receipt = journey.report(visitor, url, str, listen)
    team.ask(team.newest(), journey.QUESTION)
    journey.follow(visitor, url, str, receipt)
    listen("follow-up")

    order = "\n".join(f"# {name}\n{_steady(told[name])}\n" for name in (*TOLD_OF, "follow-up"))
    if os.environ.get("RENEW"):
        LIST.write_text(order)
    assert order == LIST.read_text()


def _steady(tree: str) -> str:
    """Return the tree with what differs from run to run named instead, and without the list of all time zones."""
    lines = [line for line in tree.splitlines() if not line.lstrip().startswith('- option "UTC')]
    return _VARYING.sub(lambda found: f"<{found.lastgroup}>", "\n".join(lines))
