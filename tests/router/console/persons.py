"""People who sign in as in life: with a first password, a second factor, recovery codes."""

import re
from dataclasses import dataclass

import pyotp
import pytest

from router.console import accounts
from router.console.signin.slowing import Pace
from tests.router.console.pages import Browser, Office

OWN = "MARKED-7f3a heron lamp"


@dataclass
class Person:
    office: Office
    handle: str
    password: str
    secret: str = ""
    codes: tuple[str, ...] = ()

    def code(self, *, steps: int = 0) -> str:
        """The app's code, of a time step that was not used yet: tests do not wait for half a minute."""
        self.office.deployment.run("update accounts set totp_step = 0 where handle = :handle", handle=self.handle)
        return pyotp.TOTP(self.secret).at(self._now(), counter_offset=steps)

    def _now(self) -> int:
        return int(self.office.deployment.rows("select extract(epoch from clock_timestamp())::bigint")[0][0])


def first(office: Office, handle: str = "sven") -> Person:
    return Person(office, handle, accounts.give_first_password(office.deployment.console, handle, by="login:test"))


def enrolled(office: Office, handle: str = "sven") -> Person:
    """Somebody who went through all of it once; signed out."""
    person, browser = first(office, handle), office.browser()
    browser.post("/console/sign-in", handle=handle, password=person.password)
    browser.post("/console/sign-in/enrol/password", password=OWN, again=OWN)
    person.password = OWN
    person.secret = shown_secret(browser)
    answer = browser.post("/console/sign-in/enrol/code", code=person.code())
    person.codes = tuple(re.findall(r"<code>([0-9A-Z-]{19})</code>", answer.text))
    browser.post("/console/sign-out")
    return person


def shown_secret(browser: Browser) -> str:
    shown = re.search(r"<code>([A-Z2-7 ]{39})</code>", browser.get("/console/sign-in/enrol").text)
    assert shown
    return shown[1].replace(" ", "")


def wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first wait last longer than a busy machine takes for the next try."""
    monkeypatch.setattr(Pace, "wait_s", lambda pace, failures: 0 if failures < pace.free else pace.longest_s)


def signed_in(browser: Browser) -> bool:
    return browser.get("/console/account").status_code == 200


def give_password(browser: Browser, person: Person, **more: str) -> None:
    fields = {"handle": person.handle, "password": person.password, **more}
    assert browser.post("/console/sign-in", fields).status_code == 303
