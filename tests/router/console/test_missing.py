"""What cannot be written out says before anybody approves which fact is missing, for whom, and where to mend it."""

import pytest

from router.bodies.together import joined
from router.catalogue import parse_catalogue
from router.console.pages.destination import BY_HAND, destination
from router.console.pages.missing import missing
from router.model import Referral
from router.vocabulary import Role
from tests.handing import BODIES
from tests.router.console.approvers import POLICE, Border, person
from tests.router.console.deployments import CHANNELS
from tests.router.console.pages import Office

TIPLINE = """\
police:
  kind: cybertipline
  scope: external
  carries: [category, received_at]
  user: env:TIPLINE_USER
  password: env:TIPLINE_PASSWORD
  reporter: {email: safeguarding@example.org}
"""
HOTLINE = "hotline: {kind: hand_over, scope: external, to: hotline, carries: [category, jurisdiction, url]}"
FOLDER = "hotline: {kind: folder, scope: external, path: x, carries: [category, jurisdiction]}"
FOLDER_WITH_URL = FOLDER.replace("jurisdiction]", "jurisdiction, url]")
GIVEN = {"category": "csam_suspected", "jurisdiction": "GB", "url": "https://example.org/MARKED-7f3a"}


@pytest.mark.parametrize(
    ("decided", "given", "label", "why", "correctable"),
    [
        (FOLDER_WITH_URL, {"url": None}, "Address on the Internet", "nobody has said it", False),
        (FOLDER_WITH_URL, {"category": None}, "Category", "nobody has said it", True),
        (
            FOLDER_WITH_URL,
            {"jurisdiction": None},
            "Country",
            "neither the concern, nor its site, nor the policy says",
            True,
        ),
        (FOLDER_WITH_URL, {"jurisdiction": "FI"}, "Country", "the directory of bodies names nobody there", False),
        (FOLDER, {"url": None}, "Address on the Internet", "could not carry it when the case was decided", True),
    ],
)
def test_each_missing_fact_says_who_can_do_something_about_it(
    decided: str, given: dict[str, str | None], label: str, why: str, *, correctable: bool
) -> None:
    now = parse_catalogue(joined(HOTLINE, BODIES)).channels["hotline"]
    before = parse_catalogue(decided).channels["hotline"]
    fields = Referral.model_validate({"reference": "CR-AAAA-BBBB-CCCC", **GIVEN, **given})

    [found] = missing(before, now, fields)

    assert (found.label, found.correctable) == (label, correctable)
    assert why in found.why


def test_a_draft_that_cannot_be_written_out_says_what_is_missing_for_whom_before_anybody_approves(
    office: Office,
) -> None:
    border = Border(office.deployment, office.deployment.console, office.settings.state_dir)
    border.put_in_force(CHANNELS.replace(POLICE, TIPLINE))
    draft = border.file()
    person(office.deployment, "tom")
    case = f"/console/cases/{draft.reference}"

    decided_by = office.sign_in("tom", Role.APPROVER).get(f"/console/approvals/{draft.id}").text
    ana = office.sign_in("ana")
    trail = ana.get(f"{case}/drafts/{draft.id}").text
    on_case = ana.get(case).text

    for page in (decided_by, trail):
        assert "These are missing for CyberTipline (NCMEC), test system, and nobody can approve it without" in page
        assert "<dt>Category</dt>" in page
        assert "they have no kind for what the case says here" in page
        assert "<dt>When it was received</dt>" in page
        assert "could not carry it when the case was decided" in page
        assert "Approve</button>" not in page
    assert "/reroute" not in decided_by
    assert f'href="{case}/reroute"' in trail
    assert "Nothing can go to CyberTipline (NCMEC), test system as it is: Category is missing, When" in on_case


def test_whom_it_is_for_is_said_by_name_though_it_cannot_be_written_out() -> None:
    hotline = parse_catalogue(joined(HOTLINE, BODIES)).channels["hotline"]
    fields = Referral.model_validate({"reference": "CR-AAAA-BBBB-CCCC", **GIVEN, "url": None, "tlp": "TLP:RED"})

    found = destination(hotline, fields, None)

    assert (found.name, found.how) == ("Another hotline", "by its form on the web")
    assert found.why.startswith("What is on the Internet is for a hotline, of GB")
    assert found.body is not None
    assert found.body.verified_on is None
    assert found.marking == "TLP:RED: only the recipients named may see it"
    assert found.follows == BY_HAND


def test_nobody_is_named_where_the_directory_knows_nobody() -> None:
    hotline = parse_catalogue(joined(HOTLINE, BODIES)).channels["hotline"]
    fields = Referral.model_validate({"reference": "CR-AAAA-BBBB-CCCC", **GIVEN, "jurisdiction": "FI"})

    found = destination(hotline, fields, None)

    assert (found.name, found.how, found.body) == ("hotline", "by hand", None)
