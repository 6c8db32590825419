"""The way in as people go it: first password, their own, a second factor, then every time both."""

import time
from dataclasses import dataclass

import pyotp
from playwright.sync_api import Page


def give_password(page: Page, handle: str, password: str) -> None:
    page.get_by_label("Handle").fill(handle)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def choose_password(page: Page, password: str) -> None:
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same again").fill(password)
    page.get_by_role("button", name="Keep it").click()


@dataclass
class Phone:
    """Somebody's authenticator app; gives each code once, the next step's if it must."""

    secret: str
    _last: int = 0

    def code(self) -> str:
        app = pyotp.TOTP(self.secret)
        self._last = max(int(time.time()) // app.interval, self._last + 1)
        return app.generate_otp(self._last)


def enrol(page: Page) -> Phone:
    """Set up a second factor on the page that asks for one, up to the recovery codes."""
    phone = Phone(page.locator("code").first.inner_text().replace(" ", ""))
    page.get_by_label("Code").fill(phone.code())
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="recovery codes").wait_for()
    return phone


def give_code(page: Page, phone: Phone) -> None:
    page.get_by_label("Code").fill(phone.code())
    page.get_by_role("button", name="Go on").click()
