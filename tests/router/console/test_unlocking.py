"""Unlocking what is sealed, locking it again, and signing out."""

import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.testclient import TestClient

from router.console.pages.ask import Ask, page
from router.console.pages.frame import Frame
from router.console.pages.rendering import go
from router.console.rights import Right
from router.console.unlocking import unlocked
from router.vocabulary import Role
from tests.router.console.desks import a_desk
from tests.router.console.pages import Browser, Office
from tests.router.console.persons import wait_long


def stored(office: Office) -> list[tuple[bool]]:
    return office.deployment.rows("select unlocked is not null from console_sessions")


def unlock(browser: Browser, passphrase: str, to: str = "") -> tuple[int, str]:
    answer = browser.post("/console/unlock", passphrase=passphrase, next=to)
    return answer.status_code, answer.headers.get("location", "")


def test_the_passphrase_unlocks_the_session_which_gets_another_id(office: Office) -> None:
    browser = office.sign_in("sven")
    before = browser.cookie

    came = unlock(browser, office.deployment.passphrases["sven"], "/console/cases/CR-0000-0000-0000?tab=notes")

    assert came == (303, "/console/cases/CR-0000-0000-0000?tab=notes")
    assert stored(office) == [(True,)]
    assert browser.cookie != before
    browser.cookie = before
    assert browser.get("/console").headers["location"].startswith("/console/sign-in")


def test_a_wrong_passphrase_unlocks_nothing_is_on_record_and_stands_nowhere(office: Office) -> None:
    browser = office.sign_in("sven")

    answer = browser.post("/console/unlock", passphrase="MARKED-7f3a", next="/console/audit")

    assert answer.status_code == 422
    assert "MARKED-7f3a" not in answer.text
    assert 'value="/console/audit"' in answer.text
    assert stored(office) == [(False,)]
    assert ("person:sven", "session_unlocked", "unknown", "refused_wrong_passphrase", "") in office.audit()
    assert "MARKED" not in str(office.audit())


def test_guessing_the_passphrase_gets_slower_and_sealed_texts_stay_locked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_long(monkeypatch)
    browser = office.sign_in("sven")

    tries = [unlock(browser, "wrong")[0] for _ in range(6)]
    right = browser.post("/console/unlock", passphrase=office.deployment.passphrases["sven"], next="/console")

    assert tries == [422] * 5 + [429]
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0
    assert stored(office) == [(False,)]


@pytest.mark.parametrize(
    "to",
    [
        "https://example.org/console",
        "//example.org/console",
        "/\\example.org",
        "/console//example.org",
        "/console/../../elsewhere",
        "/report",
        "/console\r\nX-Marked: 1",
        "javascript:alert(1)",
        "/console/cases/<b>MARKED-7f3a</b>",
        "",
    ],
)
def test_nobody_is_led_out_of_the_console(office: Office, to: str) -> None:
    browser = office.sign_in("sven")

    shown = browser.get("/console/unlock", next=to)
    came = unlock(browser, office.deployment.passphrases["sven"], to)

    assert 'name="next" value="/console"' in shown.text
    assert came == (303, "/console")


def test_locking_forgets_what_was_open(office: Office) -> None:
    browser = office.sign_in("sven")
    office.unlock(browser, "sven")

    answer = browser.post("/console/lock")

    assert (answer.status_code, answer.headers["location"]) == (303, "/console?said=locked")
    assert stored(office) == [(False,)]
    assert ("person:sven", "session_locked", "unknown", "ok", "") in office.audit()


def test_signing_out_ends_the_session_and_leaves_nothing_in_the_browser(office: Office) -> None:
    browser = office.sign_in("sven")
    before = browser.cookie

    answer = browser.post("/console/sign-out")

    assert answer.headers["location"] == "/console/sign-in?said=signed_out"
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert office.deployment.rows("select handle from console_sessions") == []
    assert browser.cookie != before
    assert ("person:sven", "signed_out", "person:sven", "ok", "") in office.audit()


def test_whoever_is_signed_out_signs_out(office: Office) -> None:
    assert office.browser().post("/console/sign-out").status_code == 303


def test_auditors_begin_where_they_may(office: Office) -> None:
    browser = office.sign_in("ana", Role.AUDITOR)

    assert unlock(browser, office.deployment.passphrases["ana"]) == (303, "/console/routing")


def sealed(ask: Ask) -> Response:
    unlocked(ask.desk.engine, ask.viewer, ask.cookie)
    return go("/console")


def nothing(_ask: Ask) -> Response:
    return go("/console")


SEALED_PAGES = (
    page("GET", "/console/cases/{reference}", Right.WORK_ON_CASES, nothing),
    page("GET", "/console/cases/{reference}/notes", Right.WORK_ON_CASES, sealed),
    page("POST", "/console/cases/{reference}/open", Right.WORK_ON_CASES, sealed),
)


@pytest.fixture
def locked(office: Office) -> Browser:
    """A browser signed in and locked, before pages that show what is sealed."""
    app = FastAPI()
    app.include_router(Frame(a_desk(office)).routes(SEALED_PAGES))
    browser = office.sign_in("sven")
    browser.client = TestClient(app, base_url="http://127.0.0.1:8001")
    return browser


def test_a_page_of_something_sealed_leads_to_the_passphrase_and_back(locked: Browser) -> None:
    answer = locked.get("/console/cases/CR-0000-0000-0000/notes", kind="task")

    to = "/console/unlock?next=%2Fconsole%2Fcases%2FCR-0000-0000-0000%2Fnotes%3Fkind%3Dtask"
    assert (answer.status_code, answer.headers["location"]) == (303, to)


def test_a_form_of_something_sealed_leads_to_the_passphrase_and_back_to_the_page_that_it_stands_on(
    locked: Browser,
) -> None:
    answer = locked.post("/console/cases/CR-0000-0000-0000/open")

    to = "/console/unlock?next=%2Fconsole%2Fcases%2FCR-0000-0000-0000"
    assert (answer.status_code, answer.headers["location"]) == (303, to)
