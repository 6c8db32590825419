"""One's own account in the console."""

import re

from router.console.signin import own
from tests.router.console.pages import Browser, Office
from tests.router.console.persons import OWN, Person, enrolled, give_password, signed_in

NEW = "MARKED-7f3a kettle moss"


def inside(office: Office, handle: str = "sven") -> tuple[Person, Browser]:
    person, browser = enrolled(office, handle), office.browser()
    again(person, browser)
    return person, browser


def again(person: Person, browser: Browser) -> None:
    give_password(browser, person)
    assert browser.post("/console/sign-in/code", code=person.code()).status_code == 303


def names(browser: Browser) -> list[str]:
    return re.findall(r'name="session" value="([0-9a-f]{32})"', browser.get("/console/account").text)


def test_a_new_password_ends_all_other_sessions_and_changes_the_cookie_of_this_one(office: Office) -> None:
    person, browser = inside(office)
    other = office.browser()
    again(person, other)
    before = browser.cookie

    answer = browser.post("/console/account/password", old=OWN, password=NEW, again=NEW)

    assert answer.headers["location"] == "/console/account?said=password_changed"
    assert browser.cookie != before
    assert (signed_in(browser), signed_in(other), signed_in(Browser(office.client, before))) == (True, False, False)
    assert office.browser().post("/console/sign-in", handle="sven", password=OWN).status_code == 422
    assert office.browser().post("/console/sign-in", handle="sven", password=NEW).status_code == 303
    assert ("person:sven", "password_changed", "person:sven", "ok", "") in office.audit()


def test_a_new_password_needs_the_old_one(office: Office) -> None:
    _, browser = inside(office)

    answer = browser.post("/console/account/password", old="MARKED-wrong", password=NEW, again=NEW)

    assert answer.status_code == 422
    assert 'aria-describedby="old-mistake"' in answer.text
    assert "MARKED" not in answer.text
    assert office.browser().post("/console/sign-in", handle="sven", password=NEW).status_code == 422


def test_a_weak_password_or_one_that_was_mistyped_changes_nothing(office: Office) -> None:
    _, browser = inside(office)

    weak = browser.post("/console/account/password", old=OWN, password="password1234", again="password1234")
    mistyped = browser.post("/console/account/password", old=OWN, password=NEW, again=NEW + "x")

    assert (weak.status_code, mistyped.status_code) == (422, 422)
    assert office.browser().post("/console/sign-in", handle="sven", password=OWN).status_code == 303


def test_new_recovery_codes_need_the_second_factor_and_end_the_old_ones(office: Office) -> None:
    person, browser = inside(office)

    refused = browser.post("/console/account/codes", code="000000")
    made = browser.post("/console/account/codes", code=person.code())

    assert refused.status_code == 422
    codes = re.findall(r"<code>([0-9A-Z-]{19})</code>", made.text)
    assert len(codes) == 10
    half = office.browser()
    give_password(half, person)
    assert half.post("/console/sign-in/recovery", code=person.codes[0]).status_code == 422
    assert half.post("/console/sign-in/recovery", code=codes[0]).status_code == 303


def test_ones_own_sessions_are_listed_and_ended(office: Office) -> None:
    person, browser = inside(office)
    lost = office.browser()
    again(person, lost)
    listed = names(browser)

    answer = browser.post("/console/account/sessions", session=listed[0])

    assert len(listed) == 1
    assert answer.headers["location"] == "/console/account?said=session_ended"
    assert (signed_in(browser), signed_in(lost)) == (True, False)


def test_nobody_ends_the_session_of_somebody_else(office: Office) -> None:
    _, browser = inside(office)
    _, other = inside(office, "lena")

    answer = browser.post("/console/account/sessions", session=own.name_of(other.cookie.session))

    assert answer.status_code == 403
    assert signed_in(other)
    assert ("person:sven", "session_ended", "person:sven", "refused_unknown_session", "") in office.audit()


def test_a_page_gives_no_id_of_a_session_away(office: Office) -> None:
    person, browser = inside(office)
    lost = office.browser()
    again(person, lost)

    shown = browser.get("/console/account").text

    assert lost.cookie.session.hex() not in shown
    assert lost.cookie.token not in shown
