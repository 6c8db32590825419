"""Copies of what left: who may open one, what that leaves behind, until when each is kept, and by whose law."""

import pytest
from sqlalchemy import text

from router.console import keeping
from router.console.policies import Policies
from router.errors import StoreFailed
from router.keyrecords import Sealed
from router.model import Payload
from router.preserving import DOCUMENT, RECEIPT, Kept, preserve
from router.store.engine import transaction
from router.vault.keep import seal_kept
from tests.router.console.pages import Office

SENT, CAME_BACK = b'{"sent": "MARKED-51aa"}', b"MARKED-77c2 receipt"


@pytest.fixture
def kept(office: Office) -> str:
    """Keep what left of a case to the police, and what came back; return its reference."""
    deployment = office.deployment
    reference = deployment.file("grave").reference
    [(referral,)] = deployment.rows(
        "select id from referrals where reference = :of and channel = 'police'", of=reference
    )
    both = ((DOCUMENT, SENT), (RECEIPT, CAME_BACK))
    with transaction(deployment.console) as connection:
        parts = [
            Kept(referral, reference, "police", 1, 1, part, Payload(body, "application/json")) for part, body in both
        ]
        preserve(connection, parts, by="person:ana")
    return reference


def number(office: Office, part: str) -> str:
    [(found,)] = office.deployment.rows("select id from preserved where part = :part", part=part)
    return str(found)


def test_a_copy_is_opened_by_a_reviewer_of_the_case_who_says_why(office: Office, kept: str) -> None:
    browser = office.sign_in("sven")
    page = browser.get(f"/console/cases/{kept}").text
    locked = browser.post(f"/console/cases/{kept}/open-kept", kept=number(office, DOCUMENT), reason="court asks")
    office.unlock(browser, "sven")
    answer = browser.post(f"/console/cases/{kept}/open-kept", kept=number(office, RECEIPT), reason="court asks")

    assert "What was sent: police 1" in page
    assert "Receipt: police 1" in page
    assert "MARKED" not in page
    assert locked.status_code == 303
    assert CAME_BACK.decode() in answer.text
    assert ("person:sven", keeping.OPENED, kept, "ok", "police:1 receipt court asks") in office.audit()


def test_who_may_not_or_does_not_say_why_opens_nothing_and_that_is_on_record(office: Office, kept: str) -> None:
    other = office.deployment.file("grave").reference
    stranger = office.sign_in("lena")
    office.unlock(stranger, "lena")
    reviewer = office.sign_in("sven")
    office.unlock(reviewer, "sven")
    one = number(office, DOCUMENT)

    answers = [
        stranger.post(f"/console/cases/{kept}/open-kept", kept=one, reason="court asks"),
        reviewer.post(f"/console/cases/{kept}/open-kept", kept=one, reason=""),
        reviewer.post(f"/console/cases/{kept}/open-kept", kept="9999", reason="court asks"),
        reviewer.post(f"/console/cases/{other}/open-kept", kept=one, reason="court asks"),
    ]

    assert [answer.status_code for answer in answers] == [403, 422, 422, 422]
    assert all("MARKED" not in answer.text for answer in answers)
    refused = [(line[0], line[3]) for line in office.audit() if line[1] == keeping.OPENED]
    assert refused == [
        ("person:lena", "refused_not_a_member"),
        ("person:sven", "refused_reason_malformed"),
        ("person:sven", "refused_unknown_kept"),
        ("person:sven", "refused_unknown_kept"),
    ]


def test_a_copy_that_somebody_else_sealed_is_not_shown_as_ours(office: Office, kept: str) -> None:
    [(suite, public)] = office.deployment.rows("select suite, public from cases where reference = :of", of=kept)
    [(referral,)] = office.deployment.rows("select distinct referral from preserved")
    forged = seal_kept(kept, referral, DOCUMENT, b"forged", suite=suite, public=bytes(public))
    office.deployment.run("alter table preserved disable trigger kept")
    office.deployment.run("update preserved set blob = :blob where part = 'document'", blob=forged.blob)
    browser = office.sign_in("sven")
    office.unlock(browser, "sven")

    answer = browser.post(f"/console/cases/{kept}/open-kept", kept=number(office, DOCUMENT), reason="court asks")

    assert "forged" not in answer.text
    assert (keeping.OPENED, "failed_content_replaced") in [(line[1], line[3]) for line in office.audit()]
    assert Sealed(suite, forged.blob).digest not in str(office.audit())


def test_the_clock_says_until_when_by_the_cases_law_and_lets_go_what_is_over_and_not_held(
    office: Office, kept: str
) -> None:
    deployment = office.deployment
    policies = Policies(deployment.console)

    def left() -> int:
        return len(deployment.rows("select from preserved"))

    keeping.tend(deployment.console, policies)
    dated = deployment.rows("select keep_until = kept_at + interval '1 year' from preserved")
    age = "update preserved set kept_at = kept_at - interval '2 years', keep_until = keep_until - interval '2 years'"
    deployment.run("alter table preserved disable trigger kept")
    deployment.run(f"{age} where part = 'document'")
    deployment.run("alter table preserved enable trigger kept")
    browser = office.sign_in("sven")
    version = browser.get(f"/console/cases/{kept}").text.partition('name="version" value="')[2].partition('"')[0]
    browser.post(f"/console/cases/{kept}/hold", reason="a lawsuit", version=version)
    keeping.tend(deployment.console, policies)
    held = left()
    deployment.run("update cases set held_at = null, held_by = null")
    keeping.tend(deployment.console, policies)

    assert dated == [(True,), (True,)]
    assert held == 2
    assert left() == 1
    told = [line[1:5:3] for line in office.audit() if line[0] == keeping.CLOCK]
    assert (keeping.LET_GO, "police:1 document") in told
    assert sum(action == keeping.DATED and detail.endswith("eu_employer") for action, detail in told) == 2
    with pytest.raises(StoreFailed), transaction(deployment.console) as connection:
        connection.execute(text("delete from preserved"))
