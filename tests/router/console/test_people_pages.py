"""Administrators look after people, and see no case by it."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from router.console import accounts
from router.errors import Forbidden
from router.vocabulary import Role
from tests.router.console.pages import Office
from tests.router.console.persons import enrolled, give_password, signed_in

BY = "person:ana"


def roles(office: Office, handle: str) -> set[str]:
    return {role for (role,) in office.deployment.rows("select role from people_roles where handle = :h", h=handle)}


def test_the_list_says_who_may_do_what_and_who_has_no_second_factor(office: Office) -> None:
    enrolled(office)
    admin = office.sign_in("ana", Role.ADMINISTRATOR)

    shown = admin.get("/console/people").text

    rows = {row[0]: row[1] for row in re.findall(r'people/(\w+)">.*?</th>(.*?)</tr>', shown, re.DOTALL)}
    assert "second factor set" in rows["sven"]
    assert "no second factor yet" in rows["lena"]
    assert "legal" in rows["lena"]
    assert ("person:ana", "people_listed", "/console/people", "ok", "count=3") in office.audit()


def test_roles_that_are_ticked_are_given_and_work_at_once(office: Office) -> None:
    admin, sven = office.sign_in("ana", Role.ADMINISTRATOR), office.sign_in("sven", Role.REVIEWER)
    assert sven.get("/console").status_code == 200

    answer = admin.post("/console/people/sven/roles", seen="reviewer", role=["auditor", "approver"])

    assert answer.headers["location"] == "/console/people/sven?said=roles_changed"
    assert roles(office, "sven") == {"auditor", "approver"}
    assert (sven.get("/console").status_code, sven.get("/console/audit").status_code) == (403, 200)
    assert (BY, "roles_changed", "person:sven", "ok", "+approver +auditor -reviewer") in office.audit()


def test_roles_that_somebody_else_changed_meanwhile_are_not_overwritten(office: Office) -> None:
    admin = office.sign_in("ana", Role.ADMINISTRATOR)
    accounts.change_roles(office.deployment.console, "sven", give=[Role.AUDITOR], take=[], by="login:test")

    answer = admin.post("/console/people/sven/roles", seen="reviewer", role="approver")

    assert answer.status_code == 409
    assert roles(office, "sven") == {"reviewer", "auditor"}


def test_nobody_gives_themselves_a_role(office: Office) -> None:
    admin = office.sign_in("ana", Role.ADMINISTRATOR)

    answer = admin.post("/console/people/ana/roles", seen="administrator", role=["administrator", "approver"])

    assert answer.status_code == 422
    assert roles(office, "ana") == {"administrator"}
    assert (BY, "roles_changed", "person:ana", "refused_own_roles", "+approver") in office.audit()


def test_a_role_that_there_is_not_is_not_given(office: Office) -> None:
    admin = office.sign_in("ana", Role.ADMINISTRATOR)

    admin.post("/console/people/sven/roles", seen="reviewer", role=["reviewer", "superuser"])

    assert roles(office, "sven") == {"reviewer"}


@pytest.mark.parametrize(("what", "action"), [("password", "password_reset"), ("second-factor", "second_factor_reset")])
def test_nobody_gets_around_their_own_password_and_second_factor(office: Office, what: str, action: str) -> None:
    person = enrolled(office, "ana")
    before = office.deployment.rows("select password, must_change, totp from accounts")
    left_open = office.sign_in("ana", Role.ADMINISTRATOR)

    answer = left_open.post(f"/console/people/ana/{what}")

    assert answer.status_code == 422
    assert "Nobody resets their own account" in answer.text
    assert office.deployment.rows("select password, must_change, totp from accounts") == before
    assert ("person:ana", action, "person:ana", "refused_own_account", "") in office.audit()
    give_password(office.browser(), person)


def test_the_last_administrator_stays_one(office: Office) -> None:
    admin = office.sign_in("ana", Role.ADMINISTRATOR)

    given_up = admin.post("/console/people/ana/roles", seen="administrator")
    disabled = admin.post("/console/people/ana/disable")

    assert (given_up.status_code, disabled.status_code) == (422, 422)
    assert roles(office, "ana") == {"administrator"}
    assert signed_in(admin)


def test_two_administrators_who_take_each_other_down_leave_one(office: Office) -> None:
    office.sign_in("ana", Role.ADMINISTRATOR)
    office.sign_in("sven", Role.ADMINISTRATOR)

    def take(pair: tuple[str, str]) -> str:
        try:
            accounts.disable(office.deployment.console, pair[1], by=f"person:{pair[0]}")
        except Forbidden as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(2) as both:
        outcomes = list(both.map(take, [("ana", "sven"), ("sven", "ana")]))

    assert sorted(outcomes) == ["done", "last_administrator"]


def test_a_disabled_person_is_signed_out_and_comes_back_with_the_same_roles(office: Office) -> None:
    admin, sven = office.sign_in("ana", Role.ADMINISTRATOR), office.sign_in("sven", Role.REVIEWER)

    admin.post("/console/people/sven/disable")
    out = signed_in(sven)
    admin.post("/console/people/sven/enable")

    assert not out
    assert not signed_in(sven)
    assert roles(office, "sven") == {"reviewer"}
    actions = [line[1] for line in office.audit() if line[0] == BY]
    assert actions[-2:] == ["person_disabled", "person_enabled"]


def test_a_first_password_is_shown_once_and_ends_the_sessions_of_its_owner(office: Office) -> None:
    person = enrolled(office)
    admin, sven = office.sign_in("ana", Role.ADMINISTRATOR), office.browser()
    give_password(sven, person)
    sven.post("/console/sign-in/code", code=person.code())

    shown = admin.post("/console/people/sven/password")

    password = re.search(r"<code>([0-9A-Z-]{24})</code>", shown.text)
    assert password
    assert password[1] not in admin.get("/console/people/sven").text
    assert not signed_in(sven)
    assert office.browser().post("/console/sign-in", handle="sven", password=password[1]).status_code == 303
    assert password[1] not in str(office.audit())


def test_without_a_second_factor_another_is_asked_for_at_the_next_sign_in(office: Office) -> None:
    person = enrolled(office)
    admin, sven = office.sign_in("ana", Role.ADMINISTRATOR), office.browser()

    admin.post("/console/people/sven/second-factor")
    give_password(sven, person)

    assert sven.get("/console").headers["location"] == "/console/sign-in/enrol"
    assert (BY, "second_factor_reset", "person:sven", "ok", "") in office.audit()
    assert office.deployment.rows("select count(*) from recovery_codes") == [(0,)]


@pytest.mark.parametrize("handle", ["nobody-of-us", "..", "<b>MARKED-7f3a</b>", "sven' or '1'='1"])
def test_a_person_that_there_is_not_is_not_found(office: Office, handle: str) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    admin = office.sign_in("ana", Role.ADMINISTRATOR)

    answer = admin.get(f"/console/people/{quote(handle, safe='')}")

    assert answer.status_code in {403, 404}
    assert "MARKED" not in answer.text
    assert "MARKED" not in str(office.audit())


def test_an_administrator_sees_no_case(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    admin = office.sign_in("ana", Role.ADMINISTRATOR)

    assert admin.get(f"/console/cases/{reference}").status_code == 403
    assert reference not in admin.get("/console/people").text
