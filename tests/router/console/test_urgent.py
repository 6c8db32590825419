"""Whoever looks at a case of somebody in danger reads first that the emergency number comes first, and which one."""

import pytest

from router.console.emergency import Emergency
from router.console.pages.urgent import numbers
from router.vocabulary import Role
from tests.router.console.approvers import Border, person
from tests.router.console.pages import Office

SWEDEN, STATES = Emergency("SE", "Sweden", "112"), Emergency("US", "United States", "911")


@pytest.mark.parametrize(
    ("region", "expected"),
    [("SE", (SWEDEN,)), ("US-TX", (STATES,)), ("GB", (SWEDEN, STATES)), (None, (SWEDEN, STATES))],
)
def test_the_number_is_that_of_the_concerns_country_or_all_are_shown(
    region: str | None, expected: tuple[Emergency, ...]
) -> None:
    assert numbers([SWEDEN, STATES], region) == expected


def test_every_page_of_a_case_of_danger_says_it_first_and_no_other_page_does(office: Office) -> None:
    at = Border(office.deployment, office.deployment.console, office.settings.state_dir)
    draft = at.file(urgency=["child_in_immediate_danger"], country="SE")
    calm = at.file(urgency=["ongoing"])
    person(office.deployment, "tom")
    sven, tom = office.sign_in("sven", Role.REVIEWER), office.sign_in("tom", Role.APPROVER)

    pages = [
        sven.get(f"/console/cases/{draft.reference}").text,
        sven.get(f"/console/cases/{office.deployment.file('other', urgency=['live_now']).reference}").text,
        tom.get(f"/console/approvals/{draft.id}").text,
    ]
    quiet = [sven.get(f"/console/cases/{calm.reference}").text, tom.get(f"/console/approvals/{calm.id}").text]

    for page in pages:
        assert "Somebody may be in danger now: call the emergency number first" in page
        assert '<a href="tel:112"><strong>112</strong></a> in Sweden' in page
        assert page.index("emergency number first") < page.index("<form", page.index("<h1"))
    assert "Finland" not in pages[0]
    assert not any("emergency number first" in page for page in quiet)


def test_a_draft_about_to_be_made_for_somebody_in_danger_says_it_too(office: Office) -> None:
    reference = office.deployment.file("other", urgency=["danger_to_life"]).reference
    sven = office.sign_in("sven", Role.REVIEWER)

    page = sven.get(f"/console/cases/{reference}/draft", channel="police").text

    assert "call the emergency number first" in page
    assert "it goes to is no emergency line" in page
