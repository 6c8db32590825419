"""What all pages of the console have in common: each page of PAGES is asked by everybody, in every wrong way."""

import pytest

from router.console.pages import PAGES
from router.console.pages.ask import Page
from router.console.rights import RIGHTS, Right
from router.store.sessions import Stage
from router.vocabulary import Role
from tests.router.console.pages import Browser, Office

REFERENCE = "CR-0000-0000-0000"


def _address(page: Page) -> str:
    return page.path.replace("{reference}", REFERENCE)


def _asked(browser: Browser, page: Page) -> int:
    answer = browser.get(_address(page)) if page.method == "GET" else browser.post(_address(page))
    return answer.status_code


def _named(page: Page) -> str:
    return f"{page.method} {page.path}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.right], ids=_named)
def test_each_page_opens_to_those_with_its_right_and_to_nobody_else(shared_office: Office, page: Page) -> None:
    refused = []
    for role in Role:
        browser, before = shared_office.sign_in("ana", role, stage=page.stage), len(shared_office.audit())
        status = _asked(browser, page)
        lines = shared_office.audit()[before:]
        if ("person:ana", "page_refused", page.path, "refused_role_missing", page.method) in lines:
            assert (status, len(lines)) == (403, 1)
            refused.append(role)

    allowed = set(Role) if page.right is Right.BE_HERE else RIGHTS[Right(page.right or Right.BE_HERE)]
    assert set(refused) == set(Role) - allowed


@pytest.mark.parametrize("page", [page for page in PAGES if page.right], ids=_named)
def test_nobody_is_led_to_the_sign_in_and_no_form_of_theirs_is_taken(shared_office: Office, page: Page) -> None:
    assert _asked(shared_office.browser(), page) == (303 if page.method == "GET" else 403)


@pytest.mark.parametrize("page", [page for page in PAGES if page.right and page.stage is Stage.FULL], ids=_named)
def test_half_signed_in_opens_nothing(shared_office: Office, page: Page) -> None:
    browser = shared_office.sign_in("ana", *Role, stage=Stage.PASSWORD)

    assert _asked(browser, page) == 303


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=_named)
def test_a_form_of_another_site_is_not_taken(shared_office: Office, page: Page) -> None:
    browser = shared_office.sign_in("ana", *Role, stage=page.stage)
    cookie = {"cookie": f"console={browser.cookie.token}"}
    form = {"form_token": browser.cookie.form_token}

    from_elsewhere = shared_office.client.post(
        _address(page), data=form, headers={**cookie, "sec-fetch-site": "cross-site"}, follow_redirects=False
    )
    without_token = shared_office.client.post(
        _address(page), data={"form_token": ""}, headers=cookie, follow_redirects=False
    )

    assert (from_elsewhere.status_code, without_token.status_code) == (403, 403)


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=_named)
def test_a_form_with_a_field_more_is_refused(shared_office: Office, page: Page) -> None:
    browser = shared_office.sign_in("ana", *Role, stage=page.stage)

    answer = browser.post(_address(page), is_admin="1")

    assert answer.status_code == 422
    assert "is_admin" not in answer.text


def test_an_address_of_nothing_is_told_on_a_page(office: Office) -> None:
    browser = office.sign_in("ana")

    answer = browser.get("/console/nothing/here")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page." in answer.text
    assert office.audit(but=frozenset({"person_added", "key_made"})) == []


def test_the_console_s_own_address_leads_to_the_queue(office: Office) -> None:
    assert office.sign_in("ana").get("/").headers["location"] == "/console"
