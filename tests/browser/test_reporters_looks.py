"""Every page of the reporters in every state, errors included: nothing that axe finds, nothing that scrolls sideways.

And a picture of each in light, in dark, on a phone and from right to left.

Which pages and states there are, another walk knows, which fails when a sentence of a template was not shown on it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.browser.looks import DARK, DESKTOP, NARROW, PICTURES, WCAG, Shape, faults, too_wide
from tests.conftest import Database
from tests.publicpart import Start, console, settings, start
from tests.router.reporter import test_pseudo_locale as there
from tests.router.reporter.test_agents import agent, link

__all__ = ["agent", "console", "link", "settings", "start"]
pytestmark = pytest.mark.browser

ORIGIN = "http://127.0.0.1:9"
"""Nobody listens there: what is shown was answered before."""
CONTRAST = ("color-contrast",)
"""The one rule of axe that another scheme can break."""
LOOKS: Mapping[str, tuple[tuple[Shape, tuple[str, ...]], ...]] = {
    "en": ((replace(DESKTOP, width=1000), WCAG), (replace(DARK, width=1000), CONTRAST), (NARROW, ())),
    "ar": ((NARROW, WCAG),),
}
"""In which shapes a language's pages are seen, and by what axe goes in each."""


class Collector(there.Walker):
    """Somebody who sees every page, and keeps one of each kind."""

    def __init__(self, public: TestClient) -> None:
        super().__init__(public, there.HOUSE)
        self.pages: dict[str, Any] = {}

    def _seen(self, place: str, answer: Any, expected: int) -> str:
        parts = [part.split("?")[0] for part in place.strip("/").split("/") if not part.isdigit()]
        heading = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
        outline = re.sub(r"<[^>]*>", "", heading[1]).split() if heading else ()
        # One page for each heading, kind of error, and set of parts.
        kind = (*parts, *outline, expected, *sorted(set(re.findall(r'<section class="(\w+)', answer.text))))
        self.pages.setdefault(repr(kind), answer)
        return super()._seen(place, answer, expected)


@pytest.fixture
def public(start: Start) -> TestClient:
    return start()


@pytest.fixture
def answers(public: TestClient, link: str, console: Engine, database: Database, code: str) -> Mapping[str, Any]:
    """An answer of each kind in a language, by numbers in the order in which they were met."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(there, "CODE", code)
        walker = Collector(public)
        there.look_around(walker)
        there.report_on_one_page(walker)
        there.report_step_by_step(walker)
        there.follow_up(walker, console, database)
        there.take_a_ticket_over(walker, link)
        there.take_a_report_down(walker, console)
        there.find_the_database_away(walker, database)
    assert walker.other_statuses == []
    return {f"{number:02d}": answer for number, answer in enumerate(walker.pages.values(), 1)}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("code", LOOKS)
def test_every_page_looks_right_in_every_state(
    page: Page, public: TestClient, answers: Mapping[str, Any], code: str
) -> None:
    wrong = [
        f"{code} {name} {answer.request.method} {answer.request.url.path} {answer.status_code}: {fault}"
        for name, answer in answers.items()
        for fault in looked_at(page, public, answer, code, name)
    ]

    assert wrong == []
    assert len(answers) > 50, "there are more pages and states than that"


def looked_at(page: Page, public: TestClient, answer: Any, code: str, name: str) -> Iterator[str]:
    """Show what was answered, with our own files, and take pictures of it; yield all that is wrong with it."""

    def show(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        given = public.get(path) if path.startswith("/static/") else answer
        headers = {key: value for key, value in given.headers.items() if key != "content-length"}
        route.fulfill(status=200, headers=headers, body=given.content)

    page.unroute_all()
    page.route("**/*", show)
    page.goto(f"{ORIGIN}{answer.request.url.path}")
    for shape, rules in LOOKS[code]:
        page.emulate_media(color_scheme=shape.scheme)
        page.set_viewport_size({"width": shape.width, "height": shape.height})
        picture = PICTURES / f"report-{code}-{name}-{shape.name}.png"
        page.screenshot(path=picture, full_page=True, animations="disabled")
        if rules:
            yield from (f"{shape.name}: {fault}" for fault in faults(page, rules))
    yield from too_wide(page)
