"""Signing in with a password and a second factor, as a browser does it, and what attackers try."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import pytest
from argon2 import PasswordHasher

from router.console import accounts
from router.console.pages import signingin
from router.console.signin import passwords, slowing
from router.console.signin.cookie import Cookie
from router.vocabulary import Role
from tests.conftest import CHECKOUT
from tests.router.console.desks import a_desk
from tests.router.console.pages import Browser, Office
from tests.router.console.persons import OWN, enrolled, first, give_password, shown_secret, signed_in, wait_long


def failures(office: Office) -> list[tuple[str, str]]:
    return [(actor, outcome) for actor, action, _, outcome, _ in office.audit() if action == "sign_in_failed"]


def test_a_first_sign_in_asks_for_a_new_password_and_a_second_factor_before_anything_opens(office: Office) -> None:
    person, browser = first(office), office.browser()

    answer = browser.post("/console/sign-in", handle=" Sven ", password=person.password, next="/console/routing")
    assert answer.headers["location"] == "/console/sign-in/enrol?next=%2Fconsole%2Frouting"
    assert browser.get("/console").headers["location"] == "/console/sign-in/enrol"
    assert browser.post("/console/sign-in/enrol/code", code="123456").headers["location"] == "/console/sign-in/enrol"
    browser.post("/console/sign-in/enrol/password", password=OWN, again=OWN)
    assert browser.get("/console").headers["location"] == "/console/sign-in/enrol"
    person.secret = shown_secret(browser)
    wrong = browser.post("/console/sign-in/enrol/code", code="000 00")
    assert (wrong.status_code, shown_secret(browser)) == (422, person.secret)
    done = browser.post("/console/sign-in/enrol/code", code=person.code(), next="/console/routing")

    assert len(re.findall(r"<code>[0-9A-Z-]{19}</code>", done.text)) == 10
    assert 'href="/console/routing"' in done.text
    assert signed_in(browser)
    lines = [line[1:] for line in office.audit() if line[0] == "person:sven"]
    assert ("signed_in", "person:sven", "ok", "local") in lines
    assert ("second_factor_set", "person:sven", "ok", "") in lines
    assert OWN not in str(office.audit())


def test_a_password_and_a_code_sign_in_and_lead_to_where_one_was_going(office: Office) -> None:
    person, browser = enrolled(office), office.browser()

    to = "/console/cases/CR-0000-0000-0000?tab=notes"
    form = browser.follow(browser.get("/console/cases/CR-0000-0000-0000", tab="notes"))
    assert f'value="{to}"' in form.text
    give_password(browser, person, next=to)
    assert not signed_in(browser)
    answer = browser.post(
        "/console/sign-in/code", code=person.code(), next="/console/cases/CR-0000-0000-0000?tab=notes"
    )

    assert answer.headers["location"] == "/console/cases/CR-0000-0000-0000?tab=notes"
    assert signed_in(browser)


@pytest.mark.parametrize(
    "to", ["//example.org/", "https://example.org/console", "/console/../report", "/console\r\na: b"]
)
def test_signing_in_leads_to_no_other_place(office: Office, to: str) -> None:
    person, browser = enrolled(office), office.browser()

    give_password(browser, person, next=to)
    answer = browser.post("/console/sign-in/code", code=person.code(), next=to)

    assert answer.headers["location"] == "/console"


def test_each_step_gives_the_browser_another_cookie_and_the_ones_before_open_nothing(office: Office) -> None:
    person, browser = enrolled(office), office.browser()
    planted = browser.cookie

    give_password(browser, person)
    half = browser.cookie
    browser.post("/console/sign-in/code", code=person.code())

    assert len({planted, half, browser.cookie}) == 3
    assert signed_in(browser)
    for old in (planted, half):
        assert not signed_in(Browser(office.client, Cookie(old.token)))


def test_a_code_works_once(office: Office) -> None:
    person, browser, thief = enrolled(office), office.browser(), office.browser()
    give_password(browser, person)
    give_password(thief, person)
    code = person.code()

    first_use = browser.post("/console/sign-in/code", code=code)
    second_use = thief.post("/console/sign-in/code", code=code)

    assert (first_use.status_code, second_use.status_code) == (303, 422)
    assert not signed_in(thief)
    assert failures(office)[-1] == ("person:sven", "refused_code_used")


def test_an_older_code_does_not_work_after_a_newer_one(office: Office) -> None:
    person, browser, thief = enrolled(office), office.browser(), office.browser()
    give_password(browser, person)
    give_password(thief, person)
    newer, older = person.code(steps=1), person.code(steps=0)

    browser.post("/console/sign-in/code", code=newer)

    assert thief.post("/console/sign-in/code", code=older).status_code == 422


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_clock_of_a_phone_may_be_half_a_minute_off(office: Office, steps: int) -> None:
    person, browser = enrolled(office), office.browser()
    give_password(browser, person)

    assert browser.post("/console/sign-in/code", code=person.code(steps=steps)).status_code == 303


def test_a_recovery_code_works_once(office: Office) -> None:
    person, browser, thief = enrolled(office), office.browser(), office.browser()
    give_password(browser, person)
    give_password(thief, person)

    first_use = browser.post("/console/sign-in/recovery", code=person.codes[3].lower().replace("-", " "))
    second_use = thief.post("/console/sign-in/recovery", code=person.codes[3])

    assert (first_use.status_code, second_use.status_code) == (303, 422)
    assert signed_in(browser)
    assert not signed_in(thief)
    assert "9 left" in browser.get("/console/account").text
    assert ("person:sven", "refused_wrong_recovery_code") in failures(office)


def test_a_recovery_code_of_somebody_else_does_not_work(office: Office) -> None:
    person, other, browser = enrolled(office), enrolled(office, "lena"), office.browser()
    give_password(browser, person)

    assert browser.post("/console/sign-in/recovery", code=other.codes[0]).status_code == 422


def test_guessing_codes_gets_slower_and_the_right_one_does_not_help_meanwhile(office: Office) -> None:
    person, browser = enrolled(office), office.browser()
    give_password(browser, person)

    for _ in range(5):
        assert browser.post("/console/sign-in/code", code="000000").status_code == 422
    slowed = browser.post("/console/sign-in/code", code=person.code())
    recovery = browser.post("/console/sign-in/recovery", code=person.codes[0])

    assert (slowed.status_code, recovery.status_code) == (429, 429)
    assert 0 < int(slowed.headers["retry-after"]) <= 30
    assert not signed_in(browser)
    assert failures(office)[-1] == ("person:sven", "refused_slowed")


def test_nobody_learns_whose_handle_there_is(office: Office) -> None:
    enrolled(office)
    enrolled(office, "lena")
    accounts.disable(office.deployment.console, "lena", by="login:test")

    answers = [
        office.browser().post("/console/sign-in", handle=handle, password="MARKED-7f3a")
        for handle in ("sven", "nobody-of-us", "lena", "ana", "MARKED 7f3a <b>")
    ]

    assert {answer.status_code for answer in answers} == {422}
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert len(texts) == 1
    assert failures(office) == [
        ("person:sven", "refused_wrong_password"),
        *[("nobody", "refused_unknown_person")] * 4,
    ]
    assert "MARKED" not in str(office.audit())


def test_what_was_typed_as_a_password_is_nowhere_in_the_answer(office: Office) -> None:
    answer = office.browser().post("/console/sign-in", handle="sven", password="MARKED-7f3a")

    assert "MARKED" not in answer.text
    assert "MARKED" not in str(answer.headers)


def test_guessing_a_password_gets_slower_alike_for_somebody_and_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(office)
    wait_long(monkeypatch)

    def after_many(handle: str) -> tuple[int, list[int]]:
        tries = [office.browser().post("/console/sign-in", handle=handle, password="x") for _ in range(7)]
        return tries[-1].status_code, [answer.status_code for answer in tries]

    assert after_many("sven") == after_many("nobody-of-us") == (429, [422] * 5 + [429] * 2)
    assert failures(office).count(("person:sven", "refused_slowed")) == 1


def test_a_disabled_person_is_out_at_once_and_does_not_get_in(office: Office) -> None:
    person, browser = enrolled(office), office.browser()
    give_password(browser, person)
    browser.post("/console/sign-in/code", code=person.code())

    accounts.disable(office.deployment.console, "sven", by="login:test")

    assert not signed_in(browser)
    assert office.browser().post("/console/sign-in", handle="sven", password=person.password).status_code == 422


def test_a_reset_asks_for_the_second_factor_before_a_new_password_is_taken(office: Office) -> None:
    person, browser = enrolled(office), office.browser()
    person.password = accounts.give_first_password(office.deployment.console, "sven", by="login:test")

    answer = browser.post("/console/sign-in", handle="sven", password=person.password)
    assert answer.headers["location"] == "/console/sign-in/code"
    answer = browser.post("/console/sign-in/code", code=person.code())
    assert answer.headers["location"] == "/console/sign-in/enrol"
    answer = browser.post("/console/sign-in/enrol/password", password=OWN, again=OWN)

    assert answer.headers["location"] == "/console"
    assert signed_in(browser)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("kT9-vw2Lq_xz", None),
        ("elevenchars", "password_short"),
        ("password1234", "password_common"),
        ("Passw0rd2026!!", "password_common"),
        ("qwertyuiop123456", "password_common"),
        ("aaaaaaaaaaaaaaaa", "password_common"),
        ("sven.sven.sven1", "password_common"),
        ("correct horse battery staple", None),
        ("x" * 201, "password_long"),
    ],
)
def test_a_password_that_would_be_guessed_is_not_taken(password: str, code: str | None) -> None:
    assert passwords.weakness(password, handle="sven") == code


def test_a_guesser_is_slowed_and_a_colleague_elsewhere_is_not() -> None:
    now = [0.0]
    slow = slowing.Slowing(clock=lambda: now[0])
    for _ in range(5):
        assert slow.begin("sven", "192.0.2.1") == 0

    waits = [slow.begin("sven", "192.0.2.1"), slow.begin("sven", "198.51.100.7"), slow.begin("lena", "192.0.2.1")]

    assert [wait > 0 for wait in waits] == [True, False, False]


def test_waits_double_up_to_five_minutes_and_are_forgotten() -> None:
    waits = [slowing.BY_NAME.wait_s(failures) for failures in (4, 5, 6, 12, 13, 14, 1000)]
    now = [0.0]
    slow = slowing.Slowing(clock=lambda: now[0])
    for _ in range(5):
        slow.begin("sven", "192.0.2.1")

    now[0] = slowing.FORGOTTEN_AFTER_S + 1.0

    assert waits == [0, 1, 2, 128, 256, 300, 300]
    assert slow.begin("sven", "192.0.2.1") == 0
    assert slow.begin("sven", "192.0.2.1") == 0


def test_ones_own_right_password_does_not_free_an_address_for_guessing_others() -> None:
    now = [0.0]
    slow = slowing.Slowing(clock=lambda: now[0])

    for number in range(30):
        slow.begin(f"name{number}", "192.0.2.1")
        if slow.begin("own", "192.0.2.1") == 0:
            slow.passed("own", "192.0.2.1")
        now[0] += 0.001

    assert slow.begin("another", "192.0.2.1") > 0


def test_roles_begin_at_the_place_that_they_may_see(office: Office) -> None:
    person, browser = enrolled(office), office.browser()
    accounts.change_roles(office.deployment.console, "sven", give=[Role.AUDITOR], take=[Role.REVIEWER], by="login:test")
    give_password(browser, person)

    answer = browser.post("/console/sign-in/code", code=person.code())

    assert answer.headers["location"] == "/console/routing"


def test_sessions_that_count_no_more_are_forgotten(office: Office) -> None:
    ended, idle, kept = (office.sign_in(handle) for handle in ("ana", "lena", "sven"))
    change = "update console_sessions set {} = now() - interval '1 day' where id = :id"
    office.deployment.run(change.format("ends_at"), id=ended.cookie.session)
    office.deployment.run(change.format("seen_at"), id=idle.cookie.session)

    for act, _ in signingin.chores(a_desk(office)):
        act()

    assert office.deployment.rows("select handle from console_sessions") == [("sven",)]
    assert signed_in(kept)


@pytest.fixture
def costly_guesses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in operation: other tests have guesses that cost next to nothing."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.mark.usefixtures("costly_guesses")
def test_a_name_that_there_is_not_takes_as_long_as_one_that_there_is() -> None:
    kept = passwords.hashed(OWN)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "64 MiB and 0.15 s of four threads"

    def fastest_s(stored: str | None) -> float:
        took = []
        for _ in range(3):
            begun = perf_counter()
            passwords.fits(stored, "wrong")
            took.append(perf_counter() - begun)
        return min(took)

    passwords.fits(None, "wrong")
    somebody, nobody = fastest_s(kept), fastest_s(None)

    assert 0.5 < nobody / somebody < 2


def test_a_second_code_at_the_same_moment_does_not_get_in(office: Office) -> None:
    person = enrolled(office)
    browsers = [office.browser() for _ in range(4)]
    for browser in browsers:
        give_password(browser, person)
    code = person.code()

    with ThreadPoolExecutor(4) as together:
        answers = list(together.map(lambda browser: browser.post("/console/sign-in/code", code=code), browsers))

    assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422]


def test_a_new_deployment_without_a_provider_loads_nothing_that_speaks_to_the_outside() -> None:
    look = "import sys, router.app; print([name for name in ('requests', 'authlib', 'joserfc') if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=CHECKOUT)

    assert found.stdout.strip() == "[]"
