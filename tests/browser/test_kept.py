"""Copies of what left, as a reviewer sees and opens them: nothing that axe finds wrong, and a picture."""

import pytest

from router.model import Payload
from router.preserving import DOCUMENT, RECEIPT, Kept, preserve
from router.store.engine import transaction
from tests.browser.looks import look
from tests.browser.staff import Staff

pytestmark = pytest.mark.browser


def test_kept_copies_look_right_and_open_with_a_reason(staff: Staff, everybody: Staff) -> None:
    reference = everybody.file("csam_suspected", site="headquarters", where_found="laptop", asset_tag="LT-4711")
    [(referral,)] = everybody.rows(
        "select id from referrals where reference = :of and channel = 'police-handover'", of=reference
    )
    with transaction(staff.owner) as connection:
        for part, body in ((DOCUMENT, b'{"reference": "MARKED-11ab"}'), (RECEIPT, b"MARKED-22cd")):
            payload = Payload(body, "application/json")
            preserve(connection, [Kept(referral, reference, "police-handover", 1, 1, part, payload)], by="worker")
    page = staff.signed_in("ana")
    staff.unlock(page, "ana")

    page.goto(f"/console/cases/{reference}#kept")
    page.get_by_text("Open a copy").click()
    wrong = look(page, "case-kept")
    kept = page.locator("#kept")
    kept.get_by_label("Copy").select_option(label="Receipt: police-handover 1")
    kept.get_by_label("Why do you open it?").fill("the court asks")
    kept.get_by_role("button", name="Open").click()
    wrong += look(page, "kept-opened")
    page.get_by_text("Show it as it was").click()

    assert wrong == []
    assert page.get_by_text("MARKED-22cd").is_visible()
    assert ("person:ana", "outside_kept_opened", "ok") in everybody.audit(reference)
