"""A case goes to others by the console's pages: foreseen first, done with a reason, by whoever may."""

import re
from typing import Any

import httpx2
import pytest

from router.console import progress
from router.model import NewCase
from router.store import policies
from router.store.engine import transaction
from router.triage.policy import parse_policy
from tests.router.console.deployments import POLICY, WRITTEN
from tests.router.console.pages import Browser, Office

MARKED = '"><b>MARKED-7f3a</b>'
REASON = "it is about money after all"
FORM = {"noticed_how": "told_by_someone"}


def ready(office: Office, handle: str = "ana") -> Browser:
    browser = office.sign_in(handle)
    office.unlock(browser, handle)
    return browser


def address(case: NewCase, page: str = "reroute") -> str:
    return f"/console/cases/{case.reference}/{page}"


def version(answer: httpx2.Response) -> str:
    found = re.search(r'name="version" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


def send(browser: Browser, case: NewCase, page: str = "reroute", **fields: Any) -> httpx2.Response:
    """Fill in the form as it is shown now."""
    shown = browser.get(address(case, page))
    return browser.post(address(case, page), {"version": version(shown), **fields})


def routes(office: Office) -> list[tuple[str, str]]:
    return office.deployment.rows("select route, category from cases order by reference")


def test_what_is_shown_first_changes_nothing(office: Office) -> None:
    case = office.deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        office.deployment.sent(case.reference, desk)
    before = office.deployment.rows("select id, state, outcome from referrals order by id")
    answer = send(ready(office), case, **FORM, category="other")

    assert answer.status_code == 200
    for words in (
        "This would happen",
        "by the route <strong>rest</strong>",
        "<dt>Loses it</dt><dd>legal",
        "Told to forget it",
        "&#34;notice&#34;: &#34;recalled&#34;",
        "&#34;notice&#34;: &#34;corrected&#34;",
        "corrected: Category",
    ):
        assert words in answer.text, words
    assert routes(office) == [("fraud", "fraud")]
    assert office.deployment.rows("select id, state, outcome from referrals order by id") == before


def test_a_reason_later_it_is_done(office: Office) -> None:
    case, rung = office.deployment.file("fraud"), len(office.audit())
    browser = ready(office)
    preview = send(browser, case, **FORM, category="other")
    done = browser.post(
        address(case), {"version": version(preview), **FORM, "category": "other", "step": "do", "reason": REASON}
    )
    page = browser.follow(done)

    assert done.headers["location"] == f"/console/cases/{case.reference}?said=case_rerouted"
    assert page.status_code == 200
    assert "Until " in page.text
    assert routes(office) == [("rest", "other")]
    assert any(line[1] == "case_rerouted" and line[4].endswith(REASON) for line in office.audit()[rung:])
    assert office.deployment.open(case.reference, "sven") == WRITTEN


def test_whoever_gave_it_away_is_led_to_the_queue(office: Office) -> None:
    case = office.deployment.file("fraud")
    browser = ready(office, "lena")
    preview = send(browser, case, **FORM, category="other")
    done = browser.post(
        address(case), {"version": version(preview), **FORM, "category": "other", "step": "do", "reason": REASON}
    )

    assert "you could not open this case again" in preview.text
    assert done.headers["location"] == "/console?said=case_rerouted_away"
    assert browser.get(f"/console/cases/{case.reference}").status_code == 403


@pytest.mark.parametrize("page", ["reroute", "conflict"])
def test_who_has_not_unlocked_does_that_first_and_comes_back(office: Office, page: str) -> None:
    case = office.deployment.file("fraud")
    browser = office.sign_in("ana")
    shown, sent = browser.get(address(case, page)), browser.post(address(case, page), {"step": "do"})

    for answer in (shown, sent):
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/console/unlock?next=%2Fconsole%2Fcases%2F{case.reference}%2F{page}"


@pytest.mark.parametrize("page", ["reroute", "conflict"])
@pytest.mark.parametrize("step", ["", "do"])
def test_a_case_of_others_is_not_theirs_to_give(office: Office, page: str, step: str) -> None:
    case = office.deployment.file("other")
    browser = ready(office, "lena")
    shown = browser.get(address(case, page))
    sent = browser.post(
        address(case, page),
        {"step": step, "version": "1", "reason": REASON} | ({**FORM, "category": "fraud"} if page == "reroute" else {}),
    )

    assert (shown.status_code, sent.status_code) == (403, 403)
    assert routes(office) == [("rest", "other")]
    assert office.audit()[-1][3] == "refused_not_a_member"


@pytest.mark.parametrize("page", ["reroute", "conflict"])
def test_what_is_no_case_is_not_found(office: Office, page: str) -> None:
    browser = ready(office)

    for reference in ("CR-0000-0000-0000", MARKED):
        answer = browser.get(f"/console/cases/{reference}/{page}")
        assert answer.status_code == 404
        assert "<b>MARKED" not in answer.text
    assert "MARKED" not in str(office.audit())


@pytest.mark.parametrize("step", ["", "do"])
def test_an_outdated_page_changes_nothing_says_what_happened_and_keeps_what_was_chosen(
    office: Office, step: str
) -> None:
    case = office.deployment.file("fraud")
    browser = ready(office)
    shown = version(browser.get(address(case)))
    progress.claim(office.deployment.console, reference=case.reference, handle="ana", login="login:x")
    answer = browser.post(
        address(case), {"version": shown, **FORM, "category": "other", "step": step, "reason": REASON}
    )

    assert answer.status_code == 409
    assert "claimed the case" in answer.text
    assert re.search(r'value="other" selected', answer.text)
    assert version(answer) != shown
    assert routes(office) == [("fraud", "fraud")]


def test_who_has_it_claimed_is_named_and_not_overruled(office: Office) -> None:
    case = office.deployment.file("fraud")
    progress.claim(office.deployment.console, reference=case.reference, handle="lena", login="login:x")
    answer = send(ready(office), case, **FORM, category="other", step="do", reason=REASON)

    assert answer.status_code == 409
    assert "lena has this case" in answer.text
    assert routes(office) == [("fraud", "fraud")]


@pytest.mark.parametrize("reason", ["", "no", "two\nlines of it", "x" * 201])
def test_without_a_reason_it_is_foreseen_again_and_not_done(office: Office, reason: str) -> None:
    case = office.deployment.file("fraud")
    answer = send(ready(office), case, **FORM, category="other", step="do", reason=reason)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "This would happen" in answer.text
    assert routes(office) == [("fraud", "fraud")]


@pytest.mark.parametrize(
    "wrong",
    [{"category": MARKED}, {"category": "other", "site": MARKED}, {"category": "other", "subject_handle": MARKED}],
)
@pytest.mark.parametrize("step", ["", "do"])
def test_a_wrong_value_names_its_field_and_changes_nothing(office: Office, wrong: dict[str, str], step: str) -> None:
    case = office.deployment.file("fraud")
    answer = send(ready(office), case, **FORM, **wrong, step=step, reason=REASON)

    assert answer.status_code == 422
    assert f'id="{list(wrong)[-1]}-mistake"' in answer.text
    assert "<b>MARKED" not in answer.text
    assert routes(office) == [("fraud", "fraud")]
    assert "MARKED" not in str(office.audit())


def test_nothing_different_is_nothing_to_do(office: Office) -> None:
    case = office.deployment.file("fraud")
    answer = send(ready(office), case, **FORM, category="fraud")

    assert answer.status_code == 422
    assert "Nothing is different" in answer.text


def test_what_the_form_does_not_ask_for_is_refused_as_a_whole(office: Office) -> None:
    case = office.deployment.file("fraud")
    for name in ("asset_tag", "policy", "severity", "reference"):
        answer = send(ready(office), case, **FORM, category="other", step="do", reason=REASON, **{name: "x"})
        assert "a field that this page does not ask for" in answer.text
    assert routes(office) == [("fraud", "fraud")]


def test_facts_that_are_not_asked_for_stay(office: Office) -> None:
    case = office.deployment.file(
        "fraud", asset_tag="LAPTOP-1", source_ticket="T-1", occurred_at="2026-01-02T03:04:05Z"
    )
    send(ready(office), case, **FORM, category="other", step="do", reason=REASON)
    ((facts,),) = office.deployment.rows("select facts from cases")

    assert (facts["asset_tag"], facts["source_ticket"], facts["category"]) == ("LAPTOP-1", "T-1", "other")
    assert facts["occurred_at"].startswith("2026-01-02T03:04:05")


def test_the_policy_in_force_may_be_chosen_where_it_is_another(office: Office) -> None:
    case = office.deployment.file("other")
    browser = ready(office)
    assert 'value="in_force"' not in browser.get(address(case)).text
    text = POLICY.replace("{id: rest, teams: security, to: security-desk}", "{id: rest, teams: legal, to: legal-desk}")
    policy = parse_policy(text, office.deployment.channels)
    with transaction(office.deployment.intake) as connection:
        policies.keep(connection, policy.digest, text, office.deployment.channels)
        policies.activate(connection, policy.digest)
    send(browser, case, **FORM, category="other", by="in_force", step="do", reason=REASON)

    assert office.deployment.rows("select policy from cases") == [(policy.digest,)]
    assert office.deployment.open(case.reference, "lena") == WRITTEN


def test_a_team_in_conflict_is_taken_out_after_it_was_foreseen(office: Office) -> None:
    case = office.deployment.file("other")
    office.deployment.sent(case.reference, "security-desk")
    browser = ready(office)
    preview = send(browser, case, "conflict", team="security")
    before = office.deployment.rows("select * from case_conflicts")
    done = browser.post(
        address(case, "conflict"),
        {"version": version(preview), "team": "security", "step": "do", "reason": "found out at the first talk"},
    )

    assert preview.status_code == 200
    for words in (
        "Taking out security would do this",
        "<dt>Gets it</dt><dd>legal</dd>",
        "legal-desk",
        "Told to forget it",
    ):
        assert words in preview.text
    assert before == []
    assert done.headers["location"] == f"/console/cases/{case.reference}?said=case_conflict_found"
    assert office.deployment.rows("select team, found_by from case_conflicts") == [("security", "person:ana")]
    assert office.deployment.open(case.reference, "lena") == WRITTEN


def test_a_member_of_the_team_in_conflict_alone_does_not_do_it(office: Office) -> None:
    case = office.deployment.file("fraud")
    answer = send(ready(office, "sven"), case, "conflict", team="security", step="do", reason=REASON)

    assert "Your team must know nothing of this case" in answer.text
    assert office.deployment.rows("select * from case_conflicts") == []
    assert any(line[1:4] == ("case_conflict_found", case.reference, "refused_in_conflict") for line in office.audit())


@pytest.mark.parametrize("step", ["", "do"])
@pytest.mark.parametrize("team", ["", "no_such", MARKED])
def test_a_team_that_the_policy_does_not_know_is_a_mistake(office: Office, team: str, step: str) -> None:
    case = office.deployment.file("fraud")
    answer = send(ready(office), case, "conflict", team=team, step=step, reason=REASON)

    assert answer.status_code == 422
    assert 'id="team-mistake"' in answer.text
    assert "MARKED" not in answer.text


def test_an_outdated_page_takes_no_team_out(office: Office) -> None:
    case = office.deployment.file("fraud")
    browser = ready(office)
    shown = version(browser.get(address(case, "conflict")))
    progress.claim(office.deployment.console, reference=case.reference, handle="ana", login="login:x")
    answer = browser.post(
        address(case, "conflict"), {"version": shown, "team": "legal", "step": "do", "reason": REASON}
    )

    assert answer.status_code == 409
    assert "claimed the case" in answer.text
    assert office.deployment.rows("select * from case_conflicts") == []


def test_each_look_and_each_try_is_one_line_of_the_audit(office: Office) -> None:
    case = office.deployment.file("fraud")
    browser = ready(office)
    before = len(office.audit())
    preview = send(browser, case, **FORM, category="other")
    browser.post(address(case), {"version": version(preview), **FORM, "category": "other", "step": "do", "reason": "x"})

    assert [line[1:] for line in office.audit()[before:]] == [
        ("case_viewed", case.reference, "ok", "reroute"),
        ("case_viewed", case.reference, "ok", "reroute preview"),
        ("case_rerouted", case.reference, "refused_reason_malformed", ""),
    ]


def test_who_sends_facts_that_cannot_be_is_on_record_as_well(office: Office) -> None:
    case = office.deployment.file("fraud")
    browser = ready(office)
    shown = version(browser.get(address(case)))
    before = len(office.audit())

    answer = browser.post(address(case), {**FORM, "version": shown, "category": "none", "step": "do", "reason": REASON})

    assert answer.status_code == 422
    assert [line[:4] for line in office.audit()[before:]] == [
        ("person:ana", "case_rerouted", case.reference, "refused_facts_malformed")
    ]
