"""Each page in each state: nothing that axe finds wrong, nothing that scrolls sideways, and a picture of it."""

import pytest

from router.vocabulary import Role
from tests.browser.looks import look
from tests.browser.staff import Staff

pytestmark = pytest.mark.browser


def test_the_queue_looks_right(staff: Staff) -> None:
    for category in ("fraud", "csam_suspected", "security_incident", "other"):
        staff.file(category)
    page = staff.signed_in("ana")

    page.goto("/console")

    assert look(page, "queue") == []


def test_what_is_refused_looks_right(staff: Staff) -> None:
    page = staff.signed_in("ana", Role.AUDITOR)

    page.goto("/console")

    assert look(page, "refused") == []


def test_unlocking_looks_right(staff: Staff) -> None:
    page = staff.signed_in("ana")

    page.goto("/console/unlock")
    asked = look(page, "unlock")
    page.get_by_label("Passphrase").fill("wrong")
    page.get_by_role("button", name="Unlock").click()

    assert asked + look(page, "unlock-wrong") == []


@pytest.mark.parametrize("path", ["report", "follow-up"])
def test_the_reporters_pages_look_right(staff: Staff, path: str) -> None:
    page = staff.context().new_page()

    page.goto(f"{staff.product.url}/{path}")

    assert look(page, f"public-{path.replace('/', '-')}") == []
