"""What cannot be written out says before anybody approves which fact is missing, for whom, and where to mend it."""

from router.vocabulary import Role
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
        assert "These are missing for police, and nobody can approve it without" in page
        assert "<dt>Category</dt>" in page
        assert "they have no kind for what the case says here" in page
        assert "<dt>When it was received</dt>" in page
        assert "could not carry it when the case was decided" in page
        assert "Approve</button>" not in page
    assert "/reroute" not in decided_by
    assert f'href="{case}/reroute"' in trail
    assert "Nothing can be sent to police as it is: Category is missing, When it was received is missing" in on_case
