"""One case, and people who want it at once or type in it for long: nobody loses anything."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import FIRST, Staff

pytestmark = pytest.mark.browser

TYPED = "MARKED-7f3a"


def claimed(staff: Staff, handle: str) -> tuple[Page, str]:
    """Return the page of a case that the person has just claimed, by its button, and the case."""
    reference = staff.file("fraud")
    page = staff.signed_in(handle)
    page.goto(f"/console/cases/{reference}")
    page.get_by_role("button", name="Claim it").click()
    expect(page.get_by_text("You have this case now.")).to_be_visible()
    return page, reference


def left_s(staff: Staff, reference: str) -> float:
    [(found,)] = staff.rows(
        "select extract(epoch from claim_until - clock_timestamp()) from cases where reference = :of", of=reference
    )
    return float(found)


def test_who_types_for_long_keeps_the_case_and_what_was_typed(staff: Staff) -> None:
    page, reference = claimed(staff, "ana")
    page.clock.install()
    page.goto(f"/console/cases/{reference}")
    staff.rows(
        "update cases set claim_until = clock_timestamp() + interval '200 s' where reference = :of returning 1",
        of=reference,
    )
    page.clock.fast_forward("02:00")

    with page.expect_response("**/keep"):
        page.get_by_label("Note for colleagues").fill(TYPED)

    expect(page.get_by_label("Note for colleagues")).to_have_value(TYPED)
    assert left_s(staff, reference) > 1700


def test_whose_case_was_given_back_is_told_so_beside_what_they_typed(staff: Staff) -> None:
    page, reference = claimed(staff, "ana")
    page.get_by_label("Note for colleagues").fill(TYPED)
    staff.rows(
        "update cases set claimed_at = null, claimed_by = null, claim_until = null where reference = :of returning 1",
        of=reference,
    )

    page.get_by_role("button", name="Keep it").click()

    expect(page.get_by_text("You do not have this case any more.")).to_be_visible()
    expect(page.get_by_label("Note for colleagues")).to_have_value(TYPED)


def test_of_two_browsers_that_claim_one_case_one_gets_it_and_the_other_sees_who(staff: Staff) -> None:
    reference = staff.file("fraud")
    pages = [staff.signed_in(handle) for handle in (FIRST, "ana")]
    for page in pages:
        page.goto(f"/console/cases/{reference}")

    for page in pages:
        page.get_by_role("button", name="Claim it").click(no_wait_after=True)
    first, second = pages

    expect(first.get_by_text("You have this case now.")).to_be_visible()
    expect(second.get_by_role("alert")).to_contain_text(f"{FIRST} has this case since")
    expect(second.get_by_role("button", name=f"Give it back for {FIRST}")).to_be_visible()
