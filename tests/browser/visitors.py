"""Somebody before a screen, whatever the browser and however they use it: does all by the words shown."""

from typing import Protocol

from playwright.sync_api import Locator, Page

from tests.browser.firefox import Firefox

MOST_STOPS = 120


class Visitor(Protocol):
    """What a person does with a page."""

    def go(self, url: str) -> None:
        """Type an address."""

    def write(self, label: str, text: str) -> None:
        """Write into the field that is labelled so."""

    def pick(self, label: str) -> None:
        """Tick or choose what is labelled so."""

    def press(self, name: str) -> None:
        """Press the button or follow the link that is named so, and wait for where it leads."""

    def read(self, css: str = "main") -> str:
        """Return what is to be read there."""

    def address(self) -> str:
        """Return the address that the browser shows."""

    def title(self) -> str:
        """Return the title that the browser shows, and keeps in its history."""


class WithMouse:
    """Goes through Chromium with a mouse or a finger."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, url: str) -> None:
        self.page.goto(url)

    def write(self, label: str, text: str) -> None:
        self.page.get_by_label(label).first.fill(text)

    def pick(self, label: str) -> None:
        self.page.get_by_label(label, exact=True).check()

    def press(self, name: str) -> None:
        self._button(name).click()

    def read(self, css: str = "main") -> str:
        return self.page.locator(css).first.inner_text()

    def address(self) -> str:
        return self.page.url

    def title(self) -> str:
        return self.page.title()

    def _button(self, name: str) -> Locator:
        both = self.page.get_by_role("button", name=name, exact=True)
        return both.or_(self.page.get_by_role("link", name=name, exact=True)).first


class WithKeyboard(WithMouse):
    """Goes through Chromium with the keyboard alone: tabulator, arrows, space and enter."""

    def write(self, label: str, text: str) -> None:
        self._go_to(self.page.get_by_label(label).first)
        self.page.keyboard.type(text)

    def pick(self, label: str) -> None:
        wanted = self.page.get_by_label(label, exact=True)
        if wanted.get_attribute("type") == "radio":
            group = self.page.locator(f"input[name='{wanted.get_attribute('name')}']")
            self._go_to(group)
            # The first press chooses what has the focus; the arrows go on from there, and round at the end.
            self.page.keyboard.press("Space")
            for _ in range(group.count()):
                if wanted.is_checked():
                    return
                self.page.keyboard.press("ArrowDown")
            assert wanted.is_checked(), label
        else:
            self._go_to(wanted)
            self.page.keyboard.press("Space")

    def press(self, name: str) -> None:
        self._go_to(self._button(name))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def _go_to(self, wanted: Locator) -> None:
        """Press the tabulator until `wanted`, or one of them, has the focus."""
        for _ in range(MOST_STOPS):
            if wanted.evaluate_all("all => all.includes(document.activeElement)"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the tabulator does not lead to {wanted}")


class InFirefox:
    """Goes through Debian's Firefox."""

    def __init__(self, fox: Firefox) -> None:
        self.fox = fox

    def go(self, url: str) -> None:
        self.fox.go(url)

    def write(self, label: str, text: str) -> None:
        self.fox.type(f"//*[@id = //label[starts-with(normalize-space(), {quoted(label)})]/@for]", text)

    def pick(self, label: str) -> None:
        self.fox.click(f"//label[normalize-space() = {quoted(label)}]")

    def press(self, name: str) -> None:
        self.fox.click(f"//*[(self::button or self::a) and normalize-space() = {quoted(name)}]")

    def read(self, css: str = "main") -> str:
        return self.fox.text(f"//{css}")

    def address(self) -> str:
        return self.fox.address()

    def title(self) -> str:
        return self.fox.title()


def quoted(words: str) -> str:
    """Return `words` as XPath 1.0 wants them, which has no way to write both kinds of quotation marks."""
    mark = "'" if '"' in words else '"'
    return f"{mark}{words}{mark}"
