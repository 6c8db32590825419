"""Looks at a page as people do who see, see little, or use a phone: axe in each shape, and pictures to be looked at."""

from dataclasses import dataclass
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Page

from tests.conftest import CHECKOUT

PICTURES = CHECKOUT / "var/screenshots"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""What axe knows of WCAG 2.2, levels A and AA."""


@dataclass(frozen=True)
class Shape:
    """One way to see a page."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"


DESKTOP, DARK, NARROW = Shape("desktop", 1360, 900), Shape("dark", 1360, 900, "dark"), Shape("narrow", 390, 844)
# 320 CSS pixels are what WCAG 1.4.10 (reflow) asks for.
SMALLEST = 320


def faults(page: Page, rules: tuple[str, ...] = WCAG) -> list[str]:
    """Return what axe finds wrong with the page as it is, each with the elements; by all of WCAG, or by some rules."""
    found: list[dict[str, Any]] = Axe().run(page, options={"runOnly": list(rules)}).response["violations"]
    return [
        f"{rule['id']}: {node['html']} {node.get('failureSummary', '')}" for rule in found for node in rule["nodes"]
    ]


def look(page: Page, name: str) -> list[str]:
    """Take a picture of the page in each shape as var/screenshots/NAME-SHAPE.png; return all that is wrong with it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong = []
    for shape in (NARROW, DARK, DESKTOP):
        page.emulate_media(color_scheme=shape.scheme)
        page.set_viewport_size({"width": shape.width, "height": shape.height})
        page.screenshot(path=PICTURES / f"{name}-{shape.name}.png", full_page=True, animations="disabled")
        wrong += [f"{name} {shape.name}: {fault}" for fault in faults(page)]
    wrong += [f"{name}: {fault}" for fault in too_wide(page)]
    return wrong


_WIDER = """() => [...document.querySelectorAll('body *')].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !one.closest('.scroll, .away, .skip');
}).map((one) => one.cloneNode(false).outerHTML)"""


def too_wide(page: Page) -> list[str]:
    """Return whether the page scrolls sideways on the smallest screen, with what makes it do so."""
    page.set_viewport_size({"width": SMALLEST, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    wider = page.evaluate(_WIDER)[:5] if width > SMALLEST else []
    page.set_viewport_size({"width": DESKTOP.width, "height": DESKTOP.height})
    return [f"scrolls sideways: {width} px in a window of {SMALLEST}: {wider}"] if width > SMALLEST else []
