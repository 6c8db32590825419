"""A reviewer's day, recorded: a second factor, the next case, its text, a question, a route, a handover, the end.

The deployment is of its own, so that the next case is this one. What happened stands in var/screenshots: a picture of
each step in each shape, and reviewer.zip, which `playwright show-trace` plays.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Browser, Page, expect

from router.vocabulary import Role
from tests.browser.entering import choose_password, enrol, give_code, give_password
from tests.browser.looks import PICTURES, look
from tests.browser.outsides import Outside
from tests.browser.staff import NARRATIVE, Staff, staff_of
from tests.conftest import CHECKOUT
from tests.running import running

pytestmark = pytest.mark.browser

PASSWORD = "rosa keeps MARKED-7f3a to herself"
QUESTION = "MARKED-7f3a which room was it in?"


@pytest.fixture
def office(tmp_path: Path, chromium: Browser) -> Iterator[Staff]:
    copytree(CHECKOUT / "config", tmp_path / "config")
    with running(tmp_path) as product, staff_of(product, chromium) as staff:
        staff.add("rosa", "security", "legal")
        staff.add("paul", "hr")
        staff.add("petra", "safety")
        staff.add("aldo", "privacy")
        yield staff


def until(found: Callable[[], object], *, within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.1)


def sign_in_twice(page: Page, staff: Staff) -> None:
    """In, for the first time and for the second."""
    page.goto("/console")
    give_password(page, "rosa", staff.passwords["rosa"])
    choose_password(page, PASSWORD)
    phone = enrol(page)
    page.get_by_role("link", name="I have them").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/console")
    give_password(page, "rosa", PASSWORD)
    give_code(page, phone)


def take_the_next_case(page: Page, reference: str, wrong: list[str]) -> None:
    expect(page.get_by_role("link", name=reference)).to_be_visible()
    wrong += look(page, "day-1-queue")
    page.get_by_role("button", name="Take the next case").click()
    expect(page.get_by_role("heading", name=reference)).to_be_visible()
    wrong += look(page, "day-2-case")


def read(page: Page, staff: Staff, wrong: list[str]) -> None:
    open_report(page, staff)
    narrative = page.locator("pre").first
    expect(narrative).not_to_be_visible()
    wrong += look(page, "day-3-shut")
    page.get_by_text("Show the narrative").click()
    expect(narrative).to_have_text(NARRATIVE)
    assert page.locator("b").count() == 0
    wrong += look(page, "day-3-open")


def open_report(page: Page, staff: Staff) -> None:
    for _ in range(2):
        page.get_by_label("Why do you open it?").fill("first look")
        page.get_by_role("button", name="Open", exact=True).click()
        page.wait_for_load_state()
        if "/unlock" not in page.url:
            return
        page.get_by_label("Passphrase").fill(staff.passphrases["rosa"])
        page.get_by_role("button", name="Unlock").click()


def ask(page: Page, reference: str, wrong: list[str]) -> None:
    page.goto(f"/console/cases/{reference}/dialogue")
    page.get_by_label("Question").check()
    page.get_by_label("Message").fill(QUESTION)
    wrong += look(page, "day-4-question")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_contain_text("Sent")


def see_the_question(staff: Staff, receipt: str, wrong: list[str]) -> None:
    """Follow the report up as who wrote it does."""
    reporter = staff.chromium.new_page()
    reporter.goto(f"{staff.product.url}/follow-up")
    reporter.get_by_label("Receipt").fill(receipt)
    reporter.get_by_role("button", name="Show status").click()
    expect(reporter.get_by_text(QUESTION)).to_be_visible()
    wrong += look(reporter, "day-4-reporter")
    reporter.close()


def reroute(page: Page, reference: str, wrong: list[str]) -> None:
    page.goto(f"/console/cases/{reference}/reroute")
    page.get_by_label("evidence at risk").check()
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_label("Reason").fill("the laptop is about to be wiped")
    wrong += look(page, "day-5-foreseen")
    page.get_by_role("button", name="Re-route the case").click()
    expect(page.get_by_role("status").first).to_contain_text("Re-routed")


def make_draft(page: Page, wrong: list[str]) -> None:
    """Draft to the hotline, to which the policy drafts nothing by itself."""
    outside = page.locator("#outside")
    outside.get_by_label("Draft another one to").select_option("hotline-handover")
    outside.get_by_role("button", name="Show what it would say").click()
    page.get_by_label("Why they should have it").fill("they can have it taken down")
    wrong += look(page, "day-6-draft")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_role("status").first).to_contain_text("Nothing was sent")


def approve(staff: Staff, handle: str, wrong: list[str]) -> None:
    page = staff.signed_in(handle, Role.APPROVER)
    page.goto("/console/approvals")
    wrong += look(page, f"day-7-approvals-{handle}")
    page.get_by_role("link", name="hotline-handover").click()
    page.get_by_label("Why it may go out").fill("their office takes such material down")
    wrong += look(page, f"day-7-draft-{handle}")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("status").first.wait_for()


def hand_over(page: Page, staff: Staff, wrong: list[str]) -> None:
    [(draft,)] = staff.rows("select id from referrals where channel = 'hotline-handover' and awaited is null")
    there = Outside(staff, "day-7", page, wrong)
    there.handed_over("hotline", draft, theirs="T-4711")


def close(page: Page, reference: str, wrong: list[str]) -> None:
    page.goto(f"/console/cases/{reference}")
    page.get_by_label("Referred").check()
    page.get_by_role("button", name="Close the case").click()
    expect(page.get_by_role("status").first).to_contain_text("closed")
    wrong += look(page, "day-8-closed")


def leaked(state: Path) -> list[str]:
    """Return the files that hold what was typed and must be sealed; the databases' files hold it encrypted."""
    files = [file for file in state.rglob("*") if file.is_file() and "postgres" not in file.parts[-3:-1]]
    return [str(file) for file in files if b"MARKED-7f3a" in file.read_bytes()]


def test_a_reviewer_s_day_from_the_second_factor_to_the_audit_of_it_all(office: Staff) -> None:
    facts = {"where_found": "laptop", "site": "headquarters", "asset_tag": "LT-4711", "url": "https://example.org/"}
    reference, receipt = office.report("csam_suspected", noticed_how="helpdesk_repair", **facts)
    page = office.context().new_page()
    wrong: list[str] = []
    page.context.tracing.start(screenshots=True, snapshots=True)

    sign_in_twice(page, office)
    take_the_next_case(page, reference, wrong)
    read(page, office, wrong)
    ask(page, reference, wrong)
    see_the_question(office, receipt, wrong)
    reroute(page, reference, wrong)
    make_draft(page, wrong)
    for handle in ("paul", "petra"):
        approve(office, handle, wrong)
    hand_over(page, office, wrong)
    close(page, reference, wrong)
    page.context.tracing.stop(path=PICTURES / "reviewer.zip")

    auditor = office.signed_in("aldo", Role.AUDITOR)
    auditor.goto(f"/console/audit?about={reference}")
    wrong += look(auditor, "day-9-audit")
    done = [action for actor, action, outcome in office.audit(reference) if not outcome.startswith("refused")]

    assert wrong == []
    assert {"case_claimed", "case_opened", "case_viewed", "case_rerouted", "message_sent", "case_closed"} <= set(done)
    assert auditor.get_by_role("row").count() > len(set(done))
    until(lambda: office.product.cli("audit", "verify").returncode == 0)
    assert leaked(office.product.state) == []
