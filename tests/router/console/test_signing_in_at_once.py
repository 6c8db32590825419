"""Somebody else is half signed in to the same account: what the owner does then gives them nothing."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Semaphore

import pytest

from router.console import accounts
from router.console.signin import local, passwords
from tests.router.console.pages import Browser, Office
from tests.router.console.persons import Person, enrolled, give_password, shown_secret, signed_in

OTHER = "MARKED-7f3a otter bench"
MANY = 36
"""More than the threads that any machine gives to pages."""


def knows_the_password(office: Office, person: Person) -> Browser:
    """Somebody who knows the password, at the step where a second factor has to be set."""
    browser = office.browser()
    give_password(browser, person)
    assert browser.get("/console/sign-in/enrol").status_code == 200
    return browser


def without_factor(office: Office) -> Person:
    person = enrolled(office)
    accounts.reset_second_factor(office.deployment.console, person.handle, by="login:test")
    return person


def test_nobody_gets_past_a_second_factor_that_its_owner_set_meanwhile(office: Office) -> None:
    person = without_factor(office)
    thief, owner = knows_the_password(office, person), knows_the_password(office, person)
    person.secret = shown_secret(owner)
    owner.post("/console/sign-in/enrol/code", code=person.code())

    thief.post("/console/sign-in/enrol/password", password=OTHER, again=OTHER)

    assert not signed_in(thief)
    assert signed_in(owner)


def test_a_password_is_changed_at_that_step_only_where_it_must_be(office: Office) -> None:
    person = without_factor(office)
    thief = knows_the_password(office, person)

    thief.post("/console/sign-in/enrol/password", password=OTHER, again=OTHER)

    give_password(office.browser(), person)
    assert office.deployment.rows("select count(*) from audit where action = 'password_changed'") == [(1,)]


def test_a_second_factor_that_was_shown_to_somebody_else_is_not_shown_again(office: Office) -> None:
    person = without_factor(office)
    planted = shown_secret(knows_the_password(office, person))

    shown_to_owner = shown_secret(knows_the_password(office, person))

    assert shown_to_owner != planted


def test_only_the_last_who_came_so_far_may_set_the_second_factor(office: Office) -> None:
    person = without_factor(office)
    thief, owner = knows_the_password(office, person), knows_the_password(office, person)
    person.secret = shown_secret(owner)

    thief.post("/console/sign-in/enrol/code", code=person.code())
    owner.post("/console/sign-in/enrol/code", code=person.code())

    assert not signed_in(thief)
    assert signed_in(owner)


def resets_meanwhile(office: Office, person: Person) -> None:
    accounts.give_first_password(office.deployment.console, person.handle, by="login:test")


def goes_and_comes_back(office: Office, person: Person) -> None:
    accounts.disable(office.deployment.console, person.handle, by="login:test")
    accounts.enable(office.deployment.console, person.handle, by="login:test")


@pytest.mark.parametrize("meanwhile", [resets_meanwhile, goes_and_comes_back])
@pytest.mark.parametrize("step", ["password", "code"])
def test_what_ends_all_sessions_also_ends_the_one_that_is_just_beginning(
    office: Office, monkeypatch: pytest.MonkeyPatch, step: str, meanwhile: object
) -> None:
    person, browser = enrolled(office), office.browser()
    begins = local.begin

    # Between the proof and the session there is no other moment to be late in.
    def late(*given: object, **named: object) -> object:
        meanwhile(office, person)  # type: ignore[operator]
        return begins(*given, **named)  # type: ignore[arg-type]

    if step == "code":
        give_password(browser, person)
    monkeypatch.setattr(local, "begin", late)
    fields = {"code": person.code()} if step == "code" else {"handle": person.handle, "password": person.password}
    address = "/console/sign-in/code" if step == "code" else "/console/sign-in"
    browser.post(address, fields)

    begun = office.deployment.rows("select stage from console_sessions where handle = 'sven'")
    assert begun == ([("password",)] if (step, meanwhile) == ("password", goes_and_comes_back) else [])


def test_many_who_try_to_sign_in_keep_nobody_waiting_who_is_signed_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = office.sign_in("sven"), office.browser()
    begun, go_on = Semaphore(0), Event()

    # A slow hash whose end the test decides.
    def slow(*_given: object) -> bool:
        begun.release()
        return not go_on.wait(30)

    monkeypatch.setattr(passwords, "fits", slow)
    with ThreadPoolExecutor(MANY) as together:
        for number in range(MANY):
            together.submit(outside.post, "/console/sign-in", {"handle": f"n{number}", "password": OTHER})
        while begun.acquire(timeout=1):
            pass
        with ThreadPoolExecutor(1) as apart:
            answer = apart.submit(inside.get, "/console/account")
            done, _ = wait([answer], timeout=5)
            go_on.set()

    assert answer in done
    assert answer.result().status_code == 200


def test_two_who_have_the_same_recovery_code_do_not_both_get_in(office: Office) -> None:
    person = enrolled(office)
    browsers = [office.browser() for _ in range(4)]
    for browser in browsers:
        give_password(browser, person)

    with ThreadPoolExecutor(4) as together:
        answers = list(
            together.map(
                lambda browser: browser.post("/console/sign-in/recovery", code=person.codes[0]).status_code, browsers
            )
        )

    assert sorted(answers) == [303, 422, 422, 422]
