"""Each page in each state: nothing that axe finds wrong, nothing that scrolls sideways, and a picture of it."""

import re

import pytest

from router.console.pages import PAGES
from router.store.engine import transaction
from router.vocabulary import Role
from tests.browser.entering import choose_password, enrol, give_password
from tests.browser.looks import look
from tests.browser.staff import Staff
from tests.makers import change

pytestmark = pytest.mark.browser

PLAIN = {
    "queue": "/console",
    "queue-none-fits": "/console?severity=low&category=corruption",
    "queue-not-found": "/console?q=CR-0000-0000-0000",
    "queue-mistake": "/console?severity=dreadful",
    "approvals": "/console/approvals",
    "identity": "/console/identity",
    "routing": "/console/routing",
    "routing-why": "/console/routing/why",
    "routing-what-if": "/console/routing/what-if",
    "channels": "/console/channels",
    "channel": "/console/channels/security-desk",
    "audit": "/console/audit",
    "people": "/console/people",
    "person": "/console/people/ben",
    "account": "/console/account",
    "unlock": "/console/unlock",
    "behalf": "/console/behalf",
    "tasks": "/console/tasks",
    "floods": "/console/floods",
    "handovers": "/console/handovers",
    "no-such-page": "/console/nowhere",
    "nothing-there": "/console/cases/CR-0000-0000-0000",
}
"""Pages that need nothing but an address."""
OF_A_CASE = (
    "",
    "notes",
    "dialogue",
    "reroute",
    "conflict",
    "timeline",
    "referrals/security-desk/1",
    "draft?channel=hotline-handover",
)
ELSEWHERE = frozenset(
    {
        *("/console/sign-in/code", "/console/sign-in/recovery", "/console/sign-in/enrol", "/console/counts"),
        *("/console/sign-in/single", "/console/sign-in/single/back", "/console/cases/X/drafts/X/export"),
    }
)
"""Looked at in tests of their own; counts and exports are for programs, single sign-on leads on."""
AFTER_ACTS = frozenset(
    {"/console/approvals/X", "/console/identity/X", "/console/cases/X/drafts/X", "/console/handovers/X"}
)
"""What is only there after some acts, and looked at where they are done."""


@pytest.fixture(scope="session")
def busy(everybody: Staff) -> str:
    """Some cases in all states; the reference of the gravest, which ana has."""
    for category in ("fraud", "security_incident", "other", "harassment"):
        everybody.file(category)
    return everybody.file("csam_suspected", site="headquarters", where_found="laptop", asset_tag="LT-4711")


def test_no_page_goes_unlooked_at() -> None:
    looked_at = {path.partition("?")[0] for path in PLAIN.values()} | ELSEWHERE | AFTER_ACTS | {"/console/sign-in"}
    looked_at |= {f"/console/cases/X/{part}".partition("?")[0].rstrip("/") for part in OF_A_CASE}
    filled = {"channel": "security-desk", "revision": "1", "handle": "ben"}
    shown = {re.sub(r"{(\w+)}", lambda name: filled.get(name[1], "X"), p.path) for p in PAGES if p.method == "GET"}

    assert shown - looked_at == set()


@pytest.mark.parametrize("name", PLAIN)
def test_it_looks_right(staff: Staff, busy: str, name: str) -> None:
    page = staff.signed_in("ana", *Role)

    page.goto(PLAIN[name])

    assert busy
    assert look(page, name) == []


@pytest.mark.parametrize("part", OF_A_CASE)
def test_a_case_looks_right(staff: Staff, busy: str, part: str) -> None:
    page = staff.signed_in("ana")
    staff.unlock(page, "ana")

    page.goto(f"/console/cases/{busy}/{part}".rstrip("/"))

    assert look(page, f"case-{re.split('[/?]', part)[0]}".rstrip("-")) == []


PARK = """
    update referrals set state = :state, due_at = now() + interval '1 hour', lease_until = null
    where reference = :reference and awaited is null"""
LINK = "insert into flood_links values (:reference, 'FLOOD-0123-4567-89AB', now(), now() + interval '1 hour')"
UNLINK = "delete from flood_links where reference = :reference"


def test_a_flood_looks_right(staff: Staff, everybody: Staff) -> None:
    reference, wrong = everybody.file("other"), []
    with transaction(staff.owner) as connection:
        change(connection, PARK, reference=reference, state="standby")
        change(connection, LINK, reference=reference)
    page = staff.signed_in("ana")

    page.goto("/console/floods")
    for closed in page.locator("summary").all():
        closed.click()
    wrong += look(page, "flood")
    page.goto("/console?parked=1")
    wrong += look(page, "flood-queue")
    page.goto(f"/console/cases/{reference}")
    wrong += look(page, "flood-case")
    with transaction(staff.owner) as connection:
        change(connection, PARK, reference=reference, state="due")
        change(connection, UNLINK, reference=reference)

    assert wrong == []


def test_what_is_refused_looks_right(staff: Staff) -> None:
    page = staff.signed_in("ana", Role.AUDITOR)

    page.goto("/console")

    assert look(page, "refused") == []


def test_a_wrong_passphrase_looks_right(staff: Staff) -> None:
    page = staff.signed_in("ana")

    page.goto("/console/unlock")
    page.get_by_label("Passphrase").fill("wrong")
    page.get_by_role("button", name="Unlock").click()

    assert look(page, "unlock-wrong") == []


def test_the_keys_look_right(staff: Staff) -> None:
    page = staff.signed_in("ana")

    page.goto("/console")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()

    assert look(page, "keys") == []


def test_the_whole_way_in_looks_right(staff: Staff) -> None:
    page, wrong = staff.context().new_page(), []
    staff.add("eve", "security")

    page.goto("/console/sign-in")
    wrong += look(page, "sign-in")
    give_password(page, "eve", "not this one")
    wrong += look(page, "sign-in-wrong")
    give_password(page, "eve", staff.passwords["eve"])
    wrong += look(page, "sign-in-new-password")
    choose_password(page, "a sentence of eve, MARKED-7f3a")
    wrong += look(page, "sign-in-enrol")
    cut = page.locator(".qr svg").evaluate(
        "one => one.getBBox().width > one.clientWidth && !one.getAttribute('viewBox')"
    )
    enrol(page)
    wrong += look(page, "sign-in-recovery-codes")
    page.get_by_role("link", name="I have them").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/console/sign-in")
    give_password(page, "eve", "a sentence of eve, MARKED-7f3a")
    wrong += look(page, "sign-in-code")
    page.get_by_role("link", name="recovery code").click()
    wrong += look(page, "sign-in-recovery")

    assert wrong == []
    assert not cut, "an app cannot read a picture of which a part is missing"
