"""The page of one case."""

from tests.router.console.pages import Office


def test_the_page_names_the_case_and_the_look_is_a_line_of_the_audit(office: Office) -> None:
    reference = office.deployment.file("fraud").reference

    answer = office.sign_in("sven").get(f"/console/cases/{reference}")

    assert answer.status_code == 200
    assert f"<h1>Case <span class=\"reference\">{reference}</span></h1>" in answer.text
    assert ("person:sven", "case_viewed", reference, "ok", "") in office.audit()


def test_who_has_no_key_is_refused_and_that_is_noted(office: Office) -> None:
    reference = office.deployment.file("other").reference

    answer = office.sign_in("lena").get(f"/console/cases/{reference}")

    assert answer.status_code == 403
    assert ("person:lena", "case_viewed", reference, "refused_not_a_member", "") in office.audit()
