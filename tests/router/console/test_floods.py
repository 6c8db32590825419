"""What a reviewer does about a flood: only with what is theirs and nobody has, on record, and never a second time."""

import re
from datetime import timedelta
from typing import Any

import pytest

from router.console import floods, progress
from router.console.acting import By
from router.errors import Forbidden
from router.reporter import receipts
from router.store import parked
from router.store.engine import transaction
from router.store.queue import most_urgent
from router.vocabulary import CaseOutcome, Role
from tests.router.console.deployments import SECRET, Deployment
from tests.router.console.pages import Office
from tests.router.console.rerouting import re_route, rows
from tests.router.console.test_queue_page import listed

FLOOD = "FLOOD-0123-4567-89AB"
OTHER = "FLOOD-0000-0000-0000"


def park(deployment: Deployment, category: str = "other", flood: str = FLOOD) -> str:
    """Record a concern of a flood, as the door does; return its reference."""
    return deployment.file(category, flood=flood).reference


def states(deployment: Deployment, reference: str) -> list[Any]:
    """Return the states of what the channels are told at once."""
    query = "select distinct state from referrals where reference = :one and awaited is null order by 1"
    return [state for (state,) in deployment.rows(query, one=reference)]


def noted(deployment: Deployment, action: str) -> list[Any]:
    query = "select actor, object, outcome, detail from audit where action = :action order by id"
    return deployment.rows(query, action=action)


def test_letting_a_flood_go_tells_now_what_is_ones_own_and_nobody_has(deployment: Deployment) -> None:
    mine, held = park(deployment), park(deployment)
    theirs = deployment.file(flood=FLOOD, involves=("security_team",)).reference
    elsewhere = park(deployment, flood=OTHER)
    progress.claim(deployment.console, reference=held, handle="ana", login="")

    ended = floods.let_go(deployment.console, flood=FLOOD, handle="sven", login="")

    assert (ended.count, ended.to_ring) == (1, ("security-desk",))
    assert states(deployment, mine) == ["due"]
    assert [states(deployment, one) for one in (held, theirs, elsewhere)] == [["standby"]] * 3
    assert noted(deployment, "case_let_go") == [("person:sven", mine, "ok", "")]
    assert noted(deployment, "flood_let_go") == [("person:sven", FLOOD, "ok", "count=1")]
    with pytest.raises(Forbidden, match="not_parked"):
        floods.let_go(deployment.console, flood=FLOOD, handle="sven", login="")
    assert noted(deployment, "flood_let_go")[-1] == ("person:sven", FLOOD, "refused_not_parked", "")


def test_what_waits_for_a_delivery_comes_sooner_when_the_delivery_does(deployment: Deployment) -> None:
    plain, reference = deployment.file("fraud").reference, park(deployment, "fraud")
    later = "select max(r.due_at) - max(c.received_at) from referrals r join cases c using (reference)"
    later += " where reference = :one and awaited = 'delivery'"

    [[before]] = deployment.rows(later, one=reference)
    floods.let_go_case(deployment.console, By(reference, "ana", ""))
    [[after]] = deployment.rows(later, one=reference)
    [[usual]] = deployment.rows(later, one=plain)

    assert before - usual > timedelta(minutes=14)
    assert abs(after - usual) < timedelta(minutes=1)


def test_closing_a_flood_as_one_withdraws_all_of_it_answers_its_reporters_and_says_why(deployment: Deployment) -> None:
    closed = sorted(park(deployment) for _ in range(3))
    critical, other = park(deployment, "grave"), deployment.file().reference

    deployment.run("update referrals set state = 'in_hand' where reference = :it and revision > 1", it=closed[0])

    ended = floods.close(deployment.console, flood=FLOOD, handle="ana", login="", reason="one sender, one sentence")

    assert (ended.count, ended.to_ring) == (3, ())
    query = """select state, outcome, acknowledged_at is not null, feedback_at is not null,
        (select count(*) from referrals r where r.reference = c.reference
            and state in ('standby', 'due', 'draft', 'in_hand'))
        from cases c where reference = :one"""
    assert [deployment.rows(query, one=one) for one in closed] == [[("closed", "no_action", True, True, 0)]] * 3
    assert [deployment.rows(query, one=one)[0][0] for one in (critical, other)] == ["open"] * 2
    assert states(deployment, critical) == ["draft", "due"]
    assert noted(deployment, "case_closed") == [
        ("person:ana", one, "ok", f"no_action told as one of {FLOOD}") for one in closed
    ]
    assert noted(deployment, "flood_closed") == [("person:ana", FLOOD, "ok", "count=3 one sender, one sentence")]


@pytest.mark.parametrize("reason", ["", "no", "x" * 201, "a\nb"])
def test_nothing_is_closed_as_one_without_a_reason(deployment: Deployment, reason: str) -> None:
    reference = park(deployment)

    with pytest.raises(Forbidden, match="reason_malformed"):
        floods.close(deployment.console, flood=FLOOD, handle="ana", login="", reason=reason)

    assert states(deployment, reference) == ["standby"]


def test_whoever_may_not_work_on_a_case_does_nothing_about_its_flood(deployment: Deployment) -> None:
    reference = park(deployment)
    for statement in (
        "update people set disabled_at = now() where handle = 'sven'",
        "insert into recusals (reference, handle) select reference, 'ana' from cases",
    ):
        deployment.run(statement)

    for handle in ("sven", "lena", "ana", "nobody", "ANA '--"):
        with pytest.raises(Forbidden, match="not_parked"):
            floods.let_go(deployment.console, flood=FLOOD, handle=handle, login="")
        with transaction(deployment.console) as connection:
            assert parked.floods(connection, handle) == []

    assert states(deployment, reference) == ["standby"]


def test_more_than_go_into_one_transaction_are_let_go_all(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked, "AT_ONCE", 2)
    for _ in range(5):
        park(deployment)

    assert floods.let_go(deployment.console, flood=FLOOD, handle="ana", login="").count == 5
    assert [detail for _, _, _, detail in noted(deployment, "flood_let_go")] == ["count=2", "count=2", "count=1"]


def test_what_is_re_routed_waits_no_more(deployment: Deployment) -> None:
    case = deployment.file("other", flood=FLOOD)

    re_route(deployment, case, asset_tag="LT-1")

    assert {row[2] for row in rows(deployment, case) if row[4] is None} == {"due"}


def test_a_case_that_is_closed_while_it_waits_tells_nobody(office: Office) -> None:
    reference = park(office.deployment)
    browser = office.sign_in("ana")

    browser.post(f"/console/cases/{reference}/close", outcome="unfounded", version=_version(browser, reference))

    assert states(office.deployment, reference) == ["recalled"]


def _version(browser: Any, reference: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', browser.get(f"/console/cases/{reference}").text)
    assert found
    return found[1]


def test_a_word_of_the_reporter_that_waits_its_hour_makes_no_case_parked_again(deployment: Deployment) -> None:
    receipt, kept = receipts.issue(SECRET)
    reference = deployment.file("other", flood=FLOOD, receipt=kept).reference
    floods.let_go_case(deployment.console, By(reference, "ana", ""))
    for key in ("first", "second", "third"):
        deployment.sent(reference, "security-desk")
        deployment.write(receipt, f"MARKED-7f3a {key}", key=key)

    with transaction(deployment.console) as connection:
        link, seen = parked.link_of(connection, reference), parked.floods(connection, "ana")

    assert states(deployment, reference) == ["sent", "standby"]
    assert link is not None
    assert (link.waits, seen) == (False, [])
    with pytest.raises(Forbidden, match="not_parked"):
        floods.close(deployment.console, flood=FLOOD, handle="ana", login="", reason="nobody is behind it")
    with pytest.raises(Forbidden, match="not_parked"):
        floods.let_go_case(deployment.console, By(reference, "ana", ""))
    assert states(deployment, reference) == ["sent", "standby"]


def test_what_its_reporter_wrote_to_since_is_not_closed_as_one_before_somebody_read_it(
    deployment: Deployment,
) -> None:
    receipt, kept = receipts.issue(SECRET)
    real = deployment.file("other", flood=FLOOD, receipt=kept).reference
    deployment.write(receipt, "MARKED-7f3a in earnest", key="first")
    rest = [park(deployment), park(deployment)]

    ended = floods.close(deployment.console, flood=FLOOD, handle="ana", login="", reason="one sender, one sentence")

    assert ended.count == 2
    assert states(deployment, real) == ["standby"]
    assert [states(deployment, one) for one in rest] == [["recalled"]] * 2
    deployment.run("update cases set reporter_wrote_at = null")
    assert floods.close(deployment.console, flood=FLOOD, handle="ana", login="", reason="was read").count == 1


def test_what_was_due_meanwhile_of_a_case_closed_as_one_is_not_sent_either(deployment: Deployment) -> None:
    reference = park(deployment)
    deployment.run("update referrals set state = 'due' where notice = 'reminder'")

    floods.close(deployment.console, flood=FLOOD, handle="ana", login="", reason="one sender, one sentence")

    query = "select count(*) from referrals where reference = :one and state <> 'recalled'"
    assert deployment.rows(query, one=reference) == [(0,)]


def test_closing_a_case_leaves_its_desk_to_hear_that_the_reporter_wrote(deployment: Deployment) -> None:
    receipt, kept = receipts.issue(SECRET)
    reference = deployment.file("other", receipt=kept).reference
    for key in ("first", "second"):
        deployment.sent(reference, "security-desk")
        deployment.write(receipt, f"MARKED-7f3a {key}", key=key)

    progress.close(
        deployment.console, reference=reference, handle="ana", login="", outcome=CaseOutcome.UNFOUNDED, told=True
    )

    assert states(deployment, reference) == ["sent", "standby"]


def test_the_queue_filters_what_is_parked_and_the_next_case_is_none_of_it(office: Office) -> None:
    one, other = park(office.deployment), office.deployment.file(ago=timedelta(hours=1)).reference
    browser = office.sign_in("ana")

    everything, only = browser.get("/console").text, browser.get("/console", parked="1").text
    with_more = listed(browser.get("/console", parked="1", category="other", claimed="nobody").text)
    none = listed(browser.get("/console", parked="1", category="fraud").text)
    with transaction(office.deployment.console) as connection:
        following = most_urgent(connection, "ana")
    office.deployment.run("update cases set claimed_at = now(), claimed_by = 'ana' where reference = :one", one=other)
    with transaction(office.deployment.console) as connection:
        nothing = most_urgent(connection, "ana")

    assert set(listed(everything)) == {one, other}
    assert everything.count("> parked<") == only.count("> parked<") == 1
    assert 'href="/console/floods"' in everything
    assert listed(only) == with_more == [one]
    assert none == []
    assert (following, nothing) == (other, None)


def test_the_page_shows_each_flood_and_its_forms_do_what_they_say(office: Office) -> None:
    references = [park(office.deployment) for _ in range(3)]
    closing = park(office.deployment, flood=OTHER)
    browser = office.sign_in("ana")
    shown = browser.get("/console/floods").text

    refused = browser.post(f"/console/floods/{OTHER}/close", reason="x")
    closed = browser.follow(browser.post(f"/console/floods/{OTHER}/close", reason="nobody is behind it"))
    single = browser.follow(browser.post(f"/console/cases/{references[0]}/let-go"))
    gone = browser.follow(browser.post(f"/console/floods/{FLOOD}/let-go"))
    again = browser.post(f"/console/floods/{FLOOD}/let-go")
    twice = browser.post(f"/console/cases/{references[0]}/let-go")

    assert sorted(listed(shown)) == sorted([*references, closing])
    assert (refused.status_code, 'value="x"' in refused.text) == (422, True)
    assert re.search(rf'id="reason-{OTHER}"[^>]* aria-invalid="true"', refused.text)
    assert "Closed as one." in closed.text
    assert "its channels are told now" in single.text
    assert "their channels are told now" in gone.text
    assert "No flood" in gone.text
    assert (again.status_code, twice.status_code) == (409, 409)
    assert [states(office.deployment, one) for one in references] == [["due"]] * 3
    assert states(office.deployment, closing) == ["recalled"]
    assert "closed together with them" in browser.get(f"/console/cases/{closing}").text


def test_who_cannot_see_a_case_cannot_see_its_flood(office: Office) -> None:
    park(office.deployment)

    page = office.sign_in("lena").get("/console/floods").text

    assert "No flood" in page
    assert "FLOOD-" not in page
    assert "/console/floods" not in office.sign_in("lena").get("/console").text
    assert office.sign_in("ana", Role.AUDITOR).get("/console/floods").status_code == 403
