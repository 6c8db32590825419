"""The pages on drafts: what would leave is shown byte for byte, to those who have a say about it and nobody else."""

import re
from html import unescape

import pytest

from router.console import approving, drafting
from router.store.engine import transaction
from router.vocabulary import Role
from tests.router.console.approvers import POLICE, Border, person
from tests.router.console.deployments import CHANNELS
from tests.router.console.pages import Browser, Office, main

WHY = "seen and compared"


def border(office: Office) -> Border:
    """Return the border of the office; nothing is sent in these tests."""
    return Border(office.deployment, office.deployment.console, office.settings.state_dir)


def approver(office: Office, handle: str) -> Browser:
    person(office.deployment, handle)
    return office.sign_in(handle, Role.APPROVER)


def shown_bytes(page: str) -> str:
    [found] = re.findall(r'<pre class="bytes"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return unescape(str(found))


def digest_in(page: str) -> str:
    found = set(re.findall(r'name="digest" value="([0-9a-f]{64})"', page))
    assert len(found) == 1
    return str(found.pop())


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="([0-9.]+)"', page)
    assert found
    return found[1]


def said(browser: Browser, draft: str, verb: str = "approve", **more: str) -> tuple[int, str]:
    page = browser.get(f"/console/approvals/{draft}").text
    fields = {"digest": digest_in(page), "reason": WHY, **more}
    answer = browser.post(f"/console/approvals/{draft}/{verb}", fields)
    return answer.status_code, answer.headers.get("location", answer.text)


def test_what_is_approved_is_shown_byte_for_byte_and_the_last_approval_sends_it(office: Office) -> None:
    draft = border(office).file()
    found = approving.look(border(office).desk, draft.id)
    assert found is not None
    assert found.sends is not None
    tom, una = approver(office, "tom"), approver(office, "una")
    listed = tom.get("/console/approvals").text
    page = tom.get(f"/console/approvals/{draft.id}").text

    assert f"/console/approvals/{draft.id}" in listed
    assert shown_bytes(page) == found.sends.payload.body.decode()
    assert {digest_in(page)} == {found.sends.digest}
    assert said(tom, draft.id)[1].endswith("said=draft_approved")
    assert border(office).state_of(draft)[0] == "draft"
    assert said(una, draft.id)[1].endswith("said=draft_released")
    assert border(office).state_of(draft) == ("due", None, "approved")
    trail = tom.get(f"/console/approvals/{draft.id}", print="1").text
    assert all(word in trail for word in ("Printed by tom", "una", WHY, "to be sent"))
    assert "Approve</button>" not in trail
    assert [line[:2] for line in office.audit() if line[1].startswith("draft")] == [
        *[("person:tom", "drafts_listed"), ("person:tom", "draft_shown"), ("person:tom", "draft_shown")],
        *[("person:tom", "draft_approved"), ("person:una", "draft_shown"), ("person:una", "draft_approved")],
        *[("person:una", "draft_released"), ("person:tom", "draft_shown")],
    ]


def test_what_left_can_be_taken_out_by_who_works_on_the_case_and_no_draft_can(office: Office) -> None:
    draft = border(office).file()
    sven, lena = office.sign_in("sven", Role.REVIEWER), office.sign_in("lena", Role.REVIEWER)
    trail = f"/console/cases/{draft.reference}/drafts/{draft.id}"
    early = sven.get(f"{trail}/export")
    for handle in ("tom", "una"):
        person(office.deployment, handle)
        border(office).approve(draft, handle)

    left = sven.get(f"{trail}/export")

    assert f"{trail}/export" in sven.get(trail).text
    assert early.status_code == 409
    assert "Nobody let this leave" in early.text, main(early.text)
    assert left.headers["content-disposition"] == f'attachment; filename="{draft.reference}.1.json"'
    marked = {"schema": "concern-router/referral/1", "tlp": "TLP:AMBER+STRICT"}
    assert left.json() == {**marked, "reference": draft.reference, "revision": 1, "category": "grave"}
    assert lena.get(f"{trail}/export").status_code == 403
    assert [line for line in office.audit() if line[1] == "referral_exported"] == [
        ("person:sven", "referral_exported", draft.reference, "refused_nothing_left", ""),
        ("person:sven", "referral_exported", draft.reference, "ok", "police:1"),
        ("person:lena", "referral_exported", draft.reference, "refused_not_a_member", ""),
    ]


def test_who_has_no_say_sees_nothing_of_it(office: Office) -> None:
    draft = border(office).file(involves=["legal"], subject_handle="una")
    for handle, code in (("lena", "in_conflict"), ("una", "person_named")):
        browser = approver(office, handle)

        assert draft.id not in browser.get("/console/approvals").text
        nothing = browser.get(f"/console/approvals/{'0' * 32}")
        answer = browser.get(f"/console/approvals/{draft.id}")
        assert (answer.status_code, main(answer.text)) == (404, main(nothing.text))
        refused = (f"person:{handle}", "draft_shown", draft.reference, f"refused_{code}", "")
        assert refused in office.audit()
        for verb in ("approve", "refuse"):
            given = {"digest": border(office).digest(draft), "reason": WHY}
            answer = browser.post(f"/console/approvals/{draft.id}/{verb}", given)
            assert (answer.status_code, main(answer.text)) == (404, main(nothing.text))
    assert office.deployment.rows("select * from approvals") == []


def test_a_changed_draft_is_shown_anew_with_what_was_typed(office: Office) -> None:
    draft = border(office).file()
    tom = approver(office, "tom")
    before = digest_in(tom.get(f"/console/approvals/{draft.id}").text)
    border(office).put_in_force(CHANNELS.replace("path: d", "path: elsewhere"))

    answer = tom.post(f"/console/approvals/{draft.id}/approve", digest=before, reason="typed before")

    assert answer.status_code == 409
    assert 'value="typed before"' in answer.text
    assert "elsewhere" in answer.text
    assert digest_in(answer.text) != before
    assert office.deployment.rows("select * from approvals") == []


@pytest.mark.parametrize("verb", ["approve", "refuse"])
@pytest.mark.parametrize("reason", ["", "x", "a" * 201, "two\nlines"])
def test_each_verdict_needs_a_reason_and_the_field_is_named(office: Office, verb: str, reason: str) -> None:
    draft = border(office).file()
    tom = approver(office, "tom")
    status, page = said(tom, draft.id, verb, reason=reason)

    assert status == 422
    assert re.search(rf'id="{verb}-reason" name="reason"[^>]*aria-invalid="true"', page)
    assert page.count('aria-invalid="true"') == 1
    assert border(office).state_of(draft)[2] is None


def test_a_refusal_ends_the_draft_for_everybody(office: Office) -> None:
    draft = border(office).file()
    tom, una = approver(office, "tom"), approver(office, "una")
    digest = digest_in(una.get(f"/console/approvals/{draft.id}").text)
    assert said(tom, draft.id, "refuse")[1].endswith("said=draft_refused")

    answer = una.post(f"/console/approvals/{draft.id}/approve", digest=digest, reason=WHY)

    assert answer.status_code == 409
    assert "Somebody refused this draft" in answer.text
    assert draft.id not in una.get("/console/approvals").text


@pytest.mark.parametrize("made_up", ["0" * 32, "x", "%00", "..%2fcases", "'--", "a" * 400])
def test_a_made_up_draft_is_unknown(office: Office, made_up: str) -> None:
    tom = approver(office, "tom")

    assert tom.get(f"/console/approvals/{made_up}").status_code == 404
    # An address of no page at all takes no form.
    assert tom.post(f"/console/approvals/{made_up}/approve", digest="x", reason=WHY).status_code in {404, 405}
    assert tom.get("/console/approvals", after=made_up).status_code == 200


def test_the_list_goes_on_where_it_stopped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.console.pages.approvals.ON_PAGE", 2)
    made = [border(office).file().id for _ in range(3)]
    tom = approver(office, "tom")
    first = tom.get("/console/approvals").text
    [after] = re.findall(r"after=([0-9a-f]{32})", first)

    assert [draft in first for draft in made] == [True, True, False]
    assert [draft in tom.get("/console/approvals", after=after).text for draft in made] == [False, False, True]


def test_a_reviewer_drafts_what_they_saw_and_takes_it_back(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    sven = office.sign_in("sven")
    case = sven.get(f"/console/cases/{reference}").text
    assert 'value="police"' in case
    preview = sven.get(f"/console/cases/{reference}/draft", channel="police").text
    assert f'"reference": "{reference}"' in shown_bytes(preview)
    assert '"category": "fraud"' in shown_bytes(preview)

    made = sven.post(
        f"/console/cases/{reference}/draft",
        channel="police",
        digest=digest_in(preview),
        reason="they asked for it",
        version=version_in(preview),
    )

    assert made.headers["location"].endswith("said=draft_made#outside")
    [draft] = border(office).drafts(reference)
    assert (draft.state, draft.drafted_by, draft.reason) == ("draft", "person:sven", "they asked for it")
    assert "they asked for it" in approver(office, "tom").get(f"/console/approvals/{draft.id}").text
    page = sven.get(f"/console/cases/{reference}").text
    taken = sven.post(
        f"/console/cases/{reference}/withdraw-draft",
        referral=draft.id,
        reason="not needed any more",
        version=version_in(page),
    )
    assert taken.headers["location"].endswith("said=draft_withdrawn#outside")
    assert border(office).state_of(draft) == ("recalled", "withdrawn", "withdrawn")


@pytest.mark.parametrize(
    ("channel", "arranged"),
    [
        ("security-desk", ""),
        ("nowhere", ""),
        ("", ""),
        ("police", "update cases set state = 'closed'"),
        (
            "police",
            "insert into case_conflicts (reference, team, found_by) select reference, 'security', 'x' from cases",
        ),
    ],
)
def test_nothing_is_drafted_for_whom_it_must_not_go_to(office: Office, channel: str, arranged: str) -> None:
    reference = office.deployment.file("fraud").reference
    sven = office.sign_in("sven")
    if arranged:
        office.deployment.run(arranged)
    preview = sven.get(f"/console/cases/{reference}/draft", channel=channel)
    version = version_in(sven.get(f"/console/cases/{reference}").text)
    made = sven.post(f"/console/cases/{reference}/draft", channel=channel, digest="0" * 64, reason=WHY, version=version)

    assert (preview.status_code, made.status_code >= 400) == (409, True)
    assert border(office).drafts(reference) == []
    assert next(line[3] for line in office.audit() if line[1] == "draft_made").startswith("refused_")


def test_two_who_draft_at_once_make_one(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    sven, lena = office.sign_in("sven"), office.sign_in("lena")
    pages = [one.get(f"/console/cases/{reference}/draft", channel="police").text for one in (sven, lena)]
    answers = [
        one.post(
            f"/console/cases/{reference}/draft",
            channel="police",
            digest=digest_in(page),
            reason=WHY,
            version=version_in(page),
        ).status_code
        for one, page in zip((sven, lena), pages, strict=True)
    ]

    assert answers[0] == 303
    assert answers[1] in {409, 422}
    assert len(border(office).drafts(reference)) == 1


def test_a_draft_of_a_colleague_and_one_of_another_case_are_not_taken_back(office: Office) -> None:
    draft = border(office).file()
    other = office.deployment.file("fraud").reference
    # The chore may have made the row already.
    office.deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at) values (:id, 'person:ana', 'x', 2, now()"
        " + interval '1 day') on conflict (referral) do update set drafted_by = excluded.drafted_by",
        id=draft.id,
    )
    sven = office.sign_in("sven")
    for reference in (draft.reference, other):
        version = version_in(sven.get(f"/console/cases/{reference}").text)
        answer = sven.post(f"/console/cases/{reference}/withdraw-draft", referral=draft.id, reason=WHY, version=version)

        assert answer.status_code in {409, 422}
    codes = [line[2:4] for line in office.audit() if line[1] == "draft_withdrawn"]
    assert codes == [(draft.reference, "refused_not_the_drafter"), (other, "refused_unknown_draft")]
    assert border(office).state_of(draft)[0] == "draft"


def test_the_paper_trail_opens_to_the_case_s_reviewers_and_by_its_own_case_alone(office: Office) -> None:
    draft = border(office).file()
    other = office.deployment.file("fraud").reference
    sven, lena = office.sign_in("sven"), office.sign_in("lena")

    assert sven.get(f"/console/cases/{draft.reference}/drafts/{draft.id}").status_code == 200
    assert sven.get(f"/console/cases/{other}/drafts/{draft.id}").status_code == 404
    assert lena.get(f"/console/cases/{draft.reference}/drafts/{draft.id}").status_code == 403
    assert lena.get(f"/console/cases/{other}/drafts/{draft.id}").status_code == 404


def test_an_ended_draft_shows_the_bytes_that_were_approved(office: Office) -> None:
    draft = border(office).file()
    for handle in ("tom", "una"):
        person(office.deployment, handle)
        border(office).approve(draft, handle)
    before = shown_bytes(office.sign_in("sven").get(f"/console/cases/{draft.reference}/drafts/{draft.id}").text)
    border(office).put_in_force(CHANNELS.replace(POLICE, POLICE.replace("[category]", "[]")))

    after = office.sign_in("sven").get(f"/console/cases/{draft.reference}/drafts/{draft.id}").text

    assert shown_bytes(after) == before
    assert "grave" in before


def test_nothing_of_a_draft_is_markup(office: Office) -> None:
    """Reasons are the one free text in it: they show as they were typed."""
    draft = border(office).file()
    tom, una = approver(office, "tom"), approver(office, "una")
    said(tom, draft.id, reason='<b>MARKED-7f3a</b>"')

    page = una.get(f"/console/approvals/{draft.id}").text

    assert "&lt;b&gt;MARKED-7f3a&lt;/b&gt;&#34;" in page
    assert "<b>MARKED" not in page


def test_the_policy_s_drafts_get_their_time_and_end(office: Office) -> None:
    draft = border(office).file()

    drafting.tend(border(office).desk)
    with transaction(office.deployment.console) as connection:
        [[days]] = [tuple(row) for row in connection.exec_driver_sql("select expires_at - drafted_at from drafts")]
    assert days.days == 14
    office.deployment.run("update drafts set expires_at = now()")
    drafting.tend(border(office).desk)

    assert border(office).state_of(draft) == ("recalled", "expired", "expired")
