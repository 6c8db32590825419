"""Who has a case: claimed by one, kept by working on it, ended by the clock, handed over."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from router.console.lapsing import end_lapsed
from tests.router.console.casework import holder, lines, seen, waiting
from tests.router.console.deployments import Deployment
from tests.router.console.pages import Office

MARKED = "MARKED-7f3a"


def left_s(deployment: Deployment) -> float:
    """Return how long the claim lasts from now."""
    [(found,)] = deployment.rows("select extract(epoch from claim_until - clock_timestamp()) from cases")
    return float(found)


def pass_time(deployment: Deployment, seconds: float) -> None:
    """Let the claim be as if so much time had passed."""
    deployment.run("update cases set claim_until = claim_until - make_interval(secs => :s)", s=seconds)


def test_a_claim_shows_until_when_it_lasts_and_stops_what_waited_for_it(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")

    page = browser.follow(browser.post(f"/console/cases/{reference}/claim")).text

    assert "You have this case now." in page
    assert "You have this case" in page.partition('id="claim"')[2]
    assert "data-claim-ends=" in page
    assert 1700 < left_s(office.deployment) <= 1800
    assert "claim" not in waiting(office.deployment)


def test_of_two_who_claim_one_wins_and_the_other_is_told_who(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browsers = [office.sign_in("sven"), office.sign_in("lena")]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: one.post(f"/console/cases/{reference}/claim"), browsers))

    assert sorted(answer.status_code for answer in answers) == [303, 409]
    [late] = [answer.text for answer in answers if answer.status_code == 409]
    assert f"{holder(office.deployment)} has this case since" in late
    assert f"Give it back for {holder(office.deployment)}" in late


@pytest.mark.parametrize("page", ["", "/timeline", "/referrals/security-desk/1"])
def test_whoever_works_on_a_case_keeps_it(office: Office, page: str) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/claim")
    version = office.deployment.rows("select version from cases")
    pass_time(office.deployment, 1000)

    browser.get(f"/console/cases/{reference}{page}")

    assert left_s(office.deployment) > 1700
    assert office.deployment.rows("select version from cases") == version


def test_whoever_has_the_case_keeps_it_by_asking_and_nobody_else_does(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser, other = office.sign_in("sven"), office.sign_in("lena")
    browser.post(f"/console/cases/{reference}/claim")
    pass_time(office.deployment, 1000)

    refused = other.post(f"/console/cases/{reference}/keep")
    before = left_s(office.deployment)
    kept = browser.post(f"/console/cases/{reference}/keep")

    assert (refused.status_code, before < 900) == (409, True)
    assert (kept.status_code, left_s(office.deployment) > 1700) == (303, True)
    assert lines(office, "case_kept") == [("person:lena", "refused_already_claimed", "")]


def test_nobody_elses_look_keeps_a_claim(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.sign_in("sven").post(f"/console/cases/{reference}/claim")
    pass_time(office.deployment, 1000)

    office.sign_in("lena").get(f"/console/cases/{reference}")

    assert left_s(office.deployment) < 900


def test_a_claim_that_nobody_worked_under_ends_and_what_waited_for_it_waits_again(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.sign_in("sven").post(f"/console/cases/{reference}/claim")
    pass_time(office.deployment, 1801)

    end_lapsed(office.deployment.console)
    end_lapsed(office.deployment.console)

    assert holder(office.deployment) is None
    assert "claim" in waiting(office.deployment)
    assert lines(office, "case_claim_lapsed") == [("clock", "ok", "person:sven")]


def test_a_claim_within_its_time_and_one_without_end_stay(office: Office) -> None:
    first, second = (office.deployment.file("fraud").reference for _ in range(2))
    for reference in (first, second):
        office.sign_in("sven").post(f"/console/cases/{reference}/claim")
    office.deployment.run("update cases set claim_until = null where reference = :of", of=second)

    end_lapsed(office.deployment.console)

    assert office.deployment.rows("select distinct claimed_by from cases") == [("sven",)]


def test_what_was_typed_is_kept_when_the_claim_lapsed_meanwhile(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/claim")
    version = seen(browser, reference)
    pass_time(office.deployment, 1801)
    end_lapsed(office.deployment.console)

    answer = browser.post(f"/console/cases/{reference}/hand-over", to="lena", text=MARKED, version=version)

    assert answer.status_code == 409
    assert "ended the claim" in answer.text
    assert MARKED in answer.text


def test_a_case_is_handed_to_a_colleague_with_sealed_words(office: Office) -> None:
    deployment = office.deployment
    reference = deployment.file("fraud").reference
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/claim")

    browser.post(f"/console/cases/{reference}/hand-over", to="lena", text=MARKED, version=seen(browser, reference))

    assert holder(deployment) == "lena"
    assert lines(office, "case_handed_over") == [("person:sven", "ok", "person:lena")]
    [(kind, by, to, blob)] = deployment.rows("select kind, written_by, assigned_to, blob from case_notes")
    assert (kind, by, to) == ("hand_over", "sven", "lena")
    assert MARKED.encode() not in blob
    assert "claim" not in waiting(deployment)


@pytest.mark.parametrize("to", ["sven", "nobody", "", "lena' or '1'='1", "ana"])
def test_a_case_goes_to_nobody_who_may_not_have_it(office: Office, to: str) -> None:
    reference = office.deployment.file("other").reference
    office.deployment.run("delete from people_roles where handle = 'ana'")
    browser = office.sign_in("sven")
    browser.post(f"/console/cases/{reference}/claim")

    answer = browser.post(f"/console/cases/{reference}/hand-over", to=to, text=MARKED, version=seen(browser, reference))

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert MARKED in answer.text
    assert holder(office.deployment) == "sven"
    assert office.deployment.rows("select from case_notes") == []
    assert lines(office, "case_handed_over") == [("person:sven", "refused_not_a_colleague", "")]


def test_whoever_has_not_the_case_hands_nothing_over(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.sign_in("sven").post(f"/console/cases/{reference}/claim")
    browser = office.sign_in("lena")

    answer = browser.post(f"/console/cases/{reference}/hand-over", to="ana", version=seen(browser, reference))

    assert answer.status_code == 409
    assert holder(office.deployment) == "sven"
