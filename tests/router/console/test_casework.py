"""What a reviewer does with a case on its page, and no old page overwrites: close, hold, step out, retry, open."""

import re

import pytest

from router.vocabulary import Role
from tests.router.console.casework import holder, lines, seen, waiting
from tests.router.console.pages import Office


def test_a_case_is_closed_with_its_outcome_and_its_channels_are_rung_for(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    version = seen(browser, reference)

    answer = browser.post(f"/console/cases/{reference}/close", outcome="acted", told="yes", version=version)

    assert "The case is closed." in browser.follow(answer).text
    assert office.deployment.rows("select state, outcome, feedback_at is not null, claim_until from cases") == [
        ("closed", "acted", True, None)
    ]
    assert lines(office, "case_closed") == [("person:sven", "ok", "acted told")]


@pytest.mark.parametrize("outcome", ["", "won", "acted'"])
def test_a_case_is_not_closed_without_an_outcome_that_there_is(office: Office, outcome: str) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")

    answer = browser.post(f"/console/cases/{reference}/close", outcome=outcome, version=seen(browser, reference))

    assert answer.status_code == 422
    assert "Choose how it ended." in answer.text
    assert office.deployment.rows("select state from cases") == [("open",)]
    assert lines(office, "case_closed") == [("person:sven", "refused_unknown_outcome", "")]


def test_the_second_of_two_who_decide_sees_what_the_first_did_and_overwrites_nothing(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    first, second = office.sign_in("sven"), office.sign_in("lena")
    version = seen(second, reference)
    first.post(f"/console/cases/{reference}/hold", reason="court asked", version=seen(first, reference))

    answer = second.post(f"/console/cases/{reference}/close", outcome="acted", version=version)

    assert answer.status_code == 409
    assert "sven put the case on legal hold" in answer.text
    assert re.search(r'value="acted" required checked', answer.text)
    assert office.deployment.rows("select state from cases") == [("open",)]
    assert lines(office, "case_closed") == [("person:lena", "refused_changed_since", "")]


@pytest.mark.parametrize("version", ["", "x", "-1", "2", "99999999999999999999.1", "7.99999999999999999999999"])
def test_a_form_with_a_version_that_we_did_not_give_changes_nothing(office: Office, version: str) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")

    answer = browser.post(f"/console/cases/{reference}/close", outcome="acted", version=version)

    assert answer.status_code == 409
    assert office.deployment.rows("select state from cases") == [("open",)]


def test_a_hold_is_put_and_lifted_with_a_reason_each(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/hold", reason="court asked", version=seen(browser, reference))
    held = office.deployment.rows("select held_by, held_at is not null from cases")

    browser.post(f"/console/cases/{reference}/lift", reason="court is done", version=seen(browser, reference))

    assert held == [("sven", True)]
    assert office.deployment.rows("select held_by, held_at from cases") == [(None, None)]
    assert lines(office, "case_held") == [("person:sven", "ok", "court asked")]
    assert lines(office, "case_hold_lifted") == [("person:sven", "ok", "court is done")]


@pytest.mark.parametrize("act", ["hold", "lift", "recuse", "open", "retry"])
@pytest.mark.parametrize("reason", ["ab", "a\nb c"])
def test_without_a_reason_nothing_is_done_and_what_was_typed_is_kept(office: Office, act: str, reason: str) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    office.unlock(browser, "sven")
    if act == "lift":
        office.deployment.run("update cases set held_at = now(), held_by = 'ana'")
    fields = {"version": seen(browser, reference)} if act in {"hold", "lift"} else {}
    before = office.deployment.rows("select * from cases")
    if act == "retry":
        office.deployment.sent(reference, "security-desk", "dead")
        fields = {"channel": "security-desk"}

    answer = browser.post(f"/console/cases/{reference}/{act}", {"reason": reason, **fields})

    assert answer.status_code == 422
    assert "Give a reason of 3 to 200 characters on one line." in answer.text
    assert office.deployment.rows("select * from cases") == before
    assert "MARKED-7f3a narrative" not in answer.text
    assert len(reason) < 3 or reason[:2] in answer.text


def test_who_steps_out_sees_the_case_no_more_and_gives_it_back(office: Office) -> None:
    deployment = office.deployment
    reference = deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/claim")

    answer = browser.post(f"/console/cases/{reference}/recuse", reason="a friend of mine")

    assert "You stepped out of the case." in browser.follow(answer).text
    assert browser.get(f"/console/cases/{reference}").status_code == 403
    assert holder(deployment) is None
    assert "claim" in waiting(deployment)
    assert lines(office, "case_recused") == [("person:sven", "ok", "released a friend of mine")]


def test_the_last_one_who_steps_out_must_know_that_nobody_is_left(office: Office) -> None:
    deployment = office.deployment
    reference = deployment.file("other").reference
    deployment.run("delete from people_roles where handle = 'ana'")
    browser = office.sign_in("sven")

    warned = browser.post(f"/console/cases/{reference}/recuse", reason="a friend of mine")
    knowing = browser.post(f"/console/cases/{reference}/recuse", reason="a friend of mine", though_last="yes")

    assert warned.status_code == 409
    assert "Nobody else may work on this case." in warned.text
    assert knowing.status_code == 303
    assert deployment.rows("select handle from recusals") == [("sven",)]


def test_a_dead_delivery_is_tried_again(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.deployment.sent(reference, "security-desk", "dead")
    browser = office.sign_in("sven")
    assert "Try again now" in browser.get(f"/console/cases/{reference}").text

    answer = browser.post(f"/console/cases/{reference}/retry", channel="security-desk", reason="it is up again")

    assert answer.headers["location"].endswith("#ledger")
    assert office.deployment.rows(
        "select state from referrals where reference = :of and channel = 'security-desk' and revision = 1",
        of=reference,
    ) == [("due",)]
    assert lines(office, "referral_retried") == [("person:sven", "ok", "security-desk:1 it is up again")]


def test_what_arrived_is_not_tried_again_and_the_page_says_why(office: Office) -> None:
    reference = office.deployment.file("grave").reference
    office.deployment.sent(reference, "security-desk")

    answer = office.sign_in("sven").post(f"/console/cases/{reference}/retry", channel="police", reason="should be out")

    assert answer.status_code == 409
    assert "without them it never leaves" in answer.text


def test_a_report_is_opened_after_the_audit_knows_and_only_for_a_reason(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    office.unlock(browser, "sven")
    assert "MARKED-7f3a" not in browser.get(f"/console/cases/{reference}").text

    answer = browser.post(f"/console/cases/{reference}/open", reason="first look")

    assert answer.status_code == 200
    assert "<pre>MARKED-7f3a narrative</pre>" in answer.text
    assert "<pre>MARKED-7f3a contact</pre>" in answer.text
    assert '<details class="veil" data-veil>' in answer.text
    assert lines(office, "case_opened") == [("person:sven", "ok", "first look")]


def test_whoever_is_not_unlocked_is_led_to_the_passphrase_and_back(office: Office) -> None:
    reference = office.deployment.file("fraud").reference

    answer = office.sign_in("sven").post(f"/console/cases/{reference}/open", reason="first look")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console/unlock?next=%2Fconsole%2Fcases%2F{reference}"
    assert lines(office, "case_opened") == []


def test_the_contact_is_kept_from_reviewers_where_there_are_custodians(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.sign_in("lena", Role.CUSTODIAN)
    browser = office.sign_in("sven")
    office.unlock(browser, "sven")

    answer = browser.post(f"/console/cases/{reference}/open", reason="first look")

    assert "MARKED-7f3a narrative" in answer.text
    assert "MARKED-7f3a contact" not in answer.text
    assert "until a custodian" in answer.text


def test_content_that_was_exchanged_is_not_shown(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.deployment.run("update sealed_contents set blob = 'x'")
    browser = office.sign_in("sven")
    office.unlock(browser, "sven")

    answer = browser.post(f"/console/cases/{reference}/open", reason="first look")

    assert answer.status_code == 500
    assert "What is stored is not what came in." in answer.text
    assert lines(office, "case_opened")[-1][1] == "failed_content_replaced"


ACTS = ("claim", "keep", "release", "hand-over", "close", "hold", "lift", "recuse", "retry", "open")


FIELDS = {
    "hand-over": {"to": "ana"},
    "close": {"outcome": "acted"},
    "hold": {"reason": "a test"},
    "lift": {"reason": "a test"},
    "recuse": {"reason": "a test"},
    "retry": {"channel": "security-desk", "reason": "a test"},
    "open": {"reason": "a test"},
}


@pytest.mark.parametrize("act", ACTS)
def test_no_form_works_on_a_case_of_other_teams(office: Office, act: str) -> None:
    deployment = office.deployment
    reference = deployment.file("other").reference
    office.sign_in("sven").post(f"/console/cases/{reference}/claim")
    browser = office.sign_in("lena")
    office.unlock(browser, "lena")
    before = deployment.rows("select * from cases"), deployment.rows("select id, state from referrals order by id")
    so_far = len(office.audit())

    answer = browser.post(f"/console/cases/{reference}/{act}", FIELDS.get(act, {}))

    assert answer.status_code == 403
    assert "sven" not in answer.text
    assert (
        deployment.rows("select * from cases"),
        deployment.rows("select id, state from referrals order by id"),
    ) == before
    [line] = office.audit()[so_far:]
    assert (line[0], line[2], line[3]) == ("person:lena", reference, "refused_not_a_member")


@pytest.mark.parametrize("act", ["claim", "hand-over", "close", "release"])
def test_a_closed_case_is_not_worked_on(office: Office, act: str) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/close", outcome="acted", version=seen(browser, reference))
    fields = FIELDS.get(act, {}) | ({} if act == "claim" else {"version": seen(browser, reference)})

    answer = browser.post(f"/console/cases/{reference}/{act}", fields)

    assert answer.status_code == 409
    assert "The case is closed." in answer.text


def test_a_case_that_somebody_else_took_meanwhile_is_not_given_back(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    sven, lena, ana = (office.sign_in(handle) for handle in ("sven", "lena", "ana"))
    sven.post(f"/console/cases/{reference}/claim")
    before = seen(lena, reference)
    sven.post(f"/console/cases/{reference}/release", version=seen(sven, reference))
    ana.post(f"/console/cases/{reference}/claim")

    answer = lena.post(f"/console/cases/{reference}/release", version=before)

    assert answer.status_code == 409
    assert "Nothing was overwritten" in answer.text
    assert holder(office.deployment) == "ana"
    assert lines(office, "case_released")[-1][:2] == ("person:lena", "refused_changed_since")


def test_who_steps_out_of_a_closed_case_gives_nothing_back(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/claim")
    browser.post(f"/console/cases/{reference}/close", outcome="acted", version=seen(browser, reference))

    browser.post(f"/console/cases/{reference}/recuse", reason="a friend of mine")

    assert lines(office, "case_recused") == [("person:sven", "ok", "a friend of mine")]
