"""The routing's pages: the policy as it is, why a case went where it went, what would happen."""

import re

import pytest

from router.console.reroute import CORRECTABLE
from router.store import policies
from router.store.engine import transaction
from router.triage.policy import parse_policy
from router.vocabulary import Role
from tests.router.console.deployments import POLICY, Deployment
from tests.router.console.pages import Office

FORM = {"category": "fraud", "noticed_how": "told_by_someone"}
MARKED = '"><b>MARKED-7f3a</b>'


def put_in_force(deployment: Deployment, text: str) -> str:
    policy = parse_policy(text, deployment.channels)
    with transaction(deployment.intake) as connection:
        policies.keep(connection, policy.digest, text, deployment.channels)
        policies.activate(connection, policy.digest)
    return policy.digest


def counts(deployment: Deployment) -> list[tuple[int, ...]]:
    return deployment.rows("select (select count(*) from cases), (select count(*) from referrals)")


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_everything_of_the_policy_stands_in_its_tables_and_its_picture(office: Office, role: Role) -> None:
    page = office.sign_in("ana", role).get("/console/routing").text

    for word in ("fraud", "grave", "rest", "fallback", "security-desk", "police", "unclaimed 5h", "claim within 4h"):
        assert word in page
    assert page.count("<svg") == 1
    assert 'aria-labelledby="title desc"' in page
    assert " style=" not in page


def test_the_picture_is_of_the_policy_in_force(office: Office) -> None:
    browser = office.sign_in("ana")
    before = browser.get("/console/routing").text
    digest = put_in_force(office.deployment, POLICY.replace("id: rest", "id: everything_else"))
    after = browser.get("/console/routing").text

    assert "everything_else" not in before
    assert "everything_else" in after
    assert digest[:12] in after


def test_what_would_happen_is_shown_with_the_exact_bytes_and_nothing_is_stored(office: Office) -> None:
    browser = office.sign_in("ana")
    before, lines = counts(office.deployment), len(office.audit())
    answer = browser.post("/console/routing/what-if", {**FORM, "reported_by": "person"})

    assert answer.status_code == 200
    assert "by the route <strong>fraud</strong>" in answer.text
    for word in ("security-desk", "legal-desk", "The reporter is told that it arrived", "&#34;category&#34;"):
        assert word in answer.text
    assert (counts(office.deployment), len(office.audit())) == (before, lines)


def test_a_system_s_report_has_no_clocks_of_the_law(office: Office) -> None:
    answer = office.sign_in("ana").post("/console/routing/what-if", {**FORM, "reported_by": "client"})

    assert "The reporter is told that it arrived" not in answer.text
    assert re.search(r'value="client" checked', answer.text)


def test_who_is_involved_is_told_nothing_and_the_page_says_why(office: Office) -> None:
    answer = office.sign_in("ana").post("/console/routing/what-if", {**FORM, "involves": ["legal", "hr"]})

    assert "<dt>Told nothing</dt><dd>legal</dd>" in answer.text
    assert "it is said to be involved" in answer.text


@pytest.mark.parametrize("name", [name for name in CORRECTABLE if name not in {"urgency", "involves"}])
def test_a_wrong_value_names_its_field_and_the_rest_is_kept(office: Office, name: str) -> None:
    answer = office.sign_in("ana").post("/console/routing/what-if", {**FORM, "where_found": "laptop", name: MARKED})

    assert answer.status_code == 422
    assert f'id="{name}-mistake"' in answer.text
    assert "<b>MARKED" not in answer.text
    if name != "where_found":
        assert re.search(r'value="laptop" selected', answer.text)


@pytest.mark.parametrize("name", ["urgency", "involves"])
def test_a_wrong_value_among_several_names_its_field(office: Office, name: str) -> None:
    answer = office.sign_in("ana").post("/console/routing/what-if", {**FORM, name: [MARKED, "legal"]})

    assert answer.status_code == 422
    assert f'id="{name}-mistake"' in answer.text
    assert "MARKED" not in answer.text


def test_a_case_of_one_s_own_is_explained_and_that_is_on_record(office: Office) -> None:
    case = office.deployment.file("fraud", involves=["legal"])
    browser = office.sign_in("sven")
    answer = browser.get("/console/routing/why", reference=case.reference.lower())

    assert answer.status_code == 200
    for word in ("<strong>fraud</strong>", "legal is not told: it is said to be involved"):
        assert word in answer.text
    assert office.audit()[-1][:4] == ("person:sven", "routing_explained", case.reference, "ok")


def test_somebody_else_s_case_is_not_explained_and_the_try_is_on_record(office: Office) -> None:
    case = office.deployment.file("other")
    answer = office.sign_in("lena").get("/console/routing/why", reference=case.reference)

    assert answer.status_code == 403
    assert "<strong>rest</strong>" not in answer.text
    assert office.audit()[-1][:4] == ("person:lena", "routing_explained", case.reference, "refused_not_a_member")


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_no_other_role_learns_why_a_case_went_somewhere(office: Office, role: Role) -> None:
    case = office.deployment.file("other")
    answer = office.sign_in("ana", role).get("/console/routing/why", reference=case.reference)

    assert answer.status_code == 403
    assert "<strong>rest</strong>" not in answer.text


@pytest.mark.parametrize("asked", [MARKED, "CR-0000-0000-0000", "' or 1=1 --", "CR-" + "9" * 300])
def test_what_is_no_case_is_not_found_and_not_shown_back(office: Office, asked: str) -> None:
    answer = office.sign_in("ana").get("/console/routing/why", reference=asked)

    assert answer.status_code == 404
    assert "MARKED" not in answer.text
    assert "MARKED" not in str(office.audit())


def test_it_says_when_the_policy_in_force_would_decide_otherwise(office: Office) -> None:
    case = office.deployment.file("other")
    browser = office.sign_in("ana")
    before = browser.get("/console/routing/why", reference=case.reference).text
    put_in_force(office.deployment, POLICY.replace("{id: rest, teams", "{id: mended, teams"))
    after = browser.get("/console/routing/why", reference=case.reference).text

    assert "By the policy in force now" not in before
    assert "By the policy in force now" in after
    assert "<strong>mended</strong>" in after
