"""The pages on who reported: asked on the case page, decided before a custodian, shown to the one who asked."""

import re

import pytest

from router.model import Content
from router.vocabulary import Role
from tests.router.console.approvers import person
from tests.router.console.deployments import WRITTEN
from tests.router.console.pages import Browser, Office, main

WHY = "must call them back"


def custodian(office: Office, handle: str) -> Browser:
    person(office.deployment, handle)
    return office.sign_in(handle, Role.CUSTODIAN)


def asked(office: Office, browser: Browser, reference: str) -> str:
    """Ask on the case page; return the request's number."""
    page = browser.get(f"/console/cases/{reference}").text
    version = re.search(r'name="version" value="([0-9.]+)"', page)
    assert version
    answer = browser.post(f"/console/cases/{reference}/identity", reason=WHY, version=version[1])
    assert answer.headers["location"].endswith("said=identity_asked#identity")
    [[number]] = office.deployment.rows("select max(id) from identity_requests")
    return str(number)


def opened(office: Office, browser: Browser, handle: str, reference: str) -> str:
    office.unlock(browser, handle)
    answer = browser.post(f"/console/cases/{reference}/open", reason="to read it")
    assert answer.status_code == 200
    return answer.text


def test_a_yes_shows_the_contact_to_who_asked_alone(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    carl, sven, lena = custodian(office, "carl"), office.sign_in("sven"), office.sign_in("lena")
    assert str(WRITTEN.contact) not in opened(office, sven, "sven", reference)
    number = asked(office, sven, reference)
    assert reference in carl.get("/console/identity").text
    page = carl.get(f"/console/identity/{number}").text
    assert WHY in page
    assert "MARKED-7f3a" not in page

    answer = carl.post(f"/console/identity/{number}/grant", reason="they have to")

    assert answer.headers["location"] == "/console/identity?said=identity_granted"
    assert str(WRITTEN.contact) in opened(office, sven, "sven", reference)
    assert str(WRITTEN.contact) not in opened(office, lena, "lena", reference)
    assert "granted to you" in sven.get(f"/console/cases/{reference}").text
    assert reference not in carl.get("/console/identity").text


@pytest.mark.parametrize(
    ("written", "said", "shown"),
    [
        (Content("MARKED-7f3a", "MARKED-7f3a contact", named=True), "whoever works on this may know", True),
        (Content("MARKED-7f3a", "MARKED-7f3a contact"), "kept from you until a custodian", False),
        (Content("MARKED-7f3a", None), "they stay anonymous", False),
    ],
)
def test_opening_says_how_far_the_reporter_wants_to_be_known(
    office: Office, written: Content, said: str, *, shown: bool
) -> None:
    custodian(office, "carl")
    reference = office.deployment.file(written=written).reference

    page = opened(office, office.sign_in("sven"), "sven", reference)

    assert said in page
    assert ("MARKED-7f3a contact" in page) == shown


def test_the_case_page_says_when_nobody_keeps_it_apart(office: Office) -> None:
    reference = office.deployment.file().reference
    sven = office.sign_in("sven")

    assert "Nobody is custodian here" in sven.get(f"/console/cases/{reference}").text
    assert str(WRITTEN.contact) in opened(office, sven, "sven", reference)


def test_a_no_is_told_to_who_asked_and_they_may_ask_again(office: Office) -> None:
    reference = office.deployment.file().reference
    carl, sven = custodian(office, "carl"), office.sign_in("sven")
    number = asked(office, sven, reference)
    carl.post(f"/console/identity/{number}/refuse", reason="write to them instead")
    page = sven.get(f"/console/cases/{reference}").text

    assert "refused by carl" in page
    assert str(WRITTEN.contact) not in opened(office, sven, "sven", reference)
    assert asked(office, sven, reference) != number


@pytest.mark.parametrize(("handle", "code"), [("lena", "in_conflict"), ("una", "person_named"), ("sven", "asked_it")])
def test_who_asked_or_is_involved_neither_sees_nor_decides(office: Office, handle: str, code: str) -> None:
    custodian(office, "carl")
    reference = office.deployment.file(involves=["legal"], subject_handle="una").reference
    number = asked(office, office.sign_in("sven"), reference)
    browser = office.sign_in("sven", Role.CUSTODIAN, Role.REVIEWER) if handle == "sven" else custodian(office, handle)

    assert reference not in browser.get("/console/identity").text
    answers = (
        browser.get(f"/console/identity/{number}"),
        browser.post(f"/console/identity/{number}/grant", reason=WHY),
        browser.post(f"/console/identity/{number}/refuse", reason=""),
    )
    if code == "asked_it":
        assert {answer.status_code for answer in answers} == {403}
    else:
        # Whoever counts through the numbers learns as much of their own case as of one that there is not.
        nothing = browser.get("/console/identity/987654")
        assert {(answer.status_code, main(answer.text)) for answer in answers} == {(404, main(nothing.text))}
    shown = (f"person:{handle}", "identity_request_shown", reference, f"refused_{code}", "person:sven")
    granted = (f"person:{handle}", "identity_granted", reference, f"refused_{code}", "person:sven")
    assert {shown, granted} <= set(office.audit())
    assert office.deployment.rows("select verdict from identity_requests") == [(None,)]


@pytest.mark.parametrize("verb", ["grant", "refuse"])
def test_each_verdict_needs_a_reason(office: Office, verb: str) -> None:
    carl, sven = custodian(office, "carl"), office.sign_in("sven")
    number = asked(office, sven, office.deployment.file().reference)
    answer = carl.post(f"/console/identity/{number}/{verb}", reason="x")

    assert answer.status_code == 422
    assert re.search(rf'id="{verb}-reason" name="reason"[^>]*aria-invalid="true"', answer.text)
    assert 'value="x"' in answer.text


def test_what_was_decided_meanwhile_is_said(office: Office) -> None:
    carl, dora = custodian(office, "carl"), custodian(office, "dora")
    number = asked(office, office.sign_in("sven"), office.deployment.file().reference)
    carl.post(f"/console/identity/{number}/refuse", reason="no need")
    answer = dora.post(f"/console/identity/{number}/grant", reason="there is need")

    assert answer.status_code == 409
    assert "Somebody else has decided" in answer.text


@pytest.mark.parametrize("made_up", ["0", "999999", "x", "-1", "%00", "9" * 30, "1%20or%201"])
def test_a_made_up_request_is_unknown(office: Office, made_up: str) -> None:
    carl = custodian(office, "carl")
    asked(office, office.sign_in("sven"), office.deployment.file().reference)

    assert carl.get(f"/console/identity/{made_up}").status_code == 404
    assert carl.post(f"/console/identity/{made_up}/grant", reason=WHY).status_code == 404


def test_who_asks_for_a_case_of_another_team_is_refused(office: Office) -> None:
    custodian(office, "carl")
    reference = office.deployment.file().reference
    lena = office.sign_in("lena")

    assert lena.post(f"/console/cases/{reference}/identity", reason=WHY, version="0.0").status_code == 403
    assert office.deployment.rows("select * from identity_requests") == []


def test_reasons_are_no_markup(office: Office) -> None:
    carl, sven = custodian(office, "carl"), office.sign_in("sven")
    number = asked(office, sven, office.deployment.file().reference)
    office.deployment.run("update identity_requests set reason = '<b>MARKED-7f3a</b>'")

    assert "&lt;b&gt;MARKED-7f3a" in carl.get(f"/console/identity/{number}").text
