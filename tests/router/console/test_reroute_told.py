"""A case is decided anew: what channels hear of it, recalled, corrected or stopped, and nothing twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

from router import clock
from router.model import NewCase
from router.reporter import receipts
from router.store.engine import transaction
from router.store.referrals import Ended, lease, settle
from tests.router.console.deployments import SECRET, Deployment
from tests.router.console.rerouting import at, re_route, rows, shape


def test_what_they_were_sent_is_recalled_and_what_waited_for_them_is_stopped(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    re_route(deployment, case, category="other")

    legal = at(deployment, case, "legal-desk")
    assert legal[0][2] == "sent"
    assert legal[-1][2:4] == ("due", "recalled")
    assert {row[2] for row in legal[1:-1]} <= {"recalled"}
    assert at(deployment, case, "ombuds-desk", "standby", "due") == []


def test_what_was_never_tried_is_not_recalled(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    became = re_route(deployment, case, category="other")

    assert became.prospect.change.recalled == ()
    assert {row[2] for row in at(deployment, case, "legal-desk")} == {"recalled"}


def test_who_holds_something_of_it_is_told_what_counts_now(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    re_route(deployment, case, category="other")
    ((fields, revision),) = deployment.rows(
        "select fields, revision from referrals where channel = 'security-desk' and state = 'due'"
    )

    assert (fields["notice"], fields["category"], fields["severity"], fields["revision"]) == (
        *("corrected", "other", "low"),
        revision,
    )


def test_who_is_told_nothing_that_changed_is_not_told_again(deployment: Deployment) -> None:
    case = deployment.file("other")
    deployment.sent(case.reference, "security-desk")
    became = re_route(deployment, case, where_found="laptop")

    assert became.prospect.change.posted == ()
    assert became.prospect.change.stopped == ()
    assert became.prospect.corrected == ("where_found",)


def test_what_is_not_sent_yet_is_sent_as_it_is_now(deployment: Deployment) -> None:
    case = deployment.file("other")
    re_route(deployment, case, category="fraud")
    due = deployment.rows("select channel, notice, fields ->> 'category' from referrals where state = 'due' order by 1")

    assert due == [("legal-desk", None, "fraud"), ("security-desk", None, "fraud")]


def test_nothing_that_waits_speaks_of_a_time_that_counts_no_more(deployment: Deployment) -> None:
    case = deployment.file("other")
    re_route(deployment, case, category="fraud")
    waiting = deployment.rows(
        "select distinct due_at from referrals where state = 'standby' and awaited = 'claim' and notice = 'overdue'"
    )
    ((claim_by, decide_by),) = deployment.rows("select claim_by, decide_by from cases")

    assert waiting == [(claim_by,)]
    assert (claim_by, decide_by) == (
        case.received_at + timedelta(hours=4),
        case.received_at + timedelta(days=3),
    )


def test_a_reminder_that_was_sent_is_not_sent_a_second_time(deployment: Deployment) -> None:
    case = deployment.file("fraud", ago=timedelta(hours=3, minutes=30))
    deployment.sent(case.reference, "security-desk")
    deployment.run(
        "update referrals set state = 'sent', attempts = 1, first_due_at = due_at, due_at = now(), settled_at = now()"
        " where notice = 'reminder' and awaited = 'claim'"
    )
    re_route(deployment, case, involves=["legal"])
    reminders = [row for row in rows(deployment, case) if (row[3], row[4]) == ("reminder", "claim")]

    assert [row[2] for row in reminders if row[0] == "security-desk"] == ["sent"]


def test_what_a_worker_takes_at_that_moment_is_recalled_as_well(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    blocked = "select count(*) from pg_locks where not granted"
    with ThreadPoolExecutor(1) as staff, transaction(deployment.owner) as worker:
        assert lease(worker, "legal-desk", limit=9, lease_s=30)
        going = staff.submit(re_route, deployment, case, category="other")
        while deployment.rows(blocked) == [(0,)] and not going.done():
            sleep(0.01)
        worker.commit()
        became = going.result()

    assert [plan.channel for plan in became.prospect.change.recalled] == ["legal-desk"]
    assert at(deployment, case, "legal-desk")[0][2:] == ("leased", None, None, "rerouted")


def test_what_a_worker_tries_again_at_that_moment_is_not_tried_once_more(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    with transaction(deployment.owner) as worker:
        held = lease(worker, "legal-desk", limit=9, lease_s=30)
        settle(worker, [Ended(one, "due", "timed_out", clock.now()) for one in held])
    with transaction(deployment.owner) as worker:
        held = lease(worker, "legal-desk", limit=9, lease_s=30)
    re_route(deployment, case, category="other")
    with transaction(deployment.owner) as worker:
        settle(worker, [Ended(one, "due", "timed_out", clock.now()) for one in held])

    assert at(deployment, case, "legal-desk")[0][2:] == ("recalled", None, None, "rerouted")


def test_nobody_approves_any_more_what_it_withdrew(deployment: Deployment) -> None:
    case = deployment.file("grave")
    deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at)"
        " select id, 'policy', 'd', 2, now() + interval '1 d' from referrals where channel = 'police'"
    )
    re_route(deployment, case, category="other")

    assert deployment.rows("select ended, ended_at is not null from drafts") == [("replaced", True)]


def test_a_draft_that_still_counts_stays_and_another_is_replaced(deployment: Deployment) -> None:
    case = deployment.file("grave")
    re_route(deployment, case, where_found="laptop")
    assert [row[1:3] for row in at(deployment, case, "police")] == [(1, "draft")]

    re_route(deployment, case, category="other")

    assert [row[1:3] for row in at(deployment, case, "police")] == [(1, "recalled")]


def test_nothing_goes_outside_by_it_a_recall_neither(deployment: Deployment) -> None:
    case = deployment.file("grave")
    deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at, ended, ended_at)"
        " select id, 'policy', 'd', 1, now(), 'approved', now() from referrals where channel = 'police'"
    )
    deployment.run(
        "insert into approvals (referral, digest, handle, verdict, reason)"
        " select referral, 'd', 'lena', 'approved', 'a test' from drafts"
    )
    deployment.run("update referrals set state = 'sent', attempts = 1 where channel = 'police'")
    became = re_route(deployment, case, category="other")

    assert ("police", "draft", "recalled") in shape(became.prospect.change.posted)
    assert "police" not in became.to_ring
    assert at(deployment, case, "police", "due") == []


def outside(deployment: Deployment) -> NewCase:
    """Return a case that the police hold something of, and that was re-routed so that they should not."""
    case = deployment.file("grave")
    deployment.run(
        "insert into drafts (referral, drafted_by, digest, needed, expires_at, ended, ended_at)"
        " select id, 'policy', 'd', 1, now(), 'approved', now() from referrals where channel = 'police'"
    )
    deployment.run(
        "insert into approvals (referral, digest, handle, verdict, reason)"
        " select referral, 'd', 'lena', 'approved', 'a test' from drafts"
    )
    deployment.run("update referrals set state = 'sent', attempts = 1 where channel = 'police'")
    re_route(deployment, case, category="other")
    return case


def test_a_recall_that_nobody_approved_goes_when_the_case_comes_back(deployment: Deployment) -> None:
    case = outside(deployment)
    re_route(deployment, case, category="grave")

    assert [row[1:4] for row in at(deployment, case, "police")] == [(1, "sent", None), (2, "recalled", "recalled")]


def test_a_recall_that_waits_for_approvals_is_not_asked_for_twice(deployment: Deployment) -> None:
    case = outside(deployment)
    re_route(deployment, case, where_found="laptop")

    assert [row[1:4] for row in at(deployment, case, "police")] == [(1, "sent", None), (2, "draft", "recalled")]


def test_a_recall_that_was_refused_is_asked_for_again(deployment: Deployment) -> None:
    case = outside(deployment)
    deployment.run("update referrals set state = 'recalled', outcome = 'refused' where state = 'draft'")
    re_route(deployment, case, where_found="laptop")

    assert [row[1:4] for row in at(deployment, case, "police")][1:] == [
        (2, "recalled", "recalled"),
        (3, "draft", "recalled"),
    ]


def test_whoever_comes_back_is_told_in_the_same_place(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    re_route(deployment, case, category="other")
    deployment.sent(case.reference, "legal-desk")
    became = re_route(deployment, case, category="fraud")

    assert ("legal-desk", "due", "corrected") in shape(became.prospect.change.added)
    assert at(deployment, case, "legal-desk", "due")[-1][3] == "corrected"


def test_there_and_back_waits_for_the_same_as_at_first(deployment: Deployment) -> None:
    case = deployment.file("fraud")
    first = [row[:1] + row[2:5] for row in rows(deployment, case)]
    for category in ("other", "grave", "fraud"):
        re_route(deployment, case, category=category)
    now = [row[:1] + row[2:5] for row in rows(deployment, case) if row[2] != "recalled"]

    assert sorted(now, key=str) == sorted(first, key=str)


def test_that_the_reporter_wrote_is_still_said_to_who_has_the_case_then_and_to_nobody_else(
    deployment: Deployment,
) -> None:
    receipt, key = receipts.issue(SECRET)
    case = deployment.file("fraud", receipt=key)
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(case.reference, desk)
    deployment.write(receipt, "MARKED-7f3a words")
    re_route(deployment, case, category="other")

    said = [row for row in rows(deployment, case) if row[3] == "reporter_wrote"]
    assert [(channel, state) for channel, _revision, state, *_rest in said] == [
        ("legal-desk", "recalled"),
        ("security-desk", "due"),
    ]
