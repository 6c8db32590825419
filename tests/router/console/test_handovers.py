"""What a person hands over outside: shown as it was approved to who may see its case, and sent when they record it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from router import clock
from router.bodies.together import joined
from router.console import handing
from router.store import retries
from router.store.drafts import Draft
from router.store.engine import transaction
from router.vocabulary import Role
from tests.conftest import Database
from tests.handing import BODIES, CHANNELS_IN_HAND
from tests.router.console.approvers import Border, a_border
from tests.router.console.deployments import Deployment
from tests.router.console.pages import Browser, Office

FACTS = {"country": "SE", "where_found": "removable_usb", "asset_tag": "MARKED-7f3a", "noticed_how": "helpdesk_repair"}
DANGER = {"urgency": ["child_in_immediate_danger"]}


@pytest.fixture
def border(database: Database, tmp_path: Path) -> Iterator[Border]:
    with a_border(database, tmp_path, channels=joined(CHANNELS_IN_HAND, BODIES)) as made:
        yield made


@pytest.fixture
def deployment(border: Border) -> Deployment:
    """What the fixture `office` is the console of."""
    return border.deployment


def in_hand(border: Border, **facts: object) -> Draft:
    """Return what two people approved and a worker laid before a person."""
    draft = border.file(**{**FACTS, **facts})
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    border.send()
    return draft


def recorded(browser: Browser, draft: Draft, **more: str) -> tuple[int, str]:
    now = clock.now()
    typed = {
        "body": "se-police",
        "desk": "Stockholm City",
        "external_reference": "K-12/26",
        "date": f"{now:%Y-%m-%d}",
        "time": f"{now:%H:%M:%S}",
        "zone": "+00:00",
    }
    answer = browser.post(f"/console/handovers/{draft.id}", {**typed, **more})
    return answer.status_code, answer.headers.get("location", answer.text)


def rows_on(page: str) -> dict[str, str]:
    return dict(re.findall(r'<pre class="value" id="value-([a-z_]+)"[^>]*>(.*?)</pre>', page, re.DOTALL))


def test_a_reviewer_sees_the_sheet_hands_it_over_and_records_that(border: Border, office: Office) -> None:
    draft = in_hand(border, **DANGER)
    sven = office.sign_in("sven", Role.REVIEWER)
    listed = sven.get("/console/handovers").text
    page = sven.get(f"/console/handovers/{draft.id}").text

    assert f"/console/handovers/{draft.id}" in listed
    assert rows_on(page)["where_found"] == "Ett USB-minne"
    assert rows_on(page)["asset_tag"] == "MARKED-7f3a"
    assert "A USB stick" in page
    assert "Somebody may be in danger now" in page
    assert "114 14" in page
    assert border.state_of(draft)[0] == "in_hand"

    assert recorded(sven, draft)[1].endswith("said=handover_recorded")

    assert border.state_of(draft) == ("sent", "handed_over", "approved")
    assert border.deployment.rows("select remote_id, proof from referrals where id = :id", id=draft.id) == [
        ("K-12/26", "accepted")
    ]
    assert border.deployment.rows("select attempt, outcome, remote_id from attempts order by id") == [
        (1, "in_hand", None),
        (1, "handed_over", "K-12/26"),
    ]
    kept = "select part from preserved where referral = :id order by part"
    assert border.deployment.rows(kept, id=draft.id) == [("document",), ("receipt",)]
    assert "K-12/26" in sven.get("/console/handovers").text
    assert "Record it" not in sven.get(f"/console/handovers/{draft.id}").text
    assert recorded(sven, draft)[0] == 409
    said = [line for line in office.audit() if line[1].startswith("handover")]
    assert [(line[0], line[1], line[3]) for line in said if line[1] == "handover_recorded"] == [
        ("person:sven", "handover_recorded", "ok"),
        ("person:sven", "handover_recorded", "refused_handover_recorded"),
    ]
    assert not [line for line in office.audit() if "MARKED" in str(line) or "K-12/26" in str(line)]


def test_who_may_not_see_the_case_learns_nothing_of_what_is_handed_over(border: Border, office: Office) -> None:
    draft = in_hand(border)
    lena = office.sign_in("lena", Role.REVIEWER)
    listed, page = lena.get("/console/handovers").text, lena.get(f"/console/handovers/{draft.id}")
    status, told = recorded(lena, draft)

    assert draft.id not in listed
    assert (page.status_code, status) == (404, 404)
    assert all("MARKED-7f3a" not in text and draft.reference not in text for text in (listed, page.text, told))
    assert border.state_of(draft)[0] == "in_hand"
    refused = [line[3] for line in office.audit() if line[0] == "person:lena" and line[1].startswith("handover_")]
    assert refused == ["refused_not_a_member", "refused_not_a_member"]


WRONG = (
    ("body", "gb-hotline", "Choose one of the bodies"),
    ("external_reference", "K-12 <b>", "A reference has"),
    ("desk", "x" * 81, "A desk or station"),
    ("date", "2026-02-30", "Give the day"),
    ("zone", "+00:30", "Give the day"),
    ("date", f"{clock.now() + timedelta(days=2):%Y-%m-%d}", "still to come"),
    ("date", "2020-01-01", "before the concern came in"),
)


def test_what_is_mistyped_is_said_beside_its_field_and_nothing_is_recorded(border: Border, office: Office) -> None:
    draft = in_hand(border)
    sven = office.sign_in("sven", Role.REVIEWER)
    answers = [(field, said, *recorded(sven, draft, **{field: typed})) for field, typed, said in WRONG]

    for field, said, status, page in answers:
        assert (status, said in page, 'aria-invalid="true"' in page) == (422, True, True), field
        assert 'value="K-12/26"' in page or field == "external_reference"
    assert border.state_of(draft)[0] == "in_hand"


def test_what_was_withdrawn_says_so_and_what_had_left_before_is_recorded_all_the_same(
    border: Border, office: Office
) -> None:
    draft = in_hand(border)
    with transaction(border.deployment.console) as connection:
        retries.give_up(connection, draft.reference, "police")
    sven = office.sign_in("sven", Role.REVIEWER)
    page = sven.get(f"/console/handovers/{draft.id}").text

    assert draft.id not in sven.get("/console/handovers").text
    assert "Do not hand it over any more" in page
    assert "Step by step" not in page
    assert recorded(sven, draft)[0] == 303
    assert border.state_of(draft)[0] == "sent"
    [detail] = [line[4] for line in office.audit() if line[1] == "handover_recorded"]
    assert detail == "police:1 se-police withdrawn_before"


def test_whoever_is_on_duty_is_told_at_once_and_again_until_it_is_recorded(border: Border) -> None:
    draft = in_hand(border)
    rung: list[str] = []
    handing.tend(border.desk, rung.extend)
    handing.tend(border.desk, rung.extend)
    assert rung == ["ombuds-desk"]

    # A critical case: half an hour, not four.
    border.deployment.run("update handovers set in_hand_at = in_hand_at - interval '31 min'")
    border.deployment.run(
        "update referrals set first_due_at = first_due_at - interval '31 min' where notice is not null"
    )
    handing.tend(border.desk, rung.extend)

    notices = "select channel, notice, about, case_reference from referrals where notice = 'hand_over_waits'"
    assert border.deployment.rows(notices) == [("ombuds-desk", "hand_over_waits", "police", None)] * 2
    border.deployment.run("update referrals set state = 'sent', settled_at = now() where id = :id", id=draft.id)
    border.deployment.run("update referrals set first_due_at = first_due_at - interval '5 h' where notice is not null")
    handing.tend(border.desk, rung.extend)
    assert len(rung) == 2
