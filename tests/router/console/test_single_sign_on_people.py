"""Whom single sign-on lets in, with which second factor, and what groups let them do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router import secretfiles
from router.console import accounts
from router.store.engine import transaction
from router.store.progress import Access, access
from router.vocabulary import Role
from tests.conftest import CHECKOUT, Database
from tests.router.console.deployments import Deployment
from tests.router.console.issuers import Issuer
from tests.router.console.pages import Office, an_office
from tests.router.console.persons import enrolled, signed_in
from tests.router.console.singlesignon import a_linked_office, ask, browser_of, refusals, sessions


@pytest.fixture
def office(deployment: Deployment, database: Database, tmp_path: Path, issuer: Issuer) -> Iterator[Office]:
    with a_linked_office(deployment, database, tmp_path, issuer) as made:
        yield made


def roles(office: Office, handle: str = "sven") -> set[str]:
    return {role for (role,) in office.deployment.rows("select role from people_roles where handle = :h", h=handle)}


def test_a_linked_person_with_a_second_factor_over_there_is_signed_in(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"groups": ["reviewing"]}
    answer = ask(office, issuer, "/console/account?tab=a&b=c").answered()

    browser = browser_of(office, answer)
    assert browser is not None
    assert signed_in(browser)
    assert 'content="0; url=/console/account?tab=a&amp;b=c"' in answer.text
    assert ("person:sven", "signed_in", "person:sven", "ok", "oidc") in office.audit()


def test_the_cookies_are_as_narrow_as_they_can_be(office: Office, issuer: Issuer) -> None:
    there = office.client.get("/console/sign-in/single", follow_redirects=False).headers["set-cookie"]
    office.client.cookies.clear()
    back = ask(office, issuer).answered().headers.get_list("set-cookie")

    assert {"HttpOnly", "SameSite=lax", "Max-Age=600", "Path=/"} <= set(there.split("; "))
    session = next(line for line in back if line.startswith("console="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))
    assert any(line.startswith('console-single="";') and "Max-Age=0" in line for line in back)


@pytest.mark.parametrize("claims", [{"amr": ["pwd"]}, {"amr": None}, {"amr": None, "acr": "urn:password"}])
def test_without_a_second_factor_over_there_ours_is_asked_for(
    office: Office, issuer: Issuer, claims: dict[str, object]
) -> None:
    enrolled(office)
    issuer.claims = claims
    answer = ask(office, issuer, "/console/account").answered()

    browser = browser_of(office, answer)
    assert browser is not None
    assert browser.get("/console/account").headers["location"] == "/console/sign-in/code"
    assert 'url=/console/sign-in/code?next=%2Fconsole%2Faccount"' in answer.text


def test_without_any_second_factor_one_is_set_up_first(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"amr": ["pwd"]}
    browser = browser_of(office, ask(office, issuer).answered())

    assert browser is not None
    assert browser.get("/console/account").headers["location"] == "/console/sign-in/enrol"
    assert "authenticator app" in browser.get("/console/sign-in/enrol").text


def test_somebody_who_is_not_linked_does_not_get_in(office: Office, issuer: Issuer) -> None:
    issuer.subject = "MARKED-7f3a-sub"
    answer = ask(office, issuer).answered()

    assert "/console/sign-in?mistake=unknown_subject" in answer.text
    assert (answer.status_code, sessions(office)) == (403, 0)
    assert refusals(office) == ["refused_unknown_subject"]
    assert "MARKED" not in str(office.audit())


def test_a_disabled_person_does_not_get_in(office: Office, issuer: Issuer) -> None:
    accounts.disable(office.deployment.console, "sven", by="login:test")

    ask(office, issuer).answered()

    assert sessions(office) == 0


def test_groups_say_what_somebody_may_do_and_it_follows_them(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"groups": ["watching", "something-else"]}
    ask(office, issuer).answered()
    first = roles(office)
    issuer.claims = {"groups": "reviewing"}
    ask(office, issuer).answered()

    assert (first, roles(office)) == ({"auditor"}, {"reviewer"})
    changes = [line[4] for line in office.audit() if line[:2] == ("single_sign_on", "roles_changed")]
    assert changes == ["+auditor -reviewer", "+reviewer -auditor"]


def test_the_last_administrator_stays_one_whatever_groups_say(office: Office, issuer: Issuer) -> None:
    accounts.change_roles(office.deployment.console, "sven", give=[Role.ADMINISTRATOR], take=[], by="login:test")
    accounts.change_roles(office.deployment.console, "ana", give=[], take=[Role.ADMINISTRATOR], by="login:test")
    issuer.claims = {"groups": ["watching"]}

    ask(office, issuer).answered()

    assert roles(office) == {"administrator", "auditor"}


def test_whoever_left_a_teams_group_may_not_use_its_key_until_they_are_back(office: Office, issuer: Issuer) -> None:
    reference = office.deployment.file("other").reference

    def may_read() -> bool:
        with transaction(office.deployment.console) as connection:
            return access(connection, reference, "sven") is Access.READER

    before = may_read()
    issuer.claims = {"groups": ["reviewing", "law"]}
    ask(office, issuer).answered()
    left = may_read()
    issuer.claims = {"groups": ["reviewing", "it"]}
    ask(office, issuer).answered()

    assert (before, left, may_read()) == (True, False, True)
    noted = [(line[1], line[4]) for line in office.audit() if line[0] == "single_sign_on" and "team" in line[1]]
    assert noted == [("team_suspended", "team:security"), ("team_restored", "team:security")]


def test_without_a_provider_there_is_no_such_page(deployment: Deployment, database: Database, tmp_path: Path) -> None:
    secretfiles.make(tmp_path / "secrets")
    folders = {"secrets_dir": tmp_path / "secrets", "state_dir": tmp_path, "config_dir": CHECKOUT / "config"}
    with an_office(deployment, database, folders) as office:
        there = office.client.get("/console/sign-in/single", follow_redirects=False)
        page = office.client.get("/console/sign-in").text

    assert there.status_code == 404
    assert "/console/sign-in/single" not in page
