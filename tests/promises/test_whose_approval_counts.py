"""Promise 5: who approves is asked each time: nobody twice, nobody who took part in it or lost the right."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from router.console import drafting, progress
from router.console.acting import By
from router.console.conflict import Who, conflict
from router.errors import Forbidden
from router.store import drafts
from router.store.casehead import head
from router.store.drafts import Draft
from router.store.engine import transaction
from router.vocabulary import CaseOutcome
from tests.router.console.approvers import POLICE, Border, person, refused
from tests.router.console.deployments import CHANNELS, CONSOLE
from tests.router.console.rerouting import re_route

RT_OUTSIDE = """\
police:
  {kind: rt, scope: external, readable_by: [security], carries: [category], token: 'env:RT_TOKEN',
  url: 'https://rt.example.org', queue: Q, custom_fields: {reference: Reference id}, closed_here: close}"""


def test_nobody_counts_twice(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")

    assert refused(border, draft, "tom") == "already_approved"
    assert refused(border, draft, " TOM") == "already_approved"
    assert border.send() == {}


def test_who_drafted_it_does_not_approve_it(border: Border) -> None:
    case = border.deployment.file("grave")
    border.deployment.run("update referrals set state = 'recalled' where state = 'draft'")
    person(border.deployment, "sven")
    made = draft_again(border, case.reference, "sven")

    assert [refused(border, made, handle) for handle in ("sven", "Sven ")] == ["drafted_it"] * 2
    border.approve(made, "tom")
    assert border.send() == {}
    border.approve(made, "una")
    assert list(border.send()) == [f"{case.reference}.2.json"]


def draft_again(border: Border, reference: str, handle: str) -> Draft:
    by = By(reference, handle, "")
    with transaction(border.deployment.console) as connection:
        case = head(connection, reference)
        assert case is not None
        to = drafting.way(border.desk, case.policy, "police")
        shown = drafting.preview(connection, case, to, console_url="http://127.0.0.1:8001")
    assert shown.sends is not None
    made = drafting.draft(
        border.desk,
        by,
        channel="police",
        digest=shown.sends.digest,
        reason="asked for by the police",
        console_url="http://127.0.0.1:8001",
    )
    with transaction(border.deployment.console) as connection:
        found = drafts.find(connection, made)
    assert found is not None
    return found


def test_who_corrected_the_facts_that_would_leave_does_not_approve_them(border: Border) -> None:
    person(border.deployment, "ana")
    case = border.deployment.file("other")
    re_route(border.deployment, case, category="grave")
    [made] = border.drafts(case.reference)

    assert refused(border, made, "ana") == "drafted_it"
    drafting.tend(border.desk)
    assert refused(border, made, "ana") == "drafted_it"
    border.approve(made, "tom")
    assert border.approve(made, "una").approved_by == ("tom", "una")
    assert list(border.send()) == [f"{case.reference}.1.json"]


def test_who_found_a_conflict_does_not_approve_the_recall(border: Border) -> None:
    person(border.deployment, "ana")
    draft = border.file()
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    border.send()
    deployment = border.deployment
    conflict(
        deployment.console,
        reference=draft.reference,
        team="security",
        who=Who("ana", deployment.passphrases["ana"], recovery=False),
        reason="a member is named",
        console_url=CONSOLE,
    )
    [recall] = [one for one in border.drafts(draft.reference) if one.open]

    assert (recall.drafted_by, recall.reason) == ("person:ana", "a member is named")
    assert refused(border, recall, "ana") == "drafted_it"


def test_who_closes_a_case_does_not_approve_that_the_police_are_told(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    border.send()
    border.put_in_force(CHANNELS.replace(POLICE, RT_OUTSIDE))
    console, reference = border.deployment.console, draft.reference
    progress.claim(console, reference=reference, handle="ana", login="", lasts_s=900)
    progress.close(console, reference=reference, handle="ana", login="", outcome=CaseOutcome.UNFOUNDED, told=False)

    [note] = [one for one in border.drafts(draft.reference) if one.open]
    assert note.drafted_by == "person:ana"
    person(border.deployment, "ana")
    assert refused(border, note, "ana") == "drafted_it"


@pytest.mark.parametrize(
    ("handle", "arranged", "code"),
    [
        ("rita", "", "role_missing"),
        ("tom", "update people set disabled_at = now() where handle = 'tom'", "disabled_person"),
        ("tom", "insert into recusals (reference, handle) select reference, 'tom' from cases", "recused"),
        ("nobody", "", "unknown_person"),
        ("lena", "", "in_conflict"),
        ("una", "", "person_named"),
    ],
)
def test_who_is_involved_or_may_not_has_no_say(border: Border, handle: str, arranged: str, code: str) -> None:
    person(border.deployment, "rita", role="reviewer")
    person(border.deployment, "lena")
    draft = border.file(involves=["legal"], subject_handle="CORP\\Una")
    if arranged:
        border.deployment.run(arranged)

    assert refused(border, draft, handle) == code
    with pytest.raises(Forbidden, match=code):
        border.refuse(draft, handle)

    assert border.state_of(draft)[0] == "draft"
    assert border.deployment.rows("select * from approvals") == []


def test_somebody_whose_team_is_found_in_conflict_counts_no_more(border: Border) -> None:
    person(border.deployment, "lena")
    draft = border.file()
    border.approve(draft, "lena")
    border.deployment.run(
        "insert into case_conflicts (reference, team, found_by) values (:r, 'legal', 'person:ana')", r=draft.reference
    )

    assert not border.approve(draft, "tom").released
    assert border.send() == {}
    assert border.approve(draft, "vera").approved_by == ("tom", "vera")


@pytest.mark.parametrize(
    "lost",
    [
        "delete from people_roles where handle = 'tom'",
        "update people set disabled_at = now() where handle = 'tom'",
        "insert into recusals (reference, handle) select reference, 'tom' from cases",
    ],
)
def test_who_lost_the_right_meanwhile_counts_no_more(border: Border, lost: str) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.deployment.run(lost)

    assert not border.approve(draft, "una").released
    assert border.send() == {}


def test_of_many_at_once_each_counts_once_and_it_leaves_once(border: Border) -> None:
    draft = border.file()
    people = [f"p{n}" for n in range(8)]
    person(border.deployment, *people)
    digest, gate = border.digest(draft), Barrier(8)

    def attempt(handle: str) -> str:
        gate.wait()
        try:
            return "released" if border.approve(draft, handle, digest=digest).released else "approved"
        except Forbidden as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        ended = sorted(pool.map(attempt, people))

    assert ended == ["approved", *["draft_approved"] * 6, "released"]
    assert len(border.deployment.rows("select * from approvals")) == 2
    assert list(border.send()) == [f"{draft.reference}.1.json"]


def test_one_person_in_many_windows_counts_once(border: Border) -> None:
    draft = border.file()
    digest = border.digest(draft)

    def attempt(_n: int) -> str:
        try:
            return str(border.approve(draft, "tom", digest=digest).released)
        except Forbidden as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        ended = sorted(pool.map(attempt, range(6)))

    assert ended == ["False", *["already_approved"] * 5]
    assert border.send() == {}
