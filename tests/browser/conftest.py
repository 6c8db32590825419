"""One deployment for all tests in browsers, and Debian's Chromium."""

from collections.abc import Iterator
from shutil import copytree

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import PROGRAM, missing
from tests.browser.staff import Staff, staff_of
from tests.browser.team import Team
from tests.conftest import CHECKOUT
from tests.running import Product, running

MANY_PER_HOUR = "100000"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    why = missing()
    if why:
        pytest.skip(why)
    with sync_playwright() as playwright:
        # Chromium's sandbox wants another user than root; the pages are our own.
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    root = tmp_path_factory.mktemp("browser")
    copytree(CHECKOUT / "config", root / "config")
    with running(root, env={"CONCERN_ROUTER_ANONYMOUS_PER_HOUR": MANY_PER_HOUR}) as product:
        yield product


@pytest.fixture(scope="session")
def everybody(product: Product, chromium: Browser) -> Iterator[Staff]:
    with staff_of(product, chromium) as staff:
        staff.add("ana", "security", "legal")
        staff.add("ben", "security")
        staff.add("cem", "legal")
        staff.add("dora", "ombuds")
        yield staff


@pytest.fixture(scope="session")
def team(everybody: Staff) -> Iterator[Team]:
    """Somebody who works on reports, with the texts unlocked."""
    everybody.add("tess", "security", "legal")
    page = everybody.signed_in("tess")
    everybody.open_contexts.remove(page.context)
    everybody.unlock(page, "tess")
    yield Team(everybody, page)
    page.context.close()


@pytest.fixture
def staff(everybody: Staff) -> Iterator[Staff]:
    yield everybody
    while everybody.open_contexts:
        everybody.open_contexts.pop().close()
