"""Attacks on every page of the console at once: whoever adds a page adds it to these tests by listing it in PAGES.

What a browser itself has to refuse is tried in `tests/browser`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from router.app import console_app
from router.console.pages import PAGES
from router.console.pages.ask import Page
from router.console.pages.frame import UNLOCK
from router.console.pages.rendering import FORM_TOKEN
from router.console.signin.cookie import new_cookie
from router.store import sessions
from router.store.casehead import head
from router.store.engine import transaction
from router.store.sessions import Stage
from router.vocabulary import Role
from tests.conftest import CHECKOUT
from tests.router.console.pages import Browser, Office

CONSOLE = CHECKOUT / "router/console/pages"
MARK = "MARKED-7f3a"
MARKUP = (f"<b>{MARK}</b>", f'"><img src=x onerror={MARK}>', f"'-{MARK}-'", f"{{{{ {MARK} }}}}", f"javascript:{MARK}")
NASTY = (
    *("\x00", f"{MARK}\r\nX-Injected: 1", "\u202e\ufffe\U0001f4a5", "-1", "99999999999999999999", "NaN", "1e400"),
    *(
        "' or 1=1 --",
        "../../../etc/passwd",
        "%00%0d%0a",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59+14:00",
        "x" * 5000,
    ),
)
ELSEWHERE = (
    *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)"),
    *(
        "/console/../..//evil.example",
        "/console@evil.example",
        "/consolex",
        "/console\r\nX-Injected: 1",
        "/console?//@x",
    ),
)
GETS = tuple(page for page in PAGES if page.method == "GET")
POSTS = tuple(page for page in PAGES if page.method == "POST")
ON_A_CASE = tuple(page for page in PAGES if "{reference}" in page.path)
NEVER = frozenset({"/console/lock", "/console/sign-out"})
"""They do what they are for with any form."""


def queries() -> frozenset[str]:
    """Every name that some page looks for in a query: in its own code, or in a list of names there."""
    found = set()
    for module in sorted(Path(CONSOLE).rglob("*.py")):
        found |= set(re.findall(r'query\.(?:get|getlist|multi_items)\(\s*"([a-z_]+)"', module.read_text()))
    return frozenset(found | {"next", "said", "after", "before", "cursor", "q", "view"})


def named(page: Page) -> str:
    return f"{page.method} {page.path}"


def address(page: Page, reference: str, other: str = "1") -> str:
    """Return the page's address on this case, with `other` for whatever else stands in it."""
    path = page.path.replace("{reference}", quote(reference, safe=""))
    return re.sub(r"\{[^}]*\}", quote(other, safe=""), path)


@dataclass
class Attacker:
    """Somebody with every role who holds the case, signed in as far as each page wants; anew where one ended that."""

    office: Office
    reference: str
    _browsers: dict[Stage, Browser] = field(default_factory=dict)

    def browser(self, page: Page) -> Browser:
        stage = page.stage
        if stage not in self._browsers or not self._counts(self._browsers[stage], stage):
            self._browsers[stage] = self.office.sign_in("ana", *Role, stage=stage)
            if stage is Stage.FULL:
                self.office.unlock(self._browsers[stage], "ana")
        if page in ON_A_CASE:
            self.office.deployment.run(
                "update cases set claimed_by = 'ana', claimed_at = now(), claim_until = now() + interval '1 h'"
                " where reference = :reference and state = 'open'",
                reference=self.reference,
            )
        return self._browsers[stage]

    def _counts(self, browser: Browser, stage: Stage) -> bool:
        with transaction(self.office.deployment.console) as connection:
            session = sessions.find(connection, browser.cookie.session, idle_s=3600)
        return session is not None and session.stage is stage and (stage is not Stage.FULL or bool(session.unlocked))

    def tries(self, page: Page, values: Mapping[str, str]) -> httpx2.Response:
        """Send `values` as the page's form or query and return the answer."""
        browser, path = self.browser(page), address(page, self.reference)
        if page.method == "GET":
            return browser.get(path, **values)
        known = {}
        if "version" in page.names:
            with transaction(self.office.deployment.console) as connection:
                case = head(connection, self.reference)
            known = {"version": case.seen} if case else {}
        return browser.post(path, {**values, **known})


def all_tries(page: Page, texts: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    """Each text in all of the page's fields, or in all names that pages look for in a query, at once."""
    names = queries() if page.method == "GET" else page.names - {FORM_TOKEN}
    for text in texts:
        yield dict.fromkeys(sorted(names), text)


@pytest.fixture
def attacker(office: Office) -> Attacker:
    return Attacker(office, office.deployment.file("fraud").reference)


def test_every_answer_says_what_a_browser_must_not_do(attacker: Attacker) -> None:
    lacking = []
    for page in GETS:
        answer = attacker.browser(page).get(address(page, attacker.reference))
        policy = answer.headers.get("content-security-policy", "")
        good = (
            "unsafe" not in policy
            and "default-src 'none'" in policy
            and "frame-ancestors 'none'" in policy
            and "form-action 'self'" in policy
            and answer.headers.get("x-frame-options") == "DENY"
            and answer.headers.get("cache-control") == "no-store"
            and answer.headers.get("referrer-policy") == "no-referrer"
            and answer.headers.get("x-content-type-options") == "nosniff"
        )
        lacking += [] if good else [named(page)]

    assert lacking == []


def test_no_page_repeats_markup_as_markup(attacker: Attacker) -> None:
    repeated = []
    for page in PAGES:
        for values in all_tries(page, MARKUP):
            answer = attacker.tries(page, values)
            live = (f"<b>{MARK}", f"<img src=x onerror={MARK}", f'href="javascript:{MARK}', f"'-{MARK}-'")
            repeated += [f"{named(page)} {values}" for text in live if text in answer.text]

    assert repeated == []


def test_an_address_with_markup_is_not_repeated_as_markup(attacker: Attacker) -> None:
    repeated = []
    for page in GETS:
        for text in MARKUP[:3]:
            sent = text.replace("/", "%2F")
            shown = attacker.browser(page).get(address(page, sent, sent)).text
            repeated += [named(page)] if f"<b>{MARK}" in shown or f"<img src=x onerror={MARK}" in shown else []

    assert repeated == []


def test_nothing_that_is_typed_makes_a_page_fail(attacker: Attacker) -> None:
    failing = []
    for page in PAGES:
        for values in all_tries(page, NASTY):
            answer = attacker.tries(page, values)
            if answer.status_code >= 500 or "x-injected" in answer.headers:
                failing.append(f"{named(page)} {answer.status_code} {list(values.values())[:1]}")

    assert failing == []


def test_no_address_makes_a_page_fail(attacker: Attacker) -> None:
    failing = []
    for page in PAGES:
        for text in NASTY[:10] if "{" in page.path else ():
            browser = attacker.browser(page)
            for path in {address(page, attacker.reference, text), address(page, text, "1")}:
                answer = browser.get(path) if page.method == "GET" else browser.post(path)
                failing += [f"{named(page)} {text!r}"] if answer.status_code >= 500 else []

    assert failing == []


def test_no_page_leads_elsewhere(attacker: Attacker) -> None:
    left = []
    for page in PAGES:
        for target in ELSEWHERE:
            names = page.names if page.method == "POST" else frozenset({"next"})
            if page.method == "POST" and "next" not in names:
                continue
            answer = attacker.tries(page, {"next": target})
            location = answer.headers.get("location", "/console")
            if not re.fullmatch(r"/console(/[\w./-]*)?(\?[\w=&%.+-]*)?(#[\w-]*)?", location):
                left.append(f"{named(page)} {location}")
            if page.method == "GET" and f'href="{target}' in answer.text:
                left.append(f"{named(page)} links to {target}")

    assert left == []


def test_after_the_right_passphrase_nobody_is_led_elsewhere(office: Office) -> None:
    led = []
    for target in ELSEWHERE:
        browser = office.sign_in("ana")
        answer = browser.post("/console/unlock", passphrase=office.deployment.passphrases["ana"], next=target)
        led.append(answer.headers["location"].partition("?")[0])

    assert set(led) <= {"/console"}


def test_a_case_of_other_teams_is_refused_on_record_and_shows_nothing(office: Office) -> None:
    theirs = office.deployment.file("other", source_ticket=MARK).reference
    browser, open_to_others = office.sign_in("lena"), []
    office.unlock(browser, "lena")
    for page in ON_A_CASE:
        before, path = len(office.audit()), address(page, theirs)
        answer = browser.get(path) if page.method == "GET" else browser.post(path, dict.fromkeys(page.names, "x"))
        noted = any(line[0] == "person:lena" and line[3].startswith("refused") for line in office.audit()[before:])
        if answer.status_code not in {403, 404} or MARK in answer.text or not noted:
            open_to_others.append(f"{named(page)} {answer.status_code} noted={noted}")

    assert open_to_others == []


def test_the_cookie_of_before_unlocking_counts_no_more(office: Office) -> None:
    browser = office.sign_in("ana")
    fixed = Browser(office.client, browser.cookie)

    browser.post(UNLOCK, passphrase=office.deployment.passphrases["ana"])

    assert browser.get("/console").status_code == 200
    assert fixed.get("/console").headers["location"].startswith("/console/sign-in")


def test_a_cookie_that_somebody_made_up_opens_nothing(office: Office) -> None:
    office.sign_in("ana")
    made_up = Browser(office.client, new_cookie())

    assert made_up.get("/console").headers["location"].startswith("/console/sign-in")


def test_by_https_the_cookie_is_for_this_host_alone(office: Office) -> None:
    from starlette.testclient import TestClient  # noqa: PLC0415

    settings = office.settings.model_copy(
        update={"console_url": type(office.settings.console_address)("https://c.test")}
    )
    with TestClient(console_app(settings), base_url="https://c.test") as client:
        answer = client.get("/console/unlock", follow_redirects=False)

    given = answer.headers["set-cookie"]
    assert given.startswith("__Host-console=")
    assert {part.strip().lower() for part in given.split(";")[1:]} == {
        "httponly",
        "path=/",
        "samesite=strict",
        "secure",
    }
    assert answer.headers["strict-transport-security"]


def test_what_another_site_asks_for_takes_no_cookie_away(office: Office) -> None:
    elsewhere = {"sec-fetch-site": "cross-site"}

    shown = office.client.get('/console?site="><b>MARKED-7f3a', headers=elsewhere, follow_redirects=False)
    sent = office.client.post("/console/lock", data={"form_token": "x"}, headers=elsewhere, follow_redirects=False)

    assert (shown.status_code, sent.status_code) == (200, 403)
    assert "set-cookie" not in shown.headers
    assert "set-cookie" not in sent.headers
    assert '<meta http-equiv="refresh" content="0; url=/console?site=%22%3E%3Cb%3EMARKED-7f3a">' in shown.text


def test_a_form_is_neither_taken_from_a_query_nor_by_another_method(attacker: Attacker) -> None:
    taken = []
    for page in POSTS:
        if page.path in {one.path for one in GETS}:
            continue
        browser = attacker.browser(page)
        answer = browser.get(address(page, attacker.reference), form_token=browser.cookie.form_token)
        taken += [named(page)] if answer.status_code not in {404, 405} else []

    assert taken == []


def test_a_token_of_another_browser_is_refused(attacker: Attacker) -> None:
    other, taken = attacker.office.sign_in("sven").cookie.form_token, []
    for page in POSTS:
        answer = attacker.browser(page).post(address(page, attacker.reference), {FORM_TOKEN: other})
        taken += [named(page)] if answer.status_code != 403 else []

    assert taken == []
